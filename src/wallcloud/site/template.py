"""The text of `wallcloud new`: a site to begin with, commented for somebody who sees one for the first time."""

from typing import Literal, get_args

Flavour = Literal["article", "combined", "admin-only"]
FLAVOURS: tuple[Flavour, ...] = get_args(Flavour)

_HEAD = """\
# A site: one file from which Wallcloud makes an OpenStack cloud, in a lab on this computer or on real hosts.
#
#   wallcloud check     looks at this file and says what is wrong with it, and where
#   wallcloud plan      what would change on which node; apply does it
#
# Lines that begin with "#?" show keys that may be left out, with their default or an example.
# `wallcloud schema` prints the JSON Schema of this file for editors.

wallcloud: 1                # version of this file's language
name: {name:<22}# small letters, digits and -, at most 15; names the lab's machines and wires
release: "2026.2"           # of OpenStack; in quotes, since to YAML it would be a number
domain: cloud.example       # {domain}
region: RegionOne           # the region's name in Keystone's catalog

# Whence admins come: SSH to the nodes and the admin endpoints on the control node. These networks lie outside the
# site; nodes have routes back to them through management's gateway, and no default route there.
admin_prefixes: [198.18.1.0/24]

# The control node asks these NTP servers, all other nodes ask the control node. They must be reachable without a
# default route: on management, or in an admin prefix.
time: {{servers: [198.18.10.1]}}

# {dns}
dns: {{resolvers: [{resolver}]}}

# How the deployer reaches the nodes. `config` is a file for `ssh -F`, relative to this file: the lab writes the one
# named here. For real hosts leave `config` out, and your own ~/.ssh/config with its keys, agents and bastions is used.
ssh: {{user: root, port: 22, config: .wallcloud/lab/ssh_config}}

# Keys, certificates and secrets of the cloud, relative to this file. Who loses this folder loses the cloud.
#? state: .wallcloud
"""

_WORDS: dict[bool, dict[str, str]] = {
    True: {
        "domain": "the public name of the cloud: https://cloud.example is the api node's public address",
        "dns": "Whom VMs ask for names, until the cloud has a resolver of its own.",
        "resolver": "198.18.30.1",
    },
    False: {
        "domain": "nodes are NODE.internal.cloud.example: admins' door is https://control.internal.cloud.example",
        "dns": "Whom VMs ask for names: servers that the physical router reaches.",
        "resolver": "198.18.41.1",
    },
}
"""By whether tenants have a door of their own."""

_NETWORKS = """
# Each kind of traffic has a network of its own, and nothing else rides there:
#   management  between the components; SSH; the admins' endpoints              exactly one
#   public      the tenants' APIs, dashboard, console and DNS                   at most one
#   overlay     tenants' own networks (VXLAN); routed by nobody: no gateway     exactly one
#   floating    where tenants' routers and floating IPs are                     any number
#   flat        where VMs are attached directly, shared by all tenants          any number
# For each: cidr; gateway (the physical router); pool (the addresses that tenants get, on floating and flat networks;
# on the others a range that Wallcloud leaves alone); vlan (1 to 4094: tagged on the nodes' interfaces; absent:
# untagged); mtu (1500 unless said); cidr6 and gateway6 (what else is on the wire: IPv6 is off on every node).
networks:
  management: {kind: management, cidr: 198.18.10.0/24, gateway: 198.18.10.1}
"""

_PUBLIC = """\
  public:     {kind: public,     cidr: 198.18.30.0/24, gateway: 198.18.30.1}
"""

_OTHERS = """\
  # 1550 = 1500 for the tenants' packets + 50 for VXLAN around them.
  overlay:    {kind: overlay,    cidr: 198.18.20.0/24, mtu: 1550}
  floating-a: {kind: floating,   cidr: 198.18.41.0/24, gateway: 198.18.41.1, pool: 198.18.41.10-198.18.41.250}
  floating-b: {kind: floating,   cidr: 198.18.42.0/24, gateway: 198.18.42.1, pool: 198.18.42.10-198.18.42.250}
  flat-a:     {kind: flat,       cidr: 198.18.51.0/24, gateway: 198.18.51.1, pool: 198.18.51.10-198.18.51.250}
  flat-b:     {kind: flat,       cidr: 198.18.52.0/24, gateway: 198.18.52.1, pool: 198.18.52.10-198.18.52.250}
"""

_NODES_INTRO = """
# Roles: control and api stand alone; network and compute may be combined. `interfaces` says for each network which
# interface of the node is plugged into it. A node's name is its host name.
# Addresses on management, public and overlay are handed out in the order of the nodes, from host .11 on, unless
# written:          addresses: {management: 198.18.10.21}
# SSH goes to the management address, unless written:   ssh: some-host
# A compute that shall leave: first `drain: move` (its VMs run on other computes) or `drain: stop` (they are put aside
# in the image store, for their owners to take up again), then take the node out of this file.
nodes:
  # Databases, message bus and all of OpenStack's own services. Tenants never reach it.
  control:
    roles: [control]
    interfaces: {management: mgmt0}
"""

