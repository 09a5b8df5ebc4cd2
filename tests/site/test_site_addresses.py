"""The address plan of the article's site, in the numbers that the documentation shows."""

from pathlib import Path

from wallcloud.site import template
from wallcloud.site.addresses import plan
from wallcloud.site.load import load_text
from wallcloud.site.model import Site


def site(*changes: tuple[str, str]) -> Site:
    text = template.text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load_text(text.encode(), Path("site.yaml")).site


def test_the_article() -> None:
    assert [f"{node} {network} {address}" for (node, network), address in plan(site()).items()] == [
        "control management 198.18.10.11",
        "api management 198.18.10.12",
        "network management 198.18.10.13",
        "compute1 management 198.18.10.14",
        "compute2 management 198.18.10.15",
        "api public 198.18.30.11",
        "network overlay 198.18.20.11",
        "compute1 overlay 198.18.20.12",
        "compute2 overlay 198.18.20.13",
    ]


def test_what_is_taken_is_skipped() -> None:
    addresses = plan(
        site(
            ("servers: [198.18.10.1]", "servers: [198.18.10.11]"),
            ("gateway: 198.18.10.1}", "gateway: 198.18.10.12, pool: 198.18.10.14-198.18.10.200}"),
            ("roles: [network]\n", "roles: [network]\n    addresses: {management: 198.18.10.201}\n"),
        )
    )
    assert str(addresses.address("control", "management")) == "198.18.10.13"
    assert str(addresses.interface("api", "management")) == "198.18.10.202/24"
    assert str(addresses.address("network", "management")) == "198.18.10.201"
