"""How each key of a site is written: the hints of findings."""

from wallcloud.site.finding import Where

_NAMED = ("networks", "nodes", "projects", "images", "flavors", "options")
"""Keys below which, every second step down, stand names that the operator chose."""
_EXAMPLES: dict[Where, str] = {
    ("wallcloud",): "wallcloud: 1",
    ("name",): "name: mycloud",
    ("release",): 'release: "2026.2"',
    ("domain",): "domain: cloud.example",
    ("region",): "region: RegionOne",
    ("admin_prefixes",): "admin_prefixes: [198.18.1.0/24]",
    ("time",): "time: {servers: [198.18.10.1]}",
    ("time", "servers"): "servers: [198.18.10.1]",
    ("dns",): "dns: {resolvers: [198.18.30.1]}",
    ("dns", "resolvers"): "resolvers: [198.18.30.1]",
    ("ssh",): "ssh: {user: root, port: 22}",
    ("ssh", "user"): "user: root",
    ("ssh", "port"): "port: 22",
    ("ssh", "config"): "config: ssh_config, or leave it out",
    ("state",): "state: .wallcloud",
    ("networks",): "networks: {management: {kind: management, cidr: 198.18.10.0/24}}",
    ("networks", "*"): "{kind: management, cidr: 198.18.10.0/24}",
    ("networks", "*", "kind"): "kind: management, public, overlay, floating or flat",
    ("networks", "*", "cidr"): "cidr: 198.18.10.0/24",
    ("networks", "*", "vlan"): "vlan: 20, one number from 1 to 4094, or leave it out where the network is untagged",
    ("networks", "*", "mtu"): "mtu: 1500, in bytes",
    ("nodes",): "nodes: {control: {roles: [control], interfaces: {management: eth0}}}",
    ("nodes", "*"): "{roles: [control], interfaces: {management: eth0}}",
    ("nodes", "*", "roles"): "roles: [control]",
    ("nodes", "*", "interfaces"): "interfaces: {management: eth0}",
    ("nodes", "*", "interfaces", "*"): "NETWORK: INTERFACE, like management: eth0",
    ("nodes", "*", "addresses"): "addresses: {management: 198.18.10.11}",
    ("nodes", "*", "ssh"): "ssh: host1, or leave it out",
    ("projects",): "projects: {demo: {user: demo}}",
    ("projects", "*"): "{user: demo}",
    ("projects", "*", "user"): "user: demo",
    ("projects", "*", "networks"): "networks: {shop: {cidr: 198.18.61.0/24, router: floating-a}}",
    ("projects", "*", "networks", "*"): "{cidr: 198.18.61.0/24, router: floating-a}",
    ("projects", "*", "networks", "*", "cidr"): "cidr: 198.18.61.0/24",
    ("projects", "*", "networks", "*", "router"): "router: and the name of a floating network, or leave it out",
    ("images",): "images: {debian-12: {file: images/debian-12.qcow2, sha256: (64 digits)}}",
    ("images", "*"): "{file: images/debian-12.qcow2, sha256: (64 digits)}",
    ("images", "*", "file"): "file: images/debian-12.qcow2",
    ("images", "*", "sha256"): "sha256: and what `sha256sum FILE` prints",
    ("images", "*", "disk"): "disk: 3, in GiB",
    ("images", "*", "memory"): "memory: 512, in MiB",
    ("images", "*", "properties"): "properties: {hw_disk_bus: scsi}",
    ("images", "*", "properties", "*"): "hw_disk_bus: scsi, or another property with a text",
    ("flavors",): "flavors: {small: {vcpus: 1, memory: 1024, disk: 10}}",
    ("flavors", "*"): "{vcpus: 1, memory: 1024, disk: 10}",
    ("flavors", "*", "vcpus"): "vcpus: 1",
    ("flavors", "*", "memory"): "memory: 1024, in MiB",
    ("flavors", "*", "disk"): "disk: 10, in GiB",
    ("quotas",): "quotas: {instances: 10, cores: 20}",
    ("quotas", "*"): "a number like 10, or -1 for as much as there is",
    ("image_store",): "image_store: {path: /srv/images, quota_gib: 20}",
    ("image_store", "path"): "path: /srv/images",
    ("image_store", "quota_gib"): "quota_gib: 20",
    ("options",): "options: {keystone: {token: {expiration: 7200}}}",
    ("options", "*"): "component: {group: {option: value}}, like keystone: {token: {expiration: 7200}}",
    ("options", "*", "*"): "group: {option: value}, like token: {expiration: 7200}",
    ("limits",): "limits: {api_workers: auto}",
}


def example(path: Where) -> str:
    """How what belongs at `path` is written, as a hint; nothing where its neighbours tell."""
    shape = tuple("*" if index % 2 and path[0] in _NAMED else part for index, part in enumerate(path))
    if path[:1] == ("options",) and len(path) > 2:
        shape = ("options", *("*" for _ in path[1:]))
    if path[:1] == ("quotas",) and len(path) > 1:
        shape = ("quotas", "*")
    found = _EXAMPLES.get(shape)
    return f"write {found}" if found else ""
