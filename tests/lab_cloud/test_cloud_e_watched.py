"""The walls while things move: tried from outside all the while, and never open."""

import shlex

import pytest
from tests.lab_cloud.cloud import NODES, Cloud, Report, failures, report_of
from tests.lab_cloud.harm import change
from tests.soak import seldom_values

pytestmark = [pytest.mark.root, pytest.mark.lab]
_OPENED = """
nft insert rule inet wallcloud input tcp dport 3306 accept
sleep 1.5
nft -f /etc/wallcloud/firewall.nft
"""


def watched(cloud: Cloud, *words: str) -> Report:
    """The report of a watch that lasts as long as `wallcloud WORDS`."""
    argv = (*cloud.command, *words, "--site", str(cloud.site))
    return report_of(cloud.run("verify", "--json", "--while", shlex.join(argv)))


def expect_shut(report: Report, what: str) -> None:
    assert not report["failed"], f"{what}:\n{failures(report)}"
    assert report["negative"] > 500 and report["expectations"] > report["negative"]


def test_while_a_change_is_applied(designed: Cloud) -> None:
    change(designed, 7399)
    expect_shut(watched(designed, "apply"), "a change")
    designed.expect_designed("after a change that was watched")


@pytest.mark.parametrize("node", seldom_values(NODES, ("compute2",)))
def test_while_a_node_loses_its_power_and_boots(designed: Cloud, node: str) -> None:
    expect_shut(watched(designed, "lab", "restart", node), f"{node} boots")
    designed.expect_recovered(f"after {node} was switched on again")


@pytest.mark.soak
def test_while_bare_machines_become_a_cloud(designed: Cloud) -> None:
    """A machine without a wall is none that opened: what is shut once stays so."""
    designed.fresh()
    expect_shut(watched(designed, "apply"), "a first apply")
    designed.expect_designed("after a first apply that was watched")


def test_a_wall_that_opens_for_a_moment_is_named(designed: Cloud) -> None:
    words = ("lab", "exec", "--site", str(designed.site), "control", "--", "sh", "-euc", _OPENED)
    report = report_of(designed.run("verify", "--json", "--while", shlex.join((*designed.command, *words))))
    named = {failed["id"] for part in report["parts"].values() for failed in part["failed"]}
    assert named == {f"watch/{who}/control:management/tcp-3306" for who in ("admin", "router")}
    designed.expect_designed("after the ruleset of the boot was loaded")
