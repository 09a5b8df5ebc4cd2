"""The whole answer of one node: what its spec says is there is asked, all at once."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from wallcloud.node.context import Run
from wallcloud.node.resources import (
    Certificate,
    CloudNetwork,
    Directory,
    ExclusiveBusAccounts,
    ExclusiveDatabaseAccounts,
    Unit,
)
from wallcloud.node.session import Session
from wallcloud.node.spec import Spec, from_json
from wallcloud.node.status import host, servers
from wallcloud.node.status.asking import Asking, Question
from wallcloud.node.status.cloud import Cloud
from wallcloud.node.status.model import Answer

ASKED = (Unit, Certificate, Directory, CloudNetwork, ExclusiveBusAccounts, ExclusiveDatabaseAccounts)
"""The kinds of resources that a question about a node's health needs of its spec."""
_ROOTS = ("/", "/var")


def status(request: Mapping[str, Any], session: Session) -> int:
    """Answers `{"op": "status", "spec", "secrets", "apis": {service type: component}}` with one event `status`.

    Nothing is changed. Raises SpecError. Returns the exit status.
    """
    spec, secrets = from_json(request["spec"]), request.get("secrets") or {}
    session.hide(secrets)
    ctx = Run(spec, secrets, session, planning=True)
    session.emit("status", answer=asdict(answer(spec, ctx, request.get("apis") or {})))
    session.emit("finished", outcome="ok", applied=0, unchanged=0, planned=0, seconds=0.0)
    return 0


def answer(spec: Spec, ctx: Run, apis: Mapping[str, str]) -> Answer:
    """Everything that this node can say of itself."""
    of = spec.resources
    asking = Asking()
    units = host.Units((each for each in of if isinstance(each, Unit)), asking)
    asked: dict[str, Question] = {}
    for each in of:
        if isinstance(each, ExclusiveDatabaseAccounts):
            asked["database"] = asking.begin("MariaDB", each.component, servers.database)
            asked["servers"] = asking.begin("Nova's count of VMs", each.component, servers.servers)
        elif isinstance(each, ExclusiveBusAccounts):
            asked["bus"] = asking.begin("RabbitMQ", each.component, servers.bus)
    networks = [each for each in of if isinstance(each, CloudNetwork)]
    cloud = None
    if networks:
        names = {each.network for each in networks}
        cloud = Cloud(ctx, networks[0].access, names, apis, units.run, asking)
    certificates = tuple(host.certificate(each) for each in of if isinstance(each, Certificate))
    memory, free = host.memory()
    folders = (each.path for each in of if isinstance(each, Directory))
    disks = host.disks((*_ROOTS, *folders))

    def reply(name: str) -> Any:
        return asking.answer(asked[name]) if name in asked else None

    return Answer(
        units=units.health(),
        certificates=certificates,
        disks=disks,
        memory=memory,
        memory_free=free,
        database=reply("database"),
        bus=reply("bus"),
        servers=reply("servers"),
        cloud=cloud.health() if cloud else None,
        silent=tuple(asking.silent),
    )
