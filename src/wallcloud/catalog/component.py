"""What a component is: one program that a role runs, and everything it declares about itself.

Nothing that stands here is declared a second time anywhere: placement, flows, the firewall, certificates,
accounts and limits are derived from it by `wallcloud.design`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from wallcloud.frozen import frozen
from wallcloud.site.model import Kind, Role, Site

if TYPE_CHECKING:
    from wallcloud.catalog.place import Place
    from wallcloud.node.resource import Resource

EVERY_ROLE = tuple(Role)


@frozen
class Account:
    """The system account that a component runs as. The uid is fixed so that the firewall can name it on every node."""

    name: str
    uid: int
    home: str = "/nonexistent"
    groups: tuple[str, ...] = ()
    foreign: bool = False
    """Debian's base-passwd makes it (root, www-data): Wallcloud only refers to it."""

    @property
    def group(self) -> str:
        """Each account has a group of its own name and number."""
        return self.name


ROOT = Account("root", 0, home="/root", foreign=True)
NOBODY = Account("nobody", 65534, foreign=True)
MESSAGE_BUS = Account("messagebus", -2, foreign=True)
"""dbus-daemon's; Debian gives it a number when it is installed."""
WWW_DATA = Account("www-data", 33, home="/var/www", foreign=True)
OUTSIDE = Account("the host around", -3, foreign=True)
"""Whose processes a container does not see."""
KERNEL = Account("kernel", -1, foreign=True)
"""Who sends what no process does: a tunnel's packets. The firewall can name no account for them."""


class Outside(StrEnum):
    """Who takes part in flows without being a component on a node."""

    ADMINS = "admins"
    TENANTS = "tenants"
    TIME_SERVERS = "time servers"


@frozen
class Exemption:
    """A named exception: a flow that the design leaves without authentication or encryption."""

    name: str
    reason: str
    owner: str


def protected(authentication: str, encryption: str) -> bool:
    """Whether both are there; what begins with `none` says that it is not."""
    return all(each and not each.startswith("none") for each in (authentication, encryption))


@frozen
class Listen:
    """One thing a component listens on. `port` is None for `icmp` and for unix sockets.

    `network` says where: a kind of network, or None for the node itself (`loopback` or, with `path`, a unix socket).
    """

    name: str
    network: Kind | None
    port: int | None = None
    protocol: str = "tcp"
    path: str | None = None
    authentication: str = ""
    encryption: str = ""
    exemption: Exemption | None = None
    roles: tuple[Role, ...] = EVERY_ROLE
    """Only where the component stands on a node of these roles does it listen."""
    everywhere: str = ""
    """Why it is bound to every address of its node instead of its network's."""
    everyone: str = ""
    """Why every account of the node may connect to this unix socket."""
    members: str = ""
    """The group whose members may connect to this unix socket, whoever of them is served."""
    switched: bool = False
    """The switch takes it off the wire: what a node has for it are the component's `sockets`, and no listener."""
    port_of: Callable[[Site], int] | None = None
    """Where the site says the port; `port` is the usual one then."""

    def port_at(self, site: Site) -> int | None:
        """The port in a site."""
        return self.port_of(site) if self.port_of else self.port


@frozen
class OwnSocket:
    """A socket that a program has besides its listeners: no flow goes there, and it hears all the same.

    `at` is a pattern of `*` and `?` (brackets are an IPv6 address's): of a path, or of an abstract name behind `@`,
    for `unix`; of ADDRESS:PORT for `tcp` and `udp`; of a protocol's number for `raw`; of an interface for `packet`.
    """

    kind: Literal["unix", "tcp", "udp", "raw", "packet"]
    at: str
    why: str
    account: Account | None = None
    """As whom its process runs, where it is not the component's account."""
    units: str = "*"
    """Pattern of the units whose processes may hold it."""
    space: str = ""
    """Pattern of the names of network namespaces in which it may be; empty: the node's own. Paths are seen in all."""
    always: bool = False
    """It must be there (in each such namespace), else it may come and go."""
    systemd: bool = False
    """systemd made it for the program, and has it open as well."""
    given_up: bool = False
    """It was made by root, who then became `account` or gave it to it: on disk it is root's."""
    everyone: str = ""
    """Why every account of the node may connect to this unix socket."""
    members: str = ""
    """The group whose members may connect to it, too."""


@frozen
class Private:
    """What a program keeps to itself though no resource says so: nobody but `readers`, the members of `members` and
    root may open it. `path` is a pattern (glob(7)); of many files the newest are tried."""

    path: str
    why: str
    readers: tuple[Account, ...]
    members: str = ""
    key: bool = False
    """It is a secret that was born on the node, and is nowhere else there."""
    holds: str = ""
    """The site's secret that belongs in it, too."""


