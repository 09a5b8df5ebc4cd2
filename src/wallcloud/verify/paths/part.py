"""The part as a whole: on each node what is there, then every account at every path, then the search."""

from __future__ import annotations

import hashlib
import secrets as chance
from collections.abc import Iterator
from types import ModuleType

from wallcloud.progress import Progress, step
from wallcloud.verify.asking import each_node, hands_on
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.expectation import Seen
from wallcloud.verify.far import becoming, loop, processes
from wallcloud.verify.paths import deployer, judging, wanted
from wallcloud.verify.paths.far import dumping, node, searching, trying, writing

PROGRAM: tuple[ModuleType, ...] = (loop, processes, becoming, trying, searching, dumping, writing, node)


def act(cloud: Cloud, progress: Progress, _keep: bool) -> tuple[Seen, ...]:
    """What accounts can open, and where secrets are."""
    with step(progress, "secrets, and who can open what"):
        every = each_node("paths", cloud.design.site.nodes, lambda name: _node(cloud, name))
        if cloud.state and cloud.cache:
            return (*every, *deployer.judge(cloud.state, cloud.cache, cloud.secrets))
        return every


def _node(cloud: Cloud, name: str) -> Iterator[Seen]:
    design = cloud.design
    targets = wanted.targets(design, name)
    with hands_on(cloud, name, PROGRAM) as hands:
        there = hands.call("places", patterns=[each.path for each in targets])
        yield from judging.absent(name, targets, there)
        shaped = [each.path for each in targets if each.shape]
        yield from judging.shaped(name, targets, hands.call("shapes", paths=shaped))
        tries = tuple(judging.tries(targets, there, (*wanted.accounts(design, name), wanted.NOBODY)))
        yield from judging.opened(name, tries, hands.call("tried", accounts=judging.asked(tries)))
        yield judging.written(name, hands.call("writable"))
        salt = chance.token_hex(16)
        told = hands.call(
            "search",
            salt=salt,
            digests={key: digest(salt, cloud.secrets[key]) for key in wanted.secrets(design) if key in cloud.secrets},
            keys=list(wanted.keys(design, name)),
            pruned=list(wanted.pruned(design, name)),
        )
        kept = tuple(each.path for each in wanted.privates(design, name))
        yield from judging.found(name, told, wanted.belongs(design, name), kept)
        yield from judging.dumped(name, hands.call("dumps"), told["dumps"])


def digest(salt: str, value: str) -> str:
    """What a node is told of a secret that may not be its own: the first three digits of 64 and a salted digest."""
    return value[:3] + hashlib.sha256((salt + value).encode()).hexdigest()
