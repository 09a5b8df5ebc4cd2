"""The site: what the operator wrote, as pure, frozen data. What values mean together is judged by `wallcloud.rules`."""

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from wallcloud.site import fields
from wallcloud.site.fields import Matches, OptionValue, Pool, Workers

__all__ = [
    "Dns",
    "Flavor",
    "Image",
    "ImageStore",
    "Kind",
    "Limits",
    "Network",
    "Node",
    "Pool",
    "Project",
    "ProjectNetwork",
    "Quotas",
    "Role",
    "Site",
    "Ssh",
    "Time",
]

RELEASES = ("2026.2",)


def _release(value: str) -> str:
    if value not in RELEASES:
        raise fields.refuse(
            f"{fields.short(value)} is no release that this Wallcloud deploys", f"one of {', '.join(RELEASES)}"
        )
    return value


class Kind(StrEnum):
    """What rides on a network, and nothing else does."""

    MANAGEMENT = "management"
    PUBLIC = "public"
    OVERLAY = "overlay"
    FLOATING = "floating"
    FLAT = "flat"

    @property
    def addressed(self) -> bool:
        """Whether nodes have addresses on it; on the others their interfaces are ports of bridges."""
        return self in (Kind.MANAGEMENT, Kind.PUBLIC, Kind.OVERLAY)


class Role(StrEnum):
    """What a node is for."""

    CONTROL = "control"
    API = "api"
    NETWORK = "network"
    COMPUTE = "compute"


class ImageFormat(StrEnum):
    """How an image's file holds its disk."""

    QCOW2 = "qcow2"
    RAW = "raw"


class Drain(StrEnum):
    """What becomes of the VMs of a compute that is to be empty."""

    MOVE = "move"
    STOP = "stop"


_LABEL = r"[a-z]([a-z0-9-]*[a-z0-9])?"
_IDENTITY = Matches(r"[A-Za-z0-9][A-Za-z0-9_.@-]*", "letters, digits, and . _ - @ after the first", 64)