@frozen
class Call:
    """A component calls `listen` of component `to`, as its own account unless `account` says another.

    Over the network it calls every server, also one on its own node (by loopback), but no peer of its own there.
    """

    to: str | Outside
    listen: str
    why: str
    account: Account | None = None
    same_node: bool = False
    waits: bool = False
    """The caller starts only when the server answers: its unit awaits the server's milestone."""
    neighbours: bool = False
    """A component's call of its own kind, of whoever is on the listener's network: two flows on each node, not one for
    each pair of nodes."""
    orders: bool = True
    """Within a node the server's resources come first. Without, the caller can do for a while without the server."""


@frozen
class Visit:
    """Somebody outside calls `listen` of this component."""

    who: Outside
    listen: str
    why: str


@frozen
class OutsideService:
    """What a component needs from outside the site: e.g. NTP of the declared time servers."""

    who: Outside
    network: Kind
    protocol: str
    port: int
    why: str
    authentication: str
    encryption: str
    exemption: Exemption | None = None
    roles: tuple[Role, ...] = EVERY_ROLE


@frozen
class Term:
    """One term of a limit's sum: `value` and what it stands for."""

    text: str
    value: int


@frozen
class Limit:
    """A number derived from site and facts, with its arithmetic: the value is the sum of its terms."""

    component: str
    name: str
    terms: tuple[Term, ...]

    @property
    def value(self) -> int:
        return sum(term.value for term in self.terms)


@frozen
class Database:
    """A database that a component makes and keeps. `schema_account` alone may change its tables."""

    name: str
    schema_account: Account
    connections: int = 1
    """What schema changes need at once."""


@frozen
class Api:
    """An API of OpenStack's behind the doors: the doors, the catalog's entry and its endpoints are made of it.

    `path` follows the prefix in the catalog's URLs. `http`: a backend that takes uploads of any length by HTTP, where
    uwsgi's own protocol wants a length. `body` is the most bytes of a request, 0 without limit.
    """

    service: str
    type: str
    prefix: str
    socket: str
    path: str = ""
    public: bool = True
    http: bool = False
    body: int = 131072


@frozen
class ServiceUser:
    """A user of Keystone's, in the project `service`, as whom a component calls other APIs."""

    name: str
    roles: tuple[str, ...] = ("service",)

    @property
    def password(self) -> str:
        """The name of the secret that is its password."""
        return f"identity-service-{self.name}"

    def account(self, generation: int) -> str:
        """Its name with the password of that generation: Keystone keeps one of a user, so two of them take turns."""
        return f"{self.name}-b" if generation % 2 else self.name


Resources = Callable[["Place"], Iterable["Resource"]]
Sockets = Callable[["Place"], Iterable[OwnSocket]]
Privates = Callable[["Place"], Iterable[Private]]


def nothing(place: Place) -> Iterable[Resource]:
    """A component without resources of its own."""
    return ()


def no_sockets(place: Place) -> Iterable[OwnSocket]:
    """A component without sockets beyond its listeners."""
    return ()


def no_privates(place: Place) -> Iterable[Private]:
    """A component whose secrets all stand in its resources."""
    return ()


@frozen
class Component:
    """One program that a role runs. `resources` gives what it needs on one node, in order."""

    name: str
    title: str
    roles: tuple[Role, ...]
    account: Account
    packages: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    """Debian's own units, which never run: Wallcloud has its own."""
    listens: tuple[Listen, ...] = ()
    calls: tuple[Call, ...] = ()
    visits: tuple[Visit, ...] = ()
    needs: tuple[OutsideService, ...] = ()
    databases: tuple[Database, ...] = ()
    """Those that it makes and keeps."""
    uses: tuple[str, ...] = ()
    """Databases whose rows its account reads and writes; another component may have made them."""
    keeps: tuple[str, ...] = ()
    """Folders on the control node with small files that nobody can make again: a backup takes them."""
    bus: str = ""
    """Its virtual host on RabbitMQ, where it logs in by its client certificate."""
    api: Api | None = None
    user: ServiceUser | None = None
    accounts: tuple[Account, ...] = ()
    """Further accounts that its parts run as."""
    environment: bool = False
    """Runs from the locked Python environment."""
    program: str | None = None
    """The oslo.config program whose option table its settings are checked against."""
    derived: tuple[str, ...] = ()
    """Settings (`group.option`, small letters) that stand for a promise: no operator's option replaces them."""
    follows: tuple[str, ...] = ()
    """Components of any node that must answer before its units start, though it meets them on the bus alone."""
    after: tuple[str, ...] = ()
    """Components whose resources come first on the same node, beyond those that it calls."""
    sockets: Sockets = field(default=no_sockets)
    """What it hears on besides its listeners, on one node."""
    private: Privates = field(default=no_privates)
    """What it keeps to itself besides its resources, on one node."""
    guards: Resources = field(default=nothing)
    """What must be as it says before anything on its node is changed; where it is not, nothing is."""
    resources: Resources = field(default=nothing)

    def listen(self, name: str) -> Listen:
        """The listener of that name. Raises KeyError."""
        for listen in self.listens:
            if listen.name == name:
                return listen
        raise KeyError(f"{self.name} has no listener {name}")
