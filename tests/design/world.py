"""Sites and components for tests: the examples as they are, and small hand-made ones."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from wallcloud.catalog.component import Account, Component, Exemption, Listen
from wallcloud.catalog.facts import NodeFacts
from wallcloud.catalog.place import Release
from wallcloud.design.compile import Design, compile_site, place
from wallcloud.design.flows import Flow, derive
from wallcloud.site import template
from wallcloud.site.addresses import plan
from wallcloud.site.load import Loaded, load_text
from wallcloud.site.model import Kind, Role, Site

RELEASE = Release("2026.2", "e" * 64, "a" * 64)
EXAMPLES = template.FLAVOURS
EXCEPTION = Exemption("test", "a test needs no protection", "tests")
CONTROL, API, NETWORK, COMPUTE = Role.CONTROL, Role.API, Role.NETWORK, Role.COMPUTE


def example(flavour: str = "article", *changes: tuple[str, str]) -> Loaded:
    """An example with some of its text changed."""
    text = template.text(next(each for each in EXAMPLES if each == flavour))
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return load_text(text.encode(), Path("site.yaml"))


@cache
def designed(flavour: str = "article", *, ovs_kernel: bool = True) -> Design:
    """The design of an example, before any node was asked, but for the one thing that is said."""
    loaded = example(flavour)
    facts = {} if ovs_kernel else dict.fromkeys(loaded.site.nodes, NodeFacts(ovs_kernel=False))
    return compile_site(loaded, facts, RELEASE)


def with_options(text: str) -> Loaded:
    """The article's site with other `options:`."""
    return example("article", ("  keystone: {token: {expiration: 7200}}", f"  {text}"))


def component(name: str, uid: int = 650, roles: tuple[Role, ...] = (CONTROL,), **more: Any) -> Component:
    """A small component with an account of its own name."""
    return Component(name=name, title=name, roles=roles, account=Account(name, uid), **more)


def listen(name: str = "api", network: Kind | None = Kind.MANAGEMENT, port: int | None = 80, **more: Any) -> Listen:
    """A protected listener."""
    return Listen(name, network, port, **{"authentication": "TLS", "encryption": "TLS", **more})


def catalog(components: Iterable[Component]) -> Mapping[str, Component]:
    return {each.name: each for each in components}


def flows_of(*components: Component, site: Site | None = None) -> tuple[Flow, ...]:
    """What follows from these components alone, on the article's site."""
    given = site or example().site
    known = catalog(components)
    return derive(given, plan(given), place(given, known), known)
