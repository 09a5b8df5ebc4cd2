"""An independent reading of a ruleset: what packet does it accept? Knows only what Wallcloud writes, else it raises."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

_CHAIN = re.compile(r"chain (\w+) \{\n(.*?)\n\t\}", re.DOTALL)
_HEAD = (
    r"(?P<way>[io])ifname \"(?P<interface>[^\"]+)\" "
    r"(?:ip saddr (?P<source>\{[^}]*\}|\S+) )?"
    r"ip daddr (?P<target>\{[^}]*\}|\S+) "
    r"(?:(?P<protocol>tcp|udp) dport (?P<port>\d+)|(?P<ping>icmp type echo-request)) "
)
_RULE = re.compile(_HEAD + r"(?:meta skuid (?P<uid>\d+) )?ct state new accept")
_KERNEL = re.compile(_HEAD + r"(?P<drop>meta skuid != 0 counter drop)")
ROOT_OR_NOBODY = frozenset({0, -1})
"""Whose packets the kernel's may be: none at all (-1), or those of a tap that root opened."""
STATE = [
    "ct state established accept",
    "ct state related icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
    "ct state invalid counter drop",
]


@dataclass(frozen=True)
class Packet:
    """The first of a conversation. `uid` is who sends it, in the output chain."""

    interface: str
    source: str
    target: str
    protocol: str
    port: int | None
    uid: int = -1


@dataclass(frozen=True)
class Rule:
    interface: str
    sources: tuple[IPv4Network, ...] | None
    targets: tuple[IPv4Network, ...]
    protocol: str
    port: int | None
    uids: frozenset[int] | None

    def accepts(self, packet: Packet) -> bool:
        """As the kernel would decide."""
        return (
            (self.interface, self.protocol, self.port) == (packet.interface, packet.protocol, packet.port)
            and (self.uids is None or packet.uid in self.uids)
            and (self.sources is None or _in(packet.source, self.sources))
            and _in(packet.target, self.targets)
        )


@dataclass(frozen=True)
class Wall:
    """The chains of one node: the rules that accept something new."""

    input: tuple[Rule, ...]
    output: tuple[Rule, ...]


def _in(address: str, networks: tuple[IPv4Network, ...]) -> bool:
    return any(IPv4Address(address) in network for network in networks)


def read(text: str) -> Wall:
    """Reads a ruleset; asserts that every chain drops by default, and that everything in it is understood."""
    assert text.startswith("table inet wallcloud {\n")
    chains = {name: [line.strip() for line in body.splitlines()] for name, body in _CHAIN.findall(text)}
    assert list(chains) == ["input", "output", "forward"]
    for name, lines in chains.items():
        assert lines[0] == f"type filter hook {name} priority filter; policy drop;"
        assert lines[-2:] == [f'limit rate 5/second log prefix "wallcloud {name} drop: "', "counter drop"]
    assert len(chains["forward"]) == 3
    assert chains["input"][1:4] == chains["output"][1:4] == STATE
    assert chains["input"][4] == 'iifname "lo" accept'
    return Wall(
        tuple(_rule(line, "i") for line in chains["input"][5:-2]),
        tuple(_outgoing(chains["output"][4:-2])),
    )


def _outgoing(lines: list[str]) -> Iterator[Rule]:
    """A rule for the kernel's own packets is two lines: first what accounts send in its name is dropped."""
    dropped = ""
    for line in lines:
        if _KERNEL.fullmatch(line):
            assert not dropped
            dropped = line.removesuffix("meta skuid != 0 counter drop")
        elif dropped:
            assert line == f"{dropped}ct state new accept"
            dropped = ""
            yield _rule(line, "o", ROOT_OR_NOBODY)
        else:
            yield _rule(line, "o")
    assert not dropped


def _rule(line: str, way: str, uids: frozenset[int] | None = None) -> Rule:
    found = _RULE.fullmatch(line)
    assert found, line
    assert found["way"] == way
    assert (found["uid"] is None) == (way == "i" or uids is not None), "outgoing by account, incoming not"
    assert (found["source"] is None) == (way == "o")
    return Rule(
        found["interface"],
        _networks(found["source"]) if found["source"] else None,
        _networks(found["target"]),
        found["protocol"] or "icmp",
        int(found["port"]) if found["port"] else None,
        frozenset({int(found["uid"])}) if found["uid"] else uids,
    )


def _networks(text: str) -> tuple[IPv4Network, ...]:
    return tuple(IPv4Network(each) for each in text.strip("{ }").split(", "))
