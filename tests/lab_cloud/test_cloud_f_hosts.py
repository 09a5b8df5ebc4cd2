"""Holes opened by hand on nodes: verify names each, and nothing else; an apply closes those that are a resource's, and
of the others the report says what to do."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pytest
from tests.lab_cloud.cloud import Cloud, Report

pytestmark = [pytest.mark.root, pytest.mark.lab]

PARTS = ("sockets", "accounts", "paths")
LISTENER = "import socket, time; s = socket.socket(); s.bind(('0.0.0.0', 9999)); s.listen(); time.sleep(9999)"
START = "setsid {} </dev/null >/dev/null 2>&1 & echo $! >>/run/holes; sleep 0.5"
SQL = "mariadb --no-defaults --socket=/run/mysqld/mysqld.sock --skip-ssl -e"
BUS = """HOME=/var/lib/wallcloud-rabbitmq erl_call -address 127.0.0.1:25672 -e <<'END'
rabbit_auth_backend_internal:set_permissions(<<"neutron-api@control">>, <<"nova">>, <<>>, <<>>, <<".*">>, <<"x">>).
END"""


@dataclass(frozen=True)
class Hole:
    """`names` are patterns of the expectations that must fail; `secret` comes by standard input."""

    node: str
    opens: str
    names: tuple[str, ...]
    mended: bool = False
    """By an apply."""
    closes: str = "true"


HOLES = (
    Hole(
        "control",
        "sed -i 's/^bind-address = .*/bind-address = 0.0.0.0/' /etc/wallcloud/mariadb/my.cnf\n"
        "systemctl restart wallcloud-mariadb",
        ("sockets/control/tcp/198.19.10.11:3306",),
        mended=True,
    ),
    Hole("api", START.format(f'/usr/bin/python3 -c "{LISTENER}"'), ("sockets/api/tcp/0.0.0.0:9999",)),
    Hole(
        "network",
        "space=$(ip netns | sed -n 's/^\\(qdhcp[^ ]*\\).*/\\1/p' | head -n 1)\n"
        + START.format(f'ip netns exec $space /usr/bin/python3 -c "{LISTENER}"'),
        ("sockets/network/qdhcp-*/tcp/0.0.0.0:9999",),
    ),
    Hole(
        "control",
        f'{SQL} "GRANT ALL ON *.* TO glance@localhost"',
        ("accounts/mariadb/glance@localhost/on/[*].[*]",),
        mended=True,
    ),
    Hole("control", BUS, ("accounts/rabbitmq/neutron-api@control/on/nova",), mended=True),
    Hole("control", "usermod --shell /bin/bash glance", ("accounts/control/glance/login",), mended=True),
    Hole(
        "compute1",
        "mkdir -p /etc/sudoers.d; echo 'nova-compute ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/hole",
        ("accounts/compute1/sudo/nova-compute *",),
        closes="rm -r /etc/sudoers.d",
    ),
    Hole(
        "control",
        "chmod o+rx /etc/wallcloud/nova-api; chmod o+r /etc/wallcloud/nova-api/nova.conf",
        (
            "paths/control/mode/etc/wallcloud/nova-api/nova.conf",
            "paths/control/*→/etc/wallcloud/nova-api",
            "paths/control/*→/etc/wallcloud/nova-api/nova.conf",
        ),
        mended=True,
    ),
    Hole(
        "compute2",
        "cat >/usr/share/doc/hole",
        ("paths/compute2/files/identity-service-glance",),
        closes="rm /usr/share/doc/hole",
    ),
    Hole(
        "network",
        "secret=$(cat); " + START.format("sh -c 'sleep 9999; :' \"$secret\""),
        ("paths/network/arguments/identity-service-glance",),
    ),
)


def _failed(report: Report) -> list[str]:
    return [failed["id"] for part in report["parts"].values() for failed in part["failed"]]


def _explained(names: list[str], which: Callable[[Hole], bool]) -> None:
    """Each hole of these has failed what it must, and nothing failed that none of them is the reason of."""
    patterns = [pattern for hole in HOLES if which(hole) for pattern in hole.names]
    assert [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)] == []
    assert [name for name in names if not any(fnmatchcase(name, pattern) for pattern in patterns)] == []


def test_holes_are_found_and_closed(designed: Cloud) -> None:
    cloud = designed
    cloud.expect_verified(*PARTS)
    secret = json.loads((cloud.state / "secrets.json").read_text())["identity-service-glance"]
    try:
        for hole in HOLES:
            cloud.on(hole.node, hole.opens, input=secret)
        _explained(_failed(cloud.verify(*PARTS)), lambda hole: True)
        cloud.apply("with holes")
        _explained(_failed(cloud.verify(*PARTS)), lambda hole: not hole.mended)
    finally:
        for node in {hole.node for hole in HOLES}:
            cloud.on(node, "kill $(cat /run/holes); rm /run/holes", check=False)
        for hole in HOLES:
            cloud.on(hole.node, hole.closes, check=False)
    cloud.expect_verified(*PARTS)
    cloud.expect_designed("after holes")
