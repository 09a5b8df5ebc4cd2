"""A report as large as the proof of a large cloud: 60 sources × 26 targets × 32 ports, and lists without a target."""

from wallcloud.verify.expectation import Part, Probe, Seen

HOSTILE = (
    "</script><img src=x onerror=document.body.dataset.owned=1><svg onload=alert(1)>\x00\x1b[31m &amp; ' \" \u2028"
)
ACCOUNTS = ("nova", "neutron", "glance", "placement", "keystone", "hostile")
PORTS = (22, 53, 80, 111, 443, 3306, 4369, 5000, 5671, 6081, 6640, 8774, 8778, 9292, 9696, 11211)


def big() -> tuple[Part, ...]:
    """50,000 expectations, a few of which fail."""
    sources = [(f"node{node:02}", account) for node in range(10) for account in ACCOUNTS]
    targets = [
        (f"node{node:02}", net, f"198.18.{row}.{node + 11}")
        for row, net in enumerate(("management", "public"))
        for node in range(13)
    ]
    reach = [
        _reach(source, account, target, port, protocol)
        for source, account in sources
        for target in targets
        for port in PORTS
        for protocol in ("tcp", "udp")
    ]
    sockets = [_plain(f"sockets/node{row % 10:02}/{row}", f"node{row % 10:02}", row) for row in range(80)]
    return (
        Part("reachability", tuple(reach), 212.5),
        Part("sockets", (*sockets, Seen(_plain(HOSTILE, "node00", 1).probe, HOSTILE, HOSTILE)), 3.25),
    )


def _reach(source: str, account: str, target: tuple[str, str, str], port: int, protocol: str) -> Seen:
    node, net, address = target
    opened = port == 443 and protocol == "tcp" and net == "public"
    verdict = "open" if opened else "silent"
    id_ = f"reach/{source}:{account}/{node}:{net}/{protocol}-{port}"
    probe = Probe(
        id_,
        source,
        verdict,
        f"{net} of {node} {'offers' if opened else 'hides'} {protocol} {port}",
        {},
        not opened,
        f"wallcloud lab exec {source} -- setpriv --reuid {account} nc -w 2 -zv {address} {port}",
        f"{source} as {account}",
        f"{node} on {net}",
    )
    leaks = account == "hostile" and node == "node03" and port == 3306 and protocol == "tcp"
    return Seen(probe, "open" if leaks else verdict, "SYN-ACK after 0.4 ms" if leaks else "")


def _plain(id_: str, place: str, row: int) -> Seen:
    return Seen(Probe(id_, place, "declared", f"socket {row} is declared", {}, True, "ss -lntup"), "declared")
