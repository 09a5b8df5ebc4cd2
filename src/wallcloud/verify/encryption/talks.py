"""The conversations that are TLS, as the design has them: who speaks to whom, as which account, with which proof."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wallcloud.catalog.component import Outside
from wallcloud.catalog.database import password
from wallcloud.catalog.place import internal_name
from wallcloud.design.certificates import ClientCertificate, client_certificates
from wallcloud.design.compile import Design
from wallcloud.design.flows import Flow, Transport
from wallcloud.frozen import frozen
from wallcloud.site.model import Kind

PROTOCOLS = {
    "management-door": "https",
    "public-door": "https",
    "rabbitmq": "amqps",
    "mariadb": "mysql",
    "chrony": "ntske",
}
"""What the TLS listeners of each server speak. A TLS flow to another server is an expectation that fails."""
PLACES = {str(Outside.ADMINS): "admin", str(Outside.TENANTS): "office"}
PATH = "/identity/v3"
"""What both doors answer without a token."""


@frozen
class Talk:
    """One client's conversation with one server."""

    client: str
    """`nova-compute@compute1`, `root@control`, `admins`."""
    place: str
    """A node, or a workstation outside."""
    account: str
    """Of the operating system; "" at a workstation."""
    server: str
    server_node: str
    network: str
    address: str
    port: int
    protocol: str
    name: str
    """Whom the certificate must name, and nobody else."""
    mutual: bool
    newest: bool
    """TLS 1.3 alone is spoken."""
    own: ClientCertificate | None = None
    neighbour: ClientCertificate | None = None
    """Another component's certificate on the same node, which must not do."""
    vhost: str = ""
    walls: tuple[str, ...] = ()
    """Other virtual hosts, which must be closed to it."""
    user: str = ""
    secret: str = ""
    """The name of its password."""
    database: str = ""

    @property
    def source(self) -> str:
        """The row of the heat map."""
        return f"{self.place} as {self.client.partition('@')[0]}" if self.account else self.place

    @property
    def target(self) -> str:
        """The column."""
        return f"{self.server_node} on {self.network}"

    @property
    def where(self) -> str:
        """The first parts of an id."""
        return f"encryption/{self.server_node}:{self.port}/{self.client}"


def is_tls(flow: Flow) -> bool:
    """Whether the design says that this flow is TLS over a network."""
    return flow.transport is Transport.NETWORK and flow.encryption.startswith("TLS")


def talks(design: Design) -> Iterator[Talk]:
    """One for each flow that is TLS, in the flows' order; of one account to one port once."""
    seen: set[tuple[str, str, str | None, int | None]] = set()
    for flow in design.flows:
        if is_tls(flow):
            talk = _talk(design, flow)
            key = (talk.client, talk.server, flow.server.node, flow.port)
            if key not in seen:
                seen.add(key)
                yield talk


def _talk(design: Design, flow: Flow) -> Talk:
    site = design.site
    node, server_node = flow.client.node, str(flow.server.node)
    who = flow.client.who
    account = flow.client.account.name if flow.client.account and node else ""
    component = design.catalog.get(who) if node else None
    as_itself = component is not None and account == component.account.name
    mine, others = _certificates(design, node, who) if node else (None, ())
    mutual = "mutual" in flow.authentication
    bus = component.bus if component and flow.server.who == "rabbitmq" else ""
    uses = component.uses if component and flow.server.who == "mariadb" else ()
    public = flow.network in site.networks_of(Kind.PUBLIC)
    return Talk(
        client=f"{who if as_itself else account}@{node}" if node else who,
        place=node or PLACES.get(who, who),
        account=account,
        server=flow.server.who,
        server_node=server_node,
        network=str(flow.network),
        address=flow.server.prefixes[0],
        port=flow.port or 0,
        protocol=PROTOCOLS.get(flow.server.who, ""),
        name=site.domain if public else internal_name(site, server_node),
        mutual=mutual,
        newest=flow.encryption == "TLS 1.3",
        own=mine if mutual else None,
        neighbour=_stranger_to(design, bus, others) if mutual else None,
        vhost=bus,
        walls=tuple(sorted({it.bus for name, it in design.catalog.items() if name in design.placed} - {bus, ""}))
        if bus
        else (),
        user=account if uses else "",
        secret=password(who, node) if uses and node else "",
        database=uses[0] if uses else "",
    )


def _certificates(
    design: Design, node: str, component: str
) -> tuple[ClientCertificate | None, tuple[ClientCertificate, ...]]:
    """A component's own on its node, and its neighbours'."""
    found = tuple(client_certificates(design.specs[node]))
    own = next((each for each in found if each.component == component), None)
    return own, tuple(each for each in found if each.component != component)


def _stranger_to(design: Design, bus: str, others: Iterable[ClientCertificate]) -> ClientCertificate | None:
    """The first neighbour's that has no business where this one has."""
    return next((each for each in others if not bus or design.catalog[each.component].bus != bus), None)
