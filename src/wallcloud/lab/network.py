"""Makes wires and places, and says how a machine is wired. Nothing ever appears in the host's namespace.

veths are born with each end in its own namespace. What a place or a machine is wired with is a digest on its namespace:
one that bears the right digest is left alone, any other is made afresh. `ip -batch` stops at the first failure, and the
digest is its last line, so a namespace that bears one is complete, whoever was killed in between.
"""

import subprocess
from collections.abc import Iterable, Iterator

from wallcloud.errors import WallcloudError
from wallcloud.lab import kernel
from wallcloud.lab.wiring import WIRES, Leg, Machine, Nic, Place, Wire, Wiring, mac, namespace

_QUIET_V6 = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"
# A hostile router: forwards all, believes every source address, obeys source routes, tells nobody of better ways.
_HOSTILE = """
for where in all default; do
    cd /proc/sys/net/ipv4/conf/$where
    echo 1 >forwarding; echo 0 >rp_filter; echo 0 >send_redirects; echo 1 >accept_source_route
done
"""
_FORWARD_V6 = "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"


def wires_namespace(site: str) -> str:
    """Where the bridges of a lab are."""
    return namespace(site, WIRES)


def make_wires(wiring: Wiring) -> None:
    """Makes the bridges that lack, removes those that the site no longer has. Machines on the others notice nothing."""
    name = wires_namespace(wiring.site)
    if kernel.inode(name) is None:
        kernel.delete_namespace(name)
        kernel.add_namespace(name)
    # No address, also no link-local one, on anything here: the lab hears, but never speaks, on a wire.
    kernel.run(kernel.inside(name, "sh", "-ec", f"[ ! -d /proc/sys/net/ipv6 ] || {{ {_QUIET_V6}; }}"))
    there = kernel.links(name)
    wanted = {wire.device: wire for wire in wiring.wires}
    bridges = [device for device, link in there.items() if link.get("linkinfo", {}).get("info_kind") == "bridge"]
    commands = [f"link del dev {device}" for device in bridges if device not in wanted]
    commands += [f"link add name {wire.device} type bridge" for wire in wanted.values() if wire.device not in there]
    commands += [line for wire in wanted.values() for line in _bridge(wire)]
    kernel.batch(name, commands)


def _bridge(wire: Wire) -> tuple[str, ...]:
    # Without snooping a bridge is a dumb switch; with it, it would withhold multicast that nobody asked for by IGMP.
    return (
        f"link set dev {wire.device} alias {wire.name}",
        f"link set dev {wire.device} mtu {wire.mtu} type bridge stp_state 0 mcast_snooping 0 forward_delay 0",
        f"link set dev {wire.device} up",
    )


def make_place(wiring: Wiring, place: Place) -> None:
    """Makes a place afresh. Nobody may be in its namespace."""
    wires = wires_namespace(wiring.site)
    unplug(wires, (leg.port for leg in place.legs))
    kernel.delete_namespace(place.namespace)
    kernel.add_namespace(place.namespace)
    six = any(address.version == 6 for leg in place.legs for address in leg.addresses)
    # Before any interface exists: each takes its settings from `default` when it is made.
    settings = (_HOSTILE if place.ways else "") + (_FORWARD_V6 if six else _QUIET_V6)
    kernel.run(kernel.inside(place.namespace, "sh", "-ec", settings))
    kernel.batch(wires, (line for leg in place.legs for line in _plug_leg(place, leg)))
    checksum_in_software(wires, (leg.port for leg in place.legs))
    kernel.batch(place.namespace, _place_commands(place))


def _plug_leg(place: Place, leg: Leg) -> Iterator[str]:
    # Nodes remember their neighbours' addresses: with another one they would not reach it for some 30 s.
    address = mac(place.namespace, leg.device)
    yield (
        f"link add name {leg.port} mtu {leg.wire.mtu} type veth"
        f" peer name {leg.device} address {address} mtu {leg.wire.mtu} netns {place.namespace}"
    )
    yield f"link set dev {leg.port} master {leg.wire.device} up"


