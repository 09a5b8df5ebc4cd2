"""The text of `wallcloud new`: a site to begin with, commented for somebody who sees one for the first time."""

from typing import Literal, get_args

Flavour = Literal["article", "combined"]
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
domain: cloud.example       # the public name of the cloud: https://cloud.example is the api node's public address
region: RegionOne           # the region's name in Keystone's catalog

# Whence admins come: SSH to the nodes and the admin endpoints on the control node. These networks lie outside the
# site; nodes have routes back to them through management's gateway, and no default route there.
admin_prefixes: [198.18.1.0/24]

# The control node asks these NTP servers, all other nodes ask the control node. They must be reachable without a
# default route: on management, or in an admin prefix.
time: {{servers: [198.18.10.1]}}

# Whom the tenants' resolver on the api node asks for names that are not the cloud's.
dns: {{resolvers: [198.18.30.1]}}

# How the deployer reaches the nodes. `config` is a file for `ssh -F`, relative to this file: the lab writes the one
# named here. For real hosts leave `config` out, and your own ~/.ssh/config with its keys, agents and bastions is used.
ssh: {{user: root, port: 22, config: .wallcloud/lab/ssh_config}}

# Keys, certificates and secrets of the cloud, relative to this file. Who loses this folder loses the cloud.
#? state: .wallcloud
"""

_NETWORKS = """
# Each kind of traffic has a network of its own, and nothing else rides there:
#   management  between the components; SSH; the admins' endpoints              exactly one
#   public      the tenants' APIs, dashboard, console and DNS                   at most one
#   overlay     tenants' own networks (VXLAN); routed by nobody: no gateway     exactly one
#   floating    where tenants' routers and floating IPs are                     any number
#   flat        where VMs are attached directly, shared by all tenants          any number
# For each: cidr; gateway (the physical router); pool (the addresses that tenants get, on floating and flat networks;
# on the others a range that Wallcloud leaves alone); vlan (1 to 4094: tagged on the nodes' interfaces; absent:
# untagged); mtu (1500 unless said); cidr6 and gateway6 (without cidr6 IPv6 is off there).
networks:
  management: {kind: management, cidr: 198.18.10.0/24, gateway: 198.18.10.1}
  public:     {kind: public,     cidr: 198.18.30.0/24, gateway: 198.18.30.1}
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
nodes:
  # Databases, message bus and all of OpenStack's own services. Tenants never reach it.
  control:
    roles: [control]
    interfaces: {management: mgmt0}
  # The only door for tenants: reverse proxy, dashboard, console, DNS.
  api:
    roles: [api]
    interfaces: {management: mgmt0, public: pub0}
"""

_NODES: dict[Flavour, str] = {
    "article": """\
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
""",
    "combined": """\
  # Tenants' VMs, routers, DHCP, metadata and load balancers on the same hosts.
  host1:
    roles: [network, compute]
    interfaces: {management: mgmt0, overlay: ovl0, floating-a: fla0, floating-b: flb0, flat-a: pra0, flat-b: prb0}
  host2:
    roles: [network, compute]
    interfaces: {management: mgmt0, overlay: ovl0, floating-a: fla0, floating-b: flb0, flat-a: pra0, flat-b: prb0}
""",
}

_TAIL = """
# First projects, each with one member. The passwords are made by Wallcloud and kept in the state folder.
projects:
  demo: {user: demo}

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
    """The file's text. `article`: five nodes, each with one role. `combined`: network and compute on the same hosts."""
    return _HEAD.format(name=flavour) + _NETWORKS + _NODES_INTRO + _NODES[flavour] + _TAIL
