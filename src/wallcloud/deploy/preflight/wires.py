"""What is wrong with the wires, by the packets that came, and those that did not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from ipaddress import IPv4Address

from wallcloud.deploy.preflight.legs import Leg
from wallcloud.deploy.preflight.report import Report
from wallcloud.deploy.preflight.words import Fault
from wallcloud.node.preflight.frames import SMALL

_SHOWN = 4
"""So many of a kind are named in one sentence."""


def faults(legs: tuple[Leg, ...], reports: Mapping[str, Report]) -> Iterator[Fault]:
    """All of all wires. What a node cannot tell, since an interface is missing or dead, is not told of it again."""
    return _Wires(legs, reports).faults()


class _Wires:
    def __init__(self, legs: tuple[Leg, ...], reports: Mapping[str, Report]) -> None:
        self._legs = {leg.number: leg for leg in legs}
        self._reports = reports
        self._alive = [leg for leg in legs if leg.node in reports and reports[leg.node].heard.links.get(leg.interface)]
        self._heard = {
            (self._legs[at].number, sender, size)
            for node, report in reports.items()
            for at, sender, size in report.heard.heard
            if at in self._legs and sender in self._legs and self._legs[at].node == node
        }

    @cached_property
    def _owners(self) -> dict[str, tuple[str, str]]:
        """MAC → whose it is: (node, interface)."""
        return {
            interface.mac: (node, name)
            for node, report in self._reports.items()
            for name, interface in (report.host.interfaces or {}).items()
        }

    @cached_property
    def _first_time(self) -> bool:
        """Whether the cloud was never there: then nobody may hold an address that it will give away."""
        return not any(report.heard.settled for report in self._reports.values())

    def faults(self) -> Iterator[Fault]:
        yield from self._links()
        by_network: dict[str, list[Leg]] = defaultdict(list)
        for leg in self._alive:
            by_network[leg.network].append(leg)
        for network in by_network.values():
            yield from self._through(network)
        yield from self._crossed()
        for network in by_network.values():
            yield from self._gateway(network)
            yield from self._servers(network)
            for leg in network:
                yield from self._addresses(leg)

    def _links(self) -> Iterator[Fault]:
        for leg in self._legs.values():
            report = self._reports.get(leg.node)
            if report is None:
                continue
            if leg.interface not in report.heard.links:
                names = ", ".join(sorted(report.host.interfaces or {})) or "none"
                text = f"has no interface {leg.interface}, which {leg.network} is plugged into"
                yield Fault("interface", leg.node, text, f"its interfaces are: {names}", path=leg.path)
            elif not report.heard.links[leg.interface]:
                text = f"{leg.interface} ({leg.network}) has no link"
                yield Fault("link", leg.node, text, "is the cable in, and the switch's port on?", path=leg.path)
            elif (why := report.heard.refused.get(leg.number)) is not None:
                text = f"{leg.interface} does not send packets of {leg.mtu} bytes ({leg.network}): {why}"
                yield Fault("wire-mtu", leg.node, text, "a smaller `mtu:`, or another card", path=leg.path)

    def _through(self, legs: list[Leg]) -> Iterator[Fault]:
        """One network: who is not heard by the others, and whose large packets are not."""
        together = self._together(legs, SMALL)
        for leg in legs:
            if leg not in together:
                text = f"nothing passes between its {leg.device} and the others on {leg.network} ({_named(together)})"
                mend = "are all of them on this network's switch, and is the VLAN let through on their ports?"
                yield Fault("wire-silent", leg.node, text, mend, path=leg.path)
        whole = self._together(together, legs[0].mtu) if len(together) > 1 else together
        for leg in together:
            if leg not in whole and leg.number not in self._reports[leg.node].heard.refused:
                text = (
                    f"small packets pass between its {leg.device} and the others on {leg.network} ({_named(whole)}), "
                    f"those of {leg.mtu} bytes do not"
                )
                mend = f"let the switches between them pass {leg.mtu} bytes of IP, or write a smaller `mtu:`"
                yield Fault("wire-mtu", leg.node, text, mend, path=leg.path)

    def _together(self, legs: list[Leg], size: int) -> list[Leg]:
        """The largest group in which everybody hears everybody; of equal ones that of the first leg in the site."""
        groups: list[list[Leg]] = []
        for leg in legs:
            home = next((group for group in groups if all(self._both(leg, other, size) for other in group)), None)
            if home is None:
                groups.append([leg])
            else:
                home.append(leg)
        return max(groups, key=len)

    def _both(self, one: Leg, other: Leg, size: int) -> bool:
        return (one.number, other.number, size) in self._heard and (other.number, one.number, size) in self._heard

    def _crossed(self) -> Iterator[Fault]:
        """Networks that hear each other: one wire where the site has two."""
        mixed: dict[tuple[str, str], set[tuple[Leg, Leg]]] = defaultdict(set)
        for at, sender, _ in self._heard:
            here, there = self._legs[at], self._legs[sender]
            if here.network != there.network:
                mixed[here.network, there.network].add((here, there))
        for (network, other), pairs in sorted(mixed.items()):
            if network > other and (other, network) in mixed:
                continue  # told the other way round
            here, there = min(pairs, key=lambda pair: (pair[0].number, pair[1].number))
            count = f" ({len(pairs)} such ways)" if len(pairs) > 1 else ""
            text = f"{here.device} ({network}) hears what {there.node} sends on {other}, {there.device}{count}"
            mend = f"{network} and {other} are to be wires or VLANs of their own: are cables or VLANs swapped?"
            yield Fault("wire-crossed", here.node, text, mend, path=here.path)

    def _held(self, leg: Leg) -> dict[IPv4Address, str]:
        """The addresses of which another machine than the leg's own node says on its network that it has them."""
        return {
            IPv4Address(address): mac
            for at, address, mac in self._reports[leg.node].heard.holders
            if at == leg.number and self._owners.get(mac, ("", ""))[0] != leg.node
        }

    def _gateway(self, legs: list[Leg]) -> Iterator[Fault]:
        gateway = legs[0].gateway
        if gateway and not any(gateway in self._held(leg) for leg in legs):
            text = f"nobody answers for {gateway}, the gateway of {legs[0].network}"
            mend = "is the physical router on this wire, and does it have that address?"
            path = ("networks", legs[0].network, "gateway")
            yield Fault("gateway-silent", legs[0].node, text, mend, "warning", path)

    def _servers(self, legs: list[Leg]) -> Iterator[Fault]:
        """VMs would listen to a stranger; nodes do not, who have their addresses from the site."""
        offers: dict[tuple[str, str], Leg] = {}
        for leg in legs:
            for at, server, mac in self._reports[leg.node].heard.offers:
                if at == leg.number:
                    offers.setdefault((server, mac), leg)
        for (server, mac), leg in offers.items():
            text = f"a DHCP server offers addresses on {leg.network}: {server} ({self._who(mac)})"
            mend = "switch it off on this wire; there Neutron alone gives VMs their addresses"
            if leg.address:
                mend = "nodes need none: let it give addresses to nobody on this wire"
            yield Fault("foreign-dhcp", leg.node, text, mend, "warning" if leg.address else "error", leg.path)

    def _addresses(self, leg: Leg) -> Iterator[Fault]:
        held = self._held(leg)
        if leg.address in held:
            who = self._who(held[leg.address])
            text = f"its address on {leg.network}, {leg.address}, is held by {who}"
            yield Fault("address-taken", leg.node, text, "take it from there, or write another", path=leg.path)
        foreign = [address for address in leg.swept if address in held] if self._first_time else []
        if foreign:
            more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
            shown = ", ".join(f"{address} ({self._who(held[address])})" for address in foreign[:_SHOWN])
            text = f"addresses in the pool of {leg.network} are held by others: {shown}{more}"
            mend = "take them from there, or write a pool without them"
            yield Fault("pool-taken", leg.node, text, mend, path=("networks", leg.network, "pool"))

    def _who(self, mac: str) -> str:
        node, interface = self._owners.get(mac, ("", ""))
        return f"{node}'s {interface}, {mac}" if node else mac


def _named(legs: Iterable[Leg]) -> str:
    names = [leg.node for leg in legs]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
