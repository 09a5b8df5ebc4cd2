"""All answers with what is not well in them: what a screen, a program and a bundle are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from wallcloud.deploy.status.asking import Asked
from wallcloud.deploy.status.judging import Problem, problems
from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.node.status.model import Answer


@frozen
class Report:
    """How the cloud is. `lost`: node → why it could not be asked; `pools`: account of MariaDB's → the most connections
    that its component's pools open; `time`, `ca_until` (the end of the site's CA): seconds since 1970."""

    site: str
    release: str
    time: float
    problems: tuple[Problem, ...]
    lost: Mapping[str, str]
    nodes: Mapping[str, Answer]
    pools: Mapping[str, int]
    ca_until: float

    def to_json(self) -> dict[str, object]:
        """For programs: all of it, and whether it is `well`."""
        return {"well": not self.problems, **asdict(self)}


def report(design: Design, asked: Asked, now: float, ca_until: float) -> Report:
    """The report of what was asked at `now`."""
    accounts = {name: component.account.name for name, component in design.catalog.items()}
    pools = {accounts[limit.component]: limit.value for limit in design.limits if limit.name == "database_connections"}
    return Report(
        site=design.site.name,
        release=design.site.release,
        time=now,
        problems=problems(design, asked, now, ca_until),
        lost={node: error.what for node, error in asked.lost.items()},
        nodes=asked.answers,
        pools=pools,
        ca_until=ca_until,
    )
