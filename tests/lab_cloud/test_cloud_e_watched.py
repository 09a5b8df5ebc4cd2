"""The walls while things move: tried all the while, and never open."""

import shlex
from collections.abc import Sequence

import pytest
from tests.lab_cloud.cloud import NODES, Cloud, Report, failures, report_of
from tests.lab_cloud.harm import change
from tests.lab_cloud.victims import SERVICES
from tests.soak import seldom_values

pytestmark = [pytest.mark.root, pytest.mark.lab]
_OPENED = """
nft insert rule inet wallcloud {rule} accept
sleep 3
nft -f /etc/wallcloud/firewall.nft
"""

_DEAD = """
for unit in {units}; do
    systemctl kill --signal=KILL $unit
    systemctl stop $unit  # or it is back at once
    sleep 2  # dead for some rounds of the watch
    systemctl start {units}
done
"""


def watched(cloud: Cloud, *words: str, inside: Sequence[str] = ()) -> Report:
    """The report of a watch that lasts as long as `wallcloud WORDS`; `inside`: also on these nodes."""
    place = ("--site", str(cloud.site))
    end = 2 if words[:2] == ("lab", "exec") else len(words)
    command = shlex.join((*cloud.command, *words[:end], *place, *words[end:]))
    nodes = (word for node in inside for word in ("--inside", node))
    return report_of(cloud.run("verify", *nodes, "--while", command, "--json"))


def expect_shut(report: Report, what: str) -> None:
    assert not report["failed"], f"{what}:\n{failures(report)}"
    assert report["negative"] > 500 and report["expectations"] > report["negative"]


def test_while_a_change_is_applied(designed: Cloud) -> None:
    change(designed, 7399)
    expect_shut(watched(designed, "apply", inside=NODES), "a change")
    designed.expect_designed("after a change that was watched")


@pytest.mark.parametrize("node", seldom_values(NODES, ("compute2",)))
def test_while_a_node_loses_its_power_and_boots(designed: Cloud, node: str) -> None:
    others = [name for name in NODES if name != node]
    expect_shut(watched(designed, "lab", "restart", node, inside=others), f"{node} boots")
    designed.expect_recovered(f"after {node} was switched on again")


@pytest.mark.parametrize("node", seldom_values(NODES, ("network",)))
def test_while_each_component_is_dead(designed: Cloud, node: str) -> None:
    """One after the other is killed, stays dead for two seconds, and comes back with what fell with it."""
    dead = _DEAD.format(
        units=" ".join(f"wallcloud-{name}.service" for name in SERVICES[node] if not name.endswith("@"))
    )
    report = watched(designed, "lab", "exec", node, "--", "bash", "-euc", dead, inside=NODES)
    expect_shut(report, f"every component of {node} dies")
    designed.expect_recovered(f"after every component of {node} was dead")


@pytest.mark.soak
def test_while_secrets_are_rotated(designed: Cloud) -> None:
    expect_shut(watched(designed, "rotate", inside=NODES), "a rotation")
    designed.expect_designed("after a rotation that was watched")


@pytest.mark.soak
def test_while_bare_machines_become_a_cloud(designed: Cloud) -> None:
    """A machine without a wall is none that opened: what is shut once stays so."""
    designed.fresh()
    expect_shut(watched(designed, "apply"), "a first apply")
    designed.expect_designed("after a first apply that was watched")


def opened(cloud: Cloud, node: str, rule: str) -> set[str]:
    """What is named when a rule of a node's firewall lets more pass for a moment."""
    words = ("lab", "exec", node, "--", "sh", "-euc", _OPENED.format(rule=rule))
    report = watched(cloud, *words, inside=[node])
    cloud.expect_designed("after the ruleset of the boot was loaded")
    return {failed["id"] for part in report["parts"].values() for failed in part["failed"]}


def test_a_wall_that_opens_for_a_moment_is_named(designed: Cloud) -> None:
    named = opened(designed, "control", "input tcp dport 3306")
    assert named == {f"watch/{who}/control:management/tcp-3306" for who in ("admin", "router")}


def test_an_account_that_may_ask_for_a_moment_is_named(designed: Cloud) -> None:
    named = opened(designed, "compute1", "output meta skuid _chrony tcp dport 22")
    assert "watch/compute1:_chrony/control:management/tcp-22" in named
    assert all(name.startswith("watch/compute1:_chrony/") and name.endswith("/tcp-22") for name in named)
