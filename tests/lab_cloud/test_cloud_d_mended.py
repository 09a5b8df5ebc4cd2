"""What does not belong on a node leaves; a node that was switched off and on comes back by itself."""

import pytest
from tests.lab_cloud.cloud import NODES, Cloud

from wallcloud.progress import Silent

pytestmark = [pytest.mark.root, pytest.mark.lab]

STRANGERS = {
    "a unit": (
        "wallcloud-stranger.service",
        """printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' \
            >/etc/systemd/system/wallcloud-stranger.service
        systemctl daemon-reload; systemctl enable --quiet --now wallcloud-stranger.service""",
        "systemctl list-units --all --plain --no-legend; ls /etc/systemd/system",
    ),
    "a database account": (
        "stranger@%",
        "mariadb -e \"CREATE USER 'stranger'@'%' IDENTIFIED BY 'x'; GRANT ALL ON keystone.* TO 'stranger'@'%'\"",
        "mariadb -BNe \"SELECT CONCAT(User, '@', Host) FROM mysql.global_priv\"",
    ),
    "a bus account": (
        "stranger-account",
        """export HOME=/var/lib/wallcloud-rabbitmq
        echo 'rabbit_auth_backend_internal:add_user(<<"stranger-account">>, <<"x">>, <<"x">>).' |
            erl_call -address 127.0.0.1:25672 -fetch_stdout -e""",
        """export HOME=/var/lib/wallcloud-rabbitmq
        echo 'io:format("~p", [rabbit_auth_backend_internal:list_users()]).' |
            erl_call -address 127.0.0.1:25672 -fetch_stdout -e""",
    ),
    "a bus vhost": (
        "stranger-vhost",
        """export HOME=/var/lib/wallcloud-rabbitmq
        echo 'rabbit_vhost:add(<<"stranger-vhost">>, <<"x">>).' |
            erl_call -address 127.0.0.1:25672 -fetch_stdout -e""",
        """export HOME=/var/lib/wallcloud-rabbitmq
        echo 'io:format("~p", [rabbit_vhost:list_names()]).' | erl_call -address 127.0.0.1:25672 -fetch_stdout -e""",
    ),
    "a key": (
        "stranger.key",
        "echo stray >/etc/wallcloud/tls/stranger.key",
        "ls /etc/wallcloud/tls",
    ),
}
"""On control: what is planted → (its name, how, where it is seen)."""


def test_strangers_are_in_the_plan_and_leave(designed: Cloud) -> None:
    for what, (name, plant, look) in STRANGERS.items():
        assert name not in designed.on("control", look), what
        designed.on("control", plant)
        assert name in designed.on("control", look), f"{what} could not be planted"
    before = designed.units("control")
    shown = designed.run("plan").expect(1)
    missing = [what for what, (name, _, _) in STRANGERS.items() if name not in shown.stdout]
    assert not missing, f"not in the plan: {missing}: {shown.stdout}"
    left = [what for what, (name, _, look) in STRANGERS.items() if name not in designed.on("control", look)]
    assert not left, f"a plan removed {left}"
    done = designed.apply("removing strangers")
    still = [what for what, (name, _, look) in STRANGERS.items() if name in designed.on("control", look)]
    assert not still, f"still there: {still}"
    assert done.summary["nodes"]["control"]["applied"] <= len(STRANGERS)
    after = designed.units("control")
    assert after == {unit: found for unit, found in before.items() if unit != "wallcloud-stranger.service"}
    designed.expect_designed("after strangers were removed")


def _failed(cloud: Cloud, node: str) -> str:
    return cloud.on(node, "systemctl --failed --plain --no-legend")


@pytest.mark.parametrize("node", ["control", "api", "network"])
def test_a_power_cycle_is_mended_by_nobody(designed: Cloud, node: str) -> None:
    """Addresses, routes, sysctls, firewall, units: an empty plan has read them all, and no apply has run."""
    before = designed.units(node)["systemd"]
    designed.run("lab", "restart", node).expect(0)
    assert designed.units(node)["systemd"] != before, "it was not switched off"
    designed.expect_designed(f"after {node} was switched off and on")
    assert _failed(designed, node) == ""


def test_the_whole_lab_without_power(designed: Cloud) -> None:
    for node in NODES:
        designed.lab.kill(node, Silent())
    designed.run("lab", "up").expect(0)
    designed.expect_designed("after all machines were switched off and on")
    assert {node: _failed(designed, node) for node in NODES} == dict.fromkeys(NODES, "")
    designed.expect_verified()
