"""A preflight with real packets, between namespaces on bridges of their own: what is wrong with a wire is named."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from typing import Any

import pytest

from wallcloud.deploy.preflight.legs import Leg
from wallcloud.deploy.preflight.report import Report
from wallcloud.deploy.preflight.wires import faults
from wallcloud.lab.kernel import tidy_netns

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]

NODES = ("alpha", "beta", "gamma")
MTU = {"one": 1500, "two": 1550, "three": 1500}
VLAN = {"one": None, "two": None, "three": 30}
TAGGED_ON = "one"
"""Network three is a VLAN on the cards of network one."""


def sh(script: str) -> str:
    done = subprocess.run(("sh", "-euc", script), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


class Wires:
    """Three nodes on two bridges; `ns(node)` is a node's namespace, `at(node, network)` its port on a bridge."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(2)
        names = (*NODES, "switch", "stranger")
        self._all = tuple(map(self.ns, names))
        for name in self._all:
            sh(f"ip netns add {name}; ip -n {name} link set lo up")
        switch = self.ns("switch")
        sh(f"for b in one two; do ip -n {switch} link add $b mtu 1550 up type bridge forward_delay 0; done")
        for node in (*NODES, "stranger"):
            for network in ("one", "two"):
                self.plug(node, network)
        # The stranger is there already, the nodes' cards are as a new host's are: down.
        for network in ("one", "two"):
            sh(f"ip -n {self.ns('stranger')} link set {network} mtu 1550 up")

    def ns(self, name: str) -> str:
        return f"wcp-{self._token}-{name}"

    def at(self, node: str, network: str) -> str:
        return f"{node}-{network}"

    def plug(self, node: str, network: str) -> None:
        port, switch = self.at(node, network), self.ns("switch")
        sh(
            f"ip link add {network} mtu 1500 netns {self.ns(node)} type veth peer {port} mtu 1550 netns {switch};"
            f"ip -n {switch} link set {port} master {network} up"
        )

    def switch(self, words: str) -> None:
        sh(f"ip -n {self.ns('switch')} link set {words}")

    def stranger(self, network: str, address: str) -> None:
        sh(f"ip -n {self.ns('stranger')} addr add {address} dev {network}")

    def close(self) -> None:
        for name in self._all:
            subprocess.run(("ip", "netns", "del", name), check=False)
        tidy_netns()

    def legs(self) -> tuple[Leg, ...]:
        found: list[Leg] = []
        for node in NODES:
            for place, network in enumerate(MTU, 1):
                found.append(
                    Leg(
                        number=len(found),
                        node=node,
                        network=network,
                        interface=TAGGED_ON if VLAN[network] else network,
                        vlan=VLAN[network],
                        mtu=MTU[network],
                        address=IPv4Address(f"198.18.{place}.{11 + NODES.index(node)}") if place < 3 else None,
                        gateway=None,
                        swept=(IPv4Address("198.18.2.77"),) if place == 2 and node == "alpha" else (),
                    )
                )
        return tuple(found)

    def told(self, legs: tuple[Leg, ...] | None = None) -> list[str]:
        """The faults of a whole preflight, as "id: node: text"."""
        wires = legs or self.legs()
        token = secrets.token_hex(16)
        with ExitStack() as end:
            running = {}
            for node in NODES:
                order: dict[str, Any] = {"legs": [leg.order() for leg in wires if leg.node == node], "token": token}
                order |= {"op": "preflight", "paths": ["/"], "seconds": 1.0}
                process = subprocess.Popen(
                    ("ip", "netns", "exec", self.ns(node), sys.executable, "-m", "wallcloud.node"),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                end.callback(process.wait)
                end.enter_context(process)
                running[node] = process
                _send(process, {"op": "facts"})
                _send(process, order)
            facts = {node: _event(process, "facts") for node, process in running.items()}
            for process in running.values():
                _event(process, "listening")
            for process in running.values():
                _send(process, {"op": "go"})
            heard = {node: _event(process, "preflight") for node, process in running.items()}
            for process in running.values():
                process.stdin.close()  # type: ignore[union-attr]
        reports = {node: Report.of(facts[node]["facts"], heard[node] | {"settled": False}, 0.0) for node in NODES}
        macs = {
            sh(f"ip netns exec {self.ns('stranger')} cat /sys/class/net/{n}/address").strip() for n in ("one", "two")
        }
        text = "\n".join(f"{fault.id}: {fault.node}: {fault.text}" for fault in faults(wires, reports))
        for mac in macs:
            text = text.replace(mac, "STRANGER")
        return text.splitlines()

    def states(self) -> str:
        """Flags, MTU and IPv6 of every card."""
        return "".join(
            sh(
                f"ip -n {self.ns(node)} -o link show {card} | cut -d' ' -f3-5;"
                f"ip netns exec {self.ns(node)} cat /proc/sys/net/ipv6/conf/{card}/disable_ipv6"
            )
            for node in NODES
            for card in ("one", "two")
        )


def _send(process: "subprocess.Popen[str]", message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def _event(process: "subprocess.Popen[str]", kind: str) -> dict[str, Any]:
    assert process.stdout is not None
    for line in process.stdout:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == kind:
            return event
    raise AssertionError(f"ended without {kind}")


@pytest.fixture
def wires() -> Iterator[Wires]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    made = Wires()
    try:
        yield made
    finally:
        made.close()


def test_nothing_is_wrong_and_nothing_is_left_changed(wires: Wires) -> None:
    before = wires.states()
    assert wires.told() == []
    assert wires.states() == before
    assert "UP" not in before, "the cards of a new host are down"


def test_a_card_that_is_not_there(wires: Wires) -> None:
    sh(f"ip -n {wires.ns('beta')} link set two name other")
    assert wires.told() == ["interface: beta: has no interface two, which two is plugged into"]


def test_a_cable_that_is_out(wires: Wires) -> None:
    wires.switch("beta-two down")
    assert wires.told() == ["link: beta: two (two) has no link"]


def test_a_port_on_another_switch(wires: Wires) -> None:
    wires.switch("gamma-two nomaster")
    assert wires.told() == ["wire-silent: gamma: nothing passes between its two and the others on two (alpha, beta)"]


def test_a_vlan_that_is_not_let_through(wires: Wires) -> None:
    """This kernel's bridges filter none: to the others a card that uses another number is just as silent."""
    legs = tuple(
        Leg(**{**vars(leg), "vlan": 31}) if (leg.node, leg.network) == ("gamma", "three") else leg
        for leg in wires.legs()
    )
    assert wires.told(legs) == [
        "wire-silent: gamma: nothing passes between its one, VLAN 31 and the others on three (alpha, beta)"
    ]


def test_a_switch_that_drops_large_packets(wires: Wires) -> None:
    wires.switch("beta-two mtu 1500")
    assert wires.told() == [
        "wire-mtu: beta: small packets pass between its two and the others on two (alpha, gamma), "
        "those of 1550 bytes do not"
    ]


def test_cables_that_are_swapped(wires: Wires) -> None:
    wires.switch("gamma-one master two")
    wires.switch("gamma-two master one")
    assert wires.told() == [
        "wire-silent: gamma: nothing passes between its one and the others on one (alpha, beta)",
        "wire-silent: gamma: nothing passes between its two and the others on two (alpha, beta)",
        "wire-silent: gamma: nothing passes between its one, VLAN 30 and the others on three (alpha, beta)",
        "wire-crossed: alpha: one (one) hears what gamma sends on two, two (4 such ways)",
    ]


def test_addresses_that_others_hold(wires: Wires) -> None:
    wires.stranger("two", "198.18.2.12/24")
    wires.stranger("two", "198.18.2.77/24")
    assert wires.told() == [
        "pool-taken: alpha: addresses in the pool of two are held by others: 198.18.2.77 (STRANGER)",
        "address-taken: beta: its address on two, 198.18.2.12, is held by STRANGER",
    ]


def test_an_address_that_another_node_holds(wires: Wires) -> None:
    sh(f"ip -n {wires.ns('gamma')} link set two up; ip -n {wires.ns('gamma')} addr add 198.18.2.11/24 dev two")
    (line,) = wires.told()
    assert line.startswith("address-taken: alpha: its address on two, 198.18.2.11, is held by gamma's two, ")


def test_a_gateway_that_answers_and_one_that_does_not(wires: Wires) -> None:
    gateways = {"one": IPv4Address("198.18.1.1"), "two": IPv4Address("198.18.2.1"), "three": None}
    wires.stranger("one", "198.18.1.1/24")
    legs = tuple(Leg(**{**vars(leg), "gateway": gateways[leg.network]}) for leg in wires.legs())
    assert wires.told(legs) == ["gateway-silent: alpha: nobody answers for 198.18.2.1, the gateway of two"]