Address4 = Annotated[IPv4Address, BeforeValidator(fields.address4)]
Network4 = Annotated[IPv4Network, BeforeValidator(fields.network4)]
Address6 = Annotated[IPv6Address, BeforeValidator(fields.address6)]
Network6 = Annotated[IPv6Network, BeforeValidator(fields.network6)]
Range = Annotated[
    Pool,
    BeforeValidator(fields.pool),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9.]+ *- *[0-9.]+$", "examples": ["198.18.41.10-198.18.41.250"]}),
]
PathText = Annotated[str, AfterValidator(fields.path_text)]
NetworkName = Annotated[
    str, Matches(_LABEL, "a network's name: small letters, digits and -, beginning with a letter", 32)
]
NodeName = Annotated[
    str, Matches(_LABEL, "a node's name is its host name, without a domain: small letters, digits and -", 32)
]
# A part of what the kernel allows, so that a name is safe in every file it is written to. Its length is a rule, since
# that depends on the network's VLAN.
InterfaceName = Annotated[
    str, Matches(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", "the name as `ip link` shows it, without what follows an @", 64)
]
# No leading dash: it would be an option of ssh.
Host = Annotated[
    str,
    Matches(r"[A-Za-z0-9]([A-Za-z0-9.:_-]*[A-Za-z0-9])?", "a host name, an alias or an address; the user is ssh.user"),
]
Option = Annotated[OptionValue, PlainValidator(fields.option_value), WithJsonSchema(fields.option_schema)]
OptionName = Annotated[str, Matches(r"[A-Za-z0-9_-]+", "the name of an option as its documentation writes it", 128)]
GroupName = Annotated[str, Matches(r"[A-Za-z0-9_.:/@-]+", "the name of a group without its brackets", 128)]


Quota = Annotated[int, Field(ge=-1, le=1_000_000)]
# Neither Glance's own keys nor those that Wallcloud sets: it would be changed for ever.
ImagePropertyName = Annotated[
    str, Matches(r"(hw|os|img|trait|instance)(_|:)[a-z0-9_:]+", "like hw_disk_bus, os_distro, img_config_drive", 128)
]
OfferName = Annotated[
    str,
    Matches(
        r"(?!wallcloud-)[A-Za-z0-9][A-Za-z0-9._-]*",
        "letters, digits, and . _ - after the first; wallcloud-… are Wallcloud's own",
        64,
    ),
]


class Model(BaseModel):
    """Frozen, strict (`"yes"` is no boolean, `1` no text), and no key is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Network(Model):
    """One network of the site: exactly one kind of traffic, one wire or VLAN."""

    kind: Annotated[Kind, BeforeValidator(partial(fields.choose, Kind, "kind of network"))]
    cidr: Network4
    gateway: Address4 | None = Field(default=None, description="The physical router's address")
    pool: Range | None = Field(default=None, description="What Neutron hands out (floating, flat); elsewhere: reserved")
    vlan: int | None = Field(
        default=None, ge=1, le=4094, description="Tagged on the nodes' interfaces; absent: untagged"
    )
    mtu: int = Field(default=1500, ge=1280, le=9216, description="Bytes of IP packet")
    cidr6: Network6 | None = None
    gateway6: Address6 | None = None

    def device(self, interface: str) -> str:
        """The name of the device that carries this network on a node's `interface`: `eth0`, or tagged `eth0.20`."""
        return interface if self.vlan is None else f"{interface}.{self.vlan}"


class Node(Model):
    """One host. `interfaces` and `addresses` are by the network's name."""

    roles: tuple[Annotated[Role, BeforeValidator(partial(fields.choose, Role, "role"))], ...] = Field(
        strict=False, min_length=1
    )
    interfaces: dict[str, InterfaceName] = Field(description="network: interface on this node")
    addresses: dict[str, Address4] = Field(default={}, description="network: address; others are handed out")
    ssh: Host | None = Field(default=None, description="Where SSH finds it; absent: its management address")
    drain: Annotated[Drain, BeforeValidator(partial(fields.choose, Drain, "way to drain a compute"))] | None = Field(
        default=None, description="A compute without VMs: they run elsewhere, or are put aside in the image store"
    )


class ProjectNetwork(Model):
    """A network that the IT department makes for a project: its addresses are nobody else's in the site."""

    cidr: Network4
    router: NetworkName | None = Field(default=None, description="Floating network of its router; absent: no way out")
    address: Address4 | None = Field(default=None, description="The router's there; absent: Neutron takes one")
    snat: bool = Field(default=True, description="false: VMs go out under their own addresses")


class Project(Model):
    """A first project with one member; the password is made by Wallcloud."""

    user: Annotated[str, _IDENTITY]
    networks: dict[NetworkName, ProjectNetwork] = Field(default={}, description="Made for it; it cannot change them")


class Time(Model):
    """Whom the control node asks for the time; the others ask it."""

    servers: tuple[Address4, ...] = Field(strict=False, min_length=1)


class Dns(Model):
    """Whom VMs ask for names."""

    resolvers: tuple[Address4, ...] = Field(default=(), strict=False)


class Ssh(Model):
    """How the deployer reaches every node; `config` is a file for `ssh -F`, relative to the site file."""

    user: Annotated[str, Matches(r"[a-z_][a-z0-9_-]*", "an account's name on the nodes", 32)] = "root"
    port: int = Field(default=22, ge=1, le=65535)
    config: PathText | None = None


class ImageStore(Model):
    """Where Glance keeps images on the control node, and how much they may take."""

    path: Annotated[
        str,
        Matches(r"(/(?!\.\.?(/|$))[A-Za-z0-9._-]+){2,}", "an absolute path of two parts or more, like /srv/images"),
    ] = "/var/lib/wallcloud/images"
    quota_gib: int = Field(default=20, ge=1, le=1_000_000)


class Image(Model):
    """A cloud image that every tenant finds; `build` takes the file in when it is what `sha256` says."""

    file: PathText = Field(description="Relative to this file")
    sha256: Annotated[str, Matches(r"[0-9a-f]{64}", "what `sha256sum FILE` prints: 64 digits, small letters", 64)]
    format: Annotated[ImageFormat, BeforeValidator(partial(fields.choose, ImageFormat, "format of images"))] = (
        ImageFormat.QCOW2
    )
    disk: int = Field(default=0, ge=0, le=100_000, description="GiB that a flavor must have for it")
    memory: int = Field(default=0, ge=0, le=16_000_000, description="MiB that a flavor must have for it")
    properties: dict[ImagePropertyName, str] = Field(default={}, description="What Nova should know: hw_disk_bus, …")


class Flavor(Model):
    """A size of VMs: `memory` in MiB, `disk` in GiB."""

    vcpus: int = Field(ge=1, le=1024)
    memory: int = Field(ge=64, le=16_000_000)
    disk: int = Field(ge=1, le=100_000)


class Quotas(Model):
    """What each project may have, unless an admin says another number for that project; -1: as much as there is."""

    instances: Quota = 10
    cores: Quota = 20
    memory_gib: Quota = 50
    networks: Quota = 100
    subnets: Quota = 100
    routers: Quota = 10
    ports: Quota = 500
    floating_ips: Quota = 50
    security_groups: Quota = 10
    security_group_rules: Quota = 100


class Limits(Model):
    """Numbers that operators tune; all others are derived and shown by `wallcloud show limits`."""

    api_workers: Annotated[
        Workers,
        PlainValidator(fields.workers),
        WithJsonSchema({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": 64}]}),
    ] = "auto"


class Site(Model):
    """The whole file. `networks` and `nodes` keep the file's order; addresses are handed out in it."""

    wallcloud: Literal[1] = Field(description="Version of this file's language")
    name: Annotated[str, Matches(r"[a-z][a-z0-9-]*", "small letters, digits and -, beginning with a letter", 15)]
    release: Annotated[str, AfterValidator(_release), WithJsonSchema({"enum": list(RELEASES)})]
    domain: Annotated[
        str,
        Matches(
            r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
            "a DNS name of two labels or more, in small letters, without https://: cloud.example",
            180,
        ),
    ] = Field(description="The public name of the cloud: the api node's public address")
    region: Annotated[str, Matches(r"[A-Za-z0-9][A-Za-z0-9_-]*", "letters, digits, _ and -", 64)] = "RegionOne"
    admin_prefixes: tuple[Network4, ...] = Field(strict=False, min_length=1, description="Whence admins come")
    time: Time
    dns: Dns = Dns()
    ssh: Ssh = Ssh()
    state: PathText = Field(default=".wallcloud", description="State folder (keys, secrets), relative to this file")
    networks: dict[NetworkName, Network]
    nodes: dict[NodeName, Node]
    projects: dict[Annotated[str, _IDENTITY], Project] = {}
    images: dict[OfferName, Image] = Field(default={}, description="Cloud images, beside Wallcloud's own test guest")
    flavors: dict[OfferName, Flavor] = {
        "tiny": Flavor(vcpus=1, memory=128, disk=1),
        "small": Flavor(vcpus=1, memory=1024, disk=10),
        "medium": Flavor(vcpus=2, memory=4096, disk=20),
        "large": Flavor(vcpus=4, memory=8192, disk=40),
    }
    quotas: Quotas = Quotas()
    image_store: ImageStore = ImageStore()
    options: dict[
        Annotated[str, Matches(r"[a-z][a-z0-9-]*", "a component's name, like keystone or nova-compute", 64)],
        dict[GroupName, dict[OptionName, Option]],
    ] = Field(default={}, description="component: group: option: value, checked against the release's options")
    limits: Limits = Limits()

    def networks_of(self, kind: Kind) -> tuple[str, ...]:
        """Names of the networks of a kind, in the file's order."""
        return tuple(name for name, network in self.networks.items() if network.kind is kind)

    def routed_floating(self) -> frozenset[str]:
        """Floating networks over which a project's network is reached under its own addresses (snat: false)."""
        return frozenset(made.router for _, _, made in self.project_networks() if made.router and not made.snat)

    def project_networks(self) -> Iterator[tuple[str, str, ProjectNetwork]]:
        """Every (project's name, network's name, network) that is made for a project."""
        for project, it in self.projects.items():
            for name, network in it.networks.items():
                yield project, name, network

    def nodes_with(self, role: Role) -> tuple[str, ...]:
        """Names of the nodes that have a role, in the file's order."""
        return tuple(name for name, node in self.nodes.items() if role in node.roles)
