"""The part as a whole: each node is asked once, all at once; judged is here."""

from __future__ import annotations

from types import ModuleType

from wallcloud.progress import Progress, step
from wallcloud.verify.asking import asked, each_node
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.expectation import Seen
from wallcloud.verify.far import loop, processes
from wallcloud.verify.sockets.far import listening, node
from wallcloud.verify.sockets.judging import judge
from wallcloud.verify.sockets.wanted import clients, wanted

PROGRAM: tuple[ModuleType, ...] = (loop, processes, listening, node)


def act(cloud: Cloud, progress: Progress, _keep: bool) -> tuple[Seen, ...]:
    """What hears on every node."""
    design = cloud.design
    with step(progress, "sockets of every namespace"):
        return each_node(
            "sockets",
            design.site.nodes,
            lambda name: judge(
                name, asked(cloud, name, PROGRAM, "sockets"), wanted(design, name), clients(design, name)
            ),
        )