_API = """\
  # The only door for tenants: reverse proxy, dashboard, console, DNS.
  api:
    roles: [api]
    interfaces: {management: mgmt0, public: pub0}
"""

_SEPARATE = """\
  # Tenants' routers, DHCP, metadata and load balancers.
  network:
    roles: [network]
    interfaces: {management: mgmt0, overlay: ovl0, floating-a: fla0, floating-b: flb0, flat-a: pra0, flat-b: prb0}
  # Tenants' VMs.
  compute1:
    roles: [compute]
    interfaces: {management: mgmt0, overlay: ovl0, flat-a: pra0, flat-b: prb0}
  compute2:
    roles: [compute]
    interfaces: {management: mgmt0, overlay: ovl0, flat-a: pra0, flat-b: prb0}
"""

_COMBINED = """\
  # Tenants' VMs, routers, DHCP, metadata and load balancers on the same hosts.
  host1:
    roles: [network, compute]
    interfaces: {management: mgmt0, overlay: ovl0, floating-a: fla0, floating-b: flb0, flat-a: pra0, flat-b: prb0}
  host2:
    roles: [network, compute]
    interfaces: {management: mgmt0, overlay: ovl0, floating-a: fla0, floating-b: flb0, flat-a: pra0, flat-b: prb0}
"""

_PROJECTS = """
# First projects, each with one member. The passwords are made by Wallcloud and kept in the state folder.
# Tenants make networks for themselves; beside them a project may be given some, which it uses and cannot change.
projects:
  demo: {user: demo}
#?   shop: {user: shop, networks: {shop: {cidr: 198.18.61.0/24, router: floating-a}}}
"""

_GIVEN = """
# The tenants' projects. They have no access to the cloud: admins make their VMs. The first member's password is made by
# Wallcloud and kept in the state folder, for who is let in at the admins' door.
# networks: what is made for a project, which uses it and cannot change it. Each has addresses of its own, unique in the
# site (cidr), its first address is the router's. `router` names the floating network where that router has its other
# leg (left out: no way out). VMs go out under the router's address there, or, with snat: false, under their own: then
# the physical router needs a route to the network by the router's `address`, which is outside the pool.
projects:
  sales:
    user: sales
    networks:
      sales: {cidr: 198.18.61.0/24, router: floating-a, address: 198.18.41.2, snat: false}
  workshop:
    user: workshop
    networks:
      workshop: {cidr: 198.18.62.0/24, router: floating-b}
      machines: {cidr: 198.18.63.0/24}
"""

_TAIL = """
# What tenants find beside Wallcloud's small test guest: cloud images from files (`sha256sum FILE` prints the digest;
# format: qcow2 or raw; disk (GiB) and memory (MiB): what a flavor must have for it), sizes of VMs (shown: the default)
# and what each project may have of everything (-1: as much as there is).
#? images:
#?   debian-12:
#?     file: images/debian-12.qcow2
#?     sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
#?     format: qcow2
#?     disk: 3
#?     memory: 512
#? flavors:
#?   tiny:   {vcpus: 1, memory: 128,  disk: 1}
#?   small:  {vcpus: 1, memory: 1024, disk: 10}
#?   medium: {vcpus: 2, memory: 4096, disk: 20}
#?   large:  {vcpus: 4, memory: 8192, disk: 40}
#? quotas: {instances: 10, cores: 20, memory_gib: 50, networks: 100, floating_ips: 50}

# Where Glance keeps images on the control node. Give it a file system of its own, so that images never fill the disk
# under the database; the quota holds anyway.
image_store: {path: /var/lib/wallcloud/images, quota_gib: 20}

# Any option of any component, as component: {group: {option: value}}. Checked against the release's own list of
# options. An option that Wallcloud derives from this site (addresses, TLS, accounts) cannot be set here.
options:
  keystone: {token: {expiration: 7200}}      # seconds that a token is good for

# Worker processes of each API: auto follows the node's cores and memory; `wallcloud show limits` shows the sums.
limits: {api_workers: auto}
"""


def text(flavour: Flavour = "article") -> str:
    """The file's text. `article`: five nodes, each with one role. `combined`: network and compute on the same hosts.
    `admin-only`: no public network and no api node; the IT department makes networks and VMs for its tenants."""
    door = flavour != "admin-only"
    parts = (
        _HEAD.format(name=flavour, **_WORDS[door]),
        _NETWORKS,
        _PUBLIC if door else "",
        _OTHERS,
        _NODES_INTRO,
        _API if door else "",
        _COMBINED if flavour == "combined" else _SEPARATE,
        _PROJECTS if door else _GIVEN,
        _TAIL,
    )
    return "".join(parts)