def _place_commands(place: Place) -> Iterator[str]:
    for address in place.extra:
        yield f"address add {address}/32 dev lo"
    for leg in place.legs:
        for each in leg.addresses:
            yield f"address add {each} {'broadcast + ' if each.version == 4 else 'nodad '}dev {leg.device}"
        yield f"link set dev {leg.device} up"
    if place.gateway is not None:
        yield f"route add default via {place.gateway}"
    for prefix, via, metric in place.fallbacks:
        yield f"route add {prefix} via {via} metric {metric}"
    for way in place.ways:
        for prefix in way.prefixes:
            yield f"route add {prefix} via {way.via} dev {way.device} table {way.mark}"
        yield f"rule add pref {way.mark} fwmark {way.mark} lookup {way.mark}"
    yield kernel.mark(place.digest)


def checksum_in_software(wires: str, ports: Iterable[str]) -> None:
    """No partial checksums leave the lab ends: Open vSwitch's userspace datapath would pass them on as they are."""
    commands = "\n".join(f"ethtool -K {port} tx off" for port in ports)
    if commands:
        kernel.run(kernel.inside(wires, "sh", "-ec", commands))


def unplug(wires: str, ports: Iterable[str]) -> None:
    """Removes the lab ends, and with them at once the other ends, wherever they are."""
    if kernel.inode(wires) is not None:
        text = "".join(f"link del dev {port}\n" for port in ports)
        # -force goes on after "no such device".
        subprocess.run(
            ("ip", "-netns", wires, "-force", "-batch", "-"), input=text.encode(), capture_output=True, check=False
        )


def unplug_commands(machine: Machine) -> str:
    """As `unplug`, as a batch for a machine's keeper."""
    return "".join(f"link del dev {nic.port}\n" for nic in machine.nics)


def plug_commands(machine: Machine) -> str:
    """The batch, run in `wires`, that gives a machine's fresh namespace its NICs."""
    return "".join(f"{line}\n" for nic in machine.nics for line in _plug(machine, nic))


def _plug(machine: Machine, nic: Nic) -> Iterator[str]:
    yield (
        f"link add name {nic.port} mtu {nic.mtu} type veth"
        f" peer name {nic.name} address {nic.mac} mtu {_card_mtu(machine, nic)} netns {machine.namespace}"
    )
    for vlan, device, wire in nic.tagged:
        # A tagged frame belongs to its sub-interface before it could reach the bridge that the port is in.
        yield f"link add link {nic.port} name {device} mtu {wire.mtu} type vlan id {vlan}"
        yield f"link set dev {device} master {wire.device} up"
    if nic.untagged is not None:
        yield f"link set dev {nic.port} master {nic.untagged.device}"
    yield f"link set dev {nic.port} up"


def _card_mtu(machine: Machine, nic: Nic) -> int:
    """A card comes with 1500; only the one that SSH arrives on is set up from outside."""
    return nic.mtu if nic.name == machine.parent else 1500


def address_commands(machine: Machine) -> str:
    """The batch, run by the machine itself at boot, for what an installer sets up: the address that SSH arrives on.

    Wallcloud's own network comes at the same time, and may have made some of it before.
    """
    lines = []
    if machine.vlan is not None:
        lines.append(f"link set dev {machine.parent} up")
        lines.append(f"link add link {machine.parent} name {machine.device} type vlan id {machine.vlan}")
    lines.append(f"link set dev {machine.device} mtu {machine.mtu} up")
    lines.append(f"address replace {machine.address} broadcast + dev {machine.device}")
    lines += [f"route replace {prefix} via {via} dev {machine.device}" for prefix, via in machine.routes]
    return "".join(f"{line}\n" for line in lines)


def check_vlans(wiring: Wiring) -> None:
    """Raises WallcloudError if the site has VLANs and this kernel cannot make them."""
    for machine in wiring.machines:
        for nic in machine.nics:
            for vlan, _, wire in nic.tagged:
                if _vlans_work(wires_namespace(wiring.site)):
                    return
                raise WallcloudError(
                    f"network {wire.name} has VLAN {vlan}, but this computer's kernel has no 802.1Q",
                    where="lab",
                    hint="load the module 8021q, or leave the network untagged in the lab's site file",
                )


def _vlans_work(wires: str) -> bool:
    argv = ("ip", "-netns", wires, "link", "add", "link", "lo", "name", "wc-probe", "type", "vlan", "id", "1")
    if subprocess.run(argv, capture_output=True, check=False).returncode != 0:
        return False
    subprocess.run(("ip", "-netns", wires, "link", "del", "wc-probe"), capture_output=True, check=False)
    return True
