"""What stands in a site by mistake: values that look right, and values that fit nowhere."""

from hypothesis import strategies as st
from tests.site.trees import Map, Raw, Tree

KINDS = ("management", "public", "overlay", "floating", "flat")
ROLES = ("control", "api", "network", "compute")
NETWORKS = (*KINDS, "floating-a", "floating-b", "flat-a", "flat-b", "storage", "sales")
INTERFACES = (
    "eth0",
    "mgmt0",
    "ovl0",
    "fla0",
    "bond0",
    "bond1",
    "eth0.20",
    "lo",
    "br-ex",
    "a-very-long-name",
    "eth0:1",
    "",
)
NAMES = (
    *("web", "admin", "service", "Admin", "nova", "shop", "My Shop", "cloud.example", "Cloud.Example", "localhost"),
    *(
        "https://cloud.example/",
        "2026.2",
        "2025.1",
        "auto",
        "~/x",
        "x" * 300,
        "-oProxyCommand=x",
        "../..",
        "/",
        "/srv/x",
    ),
)
ADDRESSES = (
    *("198.18.10.1", "198.18.10.11", "198.18.10.12", "198.18.20.255", "198.18.41.2", "198.18.41.10", "198.18.41.0"),
    *("10.1.10.1", "10.1.10.5", "10.1.40.1", "10.1.40.2", "10.1.40.11", "0.0.0.0", "255.255.255.255", "127.0.0.1"),
    *("169.254.169.254", "224.0.0.1", "8.8.8.8", "198.18.10.011", "198.18.10", "198.18.10.256", "198.18.10.1/24"),
    *("fd00::1", "fd00:0:0:30::1", "fe80::1%eth0", "::ffff:198.18.10.1", "::", "", "ntp.example"),
)
PREFIXES = (
    *("198.18.10.0/24", "198.18.10.5/24", "198.18.0.0/15", "198.18.10.0/23", "198.18.10.0/28", "198.18.10.0/30"),
    *("198.18.10.0/31", "198.18.10.7/32", "198.18.41.0/24", "0.0.0.0/0", "0.0.0.0/1", "10.0.0.0/7", "10.1.10.0/24"),
    *("10.1.40.0/22", "10.0.0.0/8", "198.18.10.0/255.255.255.0", "198.18.10.0/0.0.0.255", "198.18.10.0/33"),
    *(
        "198.18.10.0/-1",
        "198.18.10.0/",
        "fd00::/64",
        "fd00:0:0:30::/64",
        "fd00::1/64",
        "fd00::/48",
        "::/0",
        "fe80::/64",
    ),
    *("fd00::%eth0/64", "127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16", "/24", "/"),
)
POOLS = (
    *(
        "198.18.41.10-198.18.41.250",
        "198.18.41.250-198.18.41.10",
        "0.0.0.0-255.255.255.255",
        "198.18.10.11-198.18.10.254",
    ),
    *("198.18.41.0-198.18.41.255", "10.1.40.10-10.1.43.250", "10.1.40.1-10.1.40.1", "198.18.41.10", "198.18.41.10-"),
    *("-198.18.41.10", "198.18.41.10 - 198.18.41.20", "198.18.41.0/24", "198.18.41.10-20", "a-b", "-"),
)
NUMBERS = (
    *(0, 1, -1, 2, 7, 20, 30, 63, 64, 65, 1279, 1280, 1499, 1500, 1549, 4094, 4095, 9216, 9217, 65535, 65536),
    *(1_000_001, 2**31, 2**32, 2**63, 2**64, 10**40, -(10**18), 0.5, 1e300, -0.0),
)
RAW = tuple(
    Raw(text)
    for text in (
        *("yes", "no", "on", "~", "null", "0x10", "0o17", "010", "1_000", "1:30", "1e3", ".inf", "-.inf", ".nan"),
        *(
            "2026-11-24",
            "",
            "*nobody",
            "&a x",
            "!tag x",
            "!!python/object:os.system x",
            "!!binary aGk=",
            "!!set {a, b}",
        ),
        *("<<", "=", "?", '"\\ud800"', '"\\0"', '"\\x1b[31m"', '"\\u202e"', "'it''s'", "| ", "> ", "@x", "`x`", "%x"),
        *("- x", "a: b", "{", "]"),
    )
)
KEYS = st.sampled_from(
    [
        *("kind", "cidr", "gateway", "pool", "vlan", "mtu", "cidr6", "gateway6", "roles", "interfaces", "addresses"),
        *("ssh", "drain", "user", "networks", "router", "address", "snat", "servers", "resolvers", "port", "config"),
        *("path", "quota_gib", "file", "sha256", "format", "disk", "memory", "properties", "vcpus", "instances"),
        *("api_workers", "wallcloud", "name", "release", "domain", "region", "admin_prefixes", "time", "dns", "state"),
        *("nodes", "options", "management", "overlay", "keystone", "nova", "nova-compute", "mariadb", "DEFAULT"),
        *("database", "connection", "debug", "", " ", "a b", "a.b", "a: b", "é", "\u202e", "<<", "~", "0", "true"),
        *("-", "wallcloud-x", "k" * 300),
    ]
) | st.text(max_size=6)
SCALARS: st.SearchStrategy[Tree] = st.one_of(
    *(st.sampled_from(each) for each in (NAMES, NETWORKS, ADDRESSES, PREFIXES, POOLS, NUMBERS, RAW)),
    st.none() | st.booleans() | st.integers() | st.floats().map(repr).map(Raw),
    st.text(max_size=12) | st.text(st.characters(max_codepoint=0x2FF), max_size=80),
)
VALUES: st.SearchStrategy[Tree] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.lists(st.tuples(KEYS, inner), max_size=3).map(lambda pairs: Map(tuple(pairs)))
    ),
    max_leaves=4,
)
_INTERFACES_BY_NETWORK = st.lists(
    st.tuples(st.sampled_from(NETWORKS), st.sampled_from(INTERFACES)), max_size=4, unique_by=lambda pair: pair[0]
).map(lambda pairs: Map(tuple(pairs)))
_ADDRESSES_BY_NETWORK = st.lists(
    st.tuples(st.sampled_from(NETWORKS), st.sampled_from(ADDRESSES)), max_size=2, unique_by=lambda pair: pair[0]
).map(lambda pairs: Map(tuple(pairs)))
FITTING: dict[str, st.SearchStrategy[Tree]] = {
    "kind": st.sampled_from(KINDS),
    "roles": st.lists(st.sampled_from(ROLES), max_size=3).map(tuple),
    "interfaces": _INTERFACES_BY_NETWORK,
    "addresses": _ADDRESSES_BY_NETWORK,
    "servers": st.lists(st.sampled_from(ADDRESSES), max_size=2).map(tuple),
    "resolvers": st.lists(st.sampled_from(ADDRESSES), max_size=2).map(tuple),
    "admin_prefixes": st.lists(st.sampled_from(PREFIXES), max_size=2).map(tuple),
    "drain": st.sampled_from(("move", "stop", "yes")),
    "snat": st.booleans(),
    **dict.fromkeys(("cidr", "cidr6"), st.sampled_from(PREFIXES)),
    **dict.fromkeys(("gateway", "gateway6", "address"), st.sampled_from(ADDRESSES)),
    **dict.fromkeys(("vlan", "mtu", "port", "disk", "quota_gib", "api_workers"), st.sampled_from(NUMBERS)),
    **dict.fromkeys(("user", "name", "domain", "region", "state", "path", "ssh"), st.sampled_from(NAMES)),
    "pool": st.sampled_from(POOLS),
    "router": st.sampled_from(NETWORKS),
}
"""For a key that a site has: values of the shape that belongs there."""
