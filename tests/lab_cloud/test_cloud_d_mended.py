"""What does not belong on a node leaves; a node that was switched off and on comes back by itself."""

import json
import shlex

import pytest
from tests.lab_cloud.cloud import NODES, Cloud
from tests.lab_cloud.units import harmed
from tests.node.servers.disturbances import AS_ADMIN

from wallcloud.node.run import wait_for
from wallcloud.progress import Silent

pytestmark = [pytest.mark.root, pytest.mark.lab]

PLANT = r"""
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' \
    >/etc/systemd/system/wallcloud-stranger.service
systemctl daemon-reload
systemctl enable --quiet --now wallcloud-stranger.service
mariadb -e "CREATE USER 'stranger'@'%' IDENTIFIED BY 'x'; GRANT ALL ON keystone.* TO 'stranger'@'%'"
echo stray >/etc/wallcloud/tls/stranger.key
export HOME=/var/lib/wallcloud-rabbitmq
erl_call -address 127.0.0.1:25672 -e >/dev/null <<'END'
rabbit_auth_backend_internal:add_user(<<"stranger-account">>, <<"x">>, <<"x">>),
rabbit_vhost:add(<<"stranger-vhost">>, <<"x">>).
END
"""
LOOK = r"""
systemctl list-units --all --plain --no-legend 'wallcloud-*'
ls /etc/systemd/system /etc/systemd/system/*.wants /etc/wallcloud/tls
mariadb -BNe "SELECT CONCAT(User, '@', Host) FROM mysql.global_priv"
export HOME=/var/lib/wallcloud-rabbitmq
erl_call -address 127.0.0.1:25672 -fetch_stdout -e <<'END'
io:format("~p ~p", [rabbit_auth_backend_internal:list_users(), rabbit_vhost:list_names()]).
END
"""
UNSERVE = """
url = "https://control.internal.cloud.example/network/v2.0"
network = find("networks", name="flat-b")
for agent in call("GET", f"/networks/{network}/dhcp-agents")[1]["agents"]:
    call("DELETE", f"/agents/{agent['id']}/dhcp-networks/{network}")
print(network)
"""
STRANGERS = ("wallcloud-stranger.service", "stranger@%", "stranger.key", "stranger-account", "stranger-vhost")


def _seen(text: str) -> list[str]:
    return [name for name in STRANGERS if name in text]


def test_strangers_are_in_the_plan_and_leave(designed: Cloud) -> None:
    assert _seen(designed.on("control", LOOK)) == []
    before = designed.units("control")
    designed.on("control", PLANT)
    assert _seen(designed.on("control", LOOK)) == list(STRANGERS), "could not be planted"
    shown = designed.run("plan").expect(1)
    assert _seen(shown.stdout) == list(STRANGERS), f"the plan does not say all: {shown.stdout}"
    assert _seen(designed.on("control", LOOK)) == list(STRANGERS), "a plan removed something"
    done = designed.apply("removing strangers")
    assert _seen(designed.on("control", LOOK)) == []
    assert done.summary["nodes"]["control"]["applied"] <= len(STRANGERS)
    assert harmed(before, designed.units("control")) == [], "something of ours was restarted for it"
    designed.expect_designed("after strangers were removed")


def test_a_network_without_dhcp_agent_is_in_the_plan_and_gets_one(designed: Cloud) -> None:
    """As it comes out where the agents told Neutron of themselves only after the network was made."""
    secrets = json.loads((designed.state / "secrets.json").read_text(encoding="utf-8"))
    given = {
        "url": "https://control.internal.cloud.example/identity/v3",
        "ca": "/etc/wallcloud/tls/ca.pem",
        "admin": "admin",
        "project": "admin",
        "password": secrets["identity-admin"],
    }
    by_hand = f"exec python3 -I -c {shlex.quote(AS_ADMIN + UNSERVE)}"
    id = designed.on("control", by_hand, input=json.dumps(given)).strip()
    shown = designed.run("plan").expect(1)
    assert "cloud-dhcp flat-b" in shown.stdout and "flat-a" not in shown.stdout, shown.stdout
    done = designed.apply("giving a network to a DHCP agent")
    assert done.summary["nodes"]["control"]["applied"] == 1
    programs = f"ip netns pids qdhcp-{id} | xargs -r ps -o comm= -p"
    assert wait_for(lambda: "dnsmasq" in designed.on("network", programs), 30)
    designed.expect_designed("after a network got its DHCP agent")


def _failed(cloud: Cloud, node: str) -> str:
    return cloud.on(node, "systemctl --failed --plain --no-legend")


@pytest.mark.soak  # `make test` has the whole lab without power
@pytest.mark.parametrize("node", NODES)
def test_a_power_cycle_is_mended_by_nobody(designed: Cloud, node: str) -> None:
    """Addresses, routes, sysctls, firewall, units: an empty plan has read them all, and no apply has run."""
    before = designed.units(node)["systemd"]
    designed.run("lab", "restart", node).expect(0)
    assert designed.units(node)["systemd"] != before, "it was not switched off"
    designed.expect_recovered(f"after {node} was switched off and on")
    assert _failed(designed, node) == ""


def test_the_whole_lab_without_power(designed: Cloud) -> None:
    for node in NODES:
        designed.lab.kill(node, Silent())
    designed.run("lab", "up").expect(0)
    designed.expect_recovered("after all machines were switched off and on")
    assert {node: _failed(designed, node) for node in NODES} == dict.fromkeys(NODES, "")
    designed.expect_verified("doors")
