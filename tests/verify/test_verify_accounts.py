"""Accounts of servers and nodes: what is wanted of them, and how what they say is judged."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.design.goldens import golden
from tests.design.world import EXAMPLES, designed

from wallcloud.site.model import Role
from wallcloud.verify.accounts import keystone, mariadb, people, rabbitmq
from wallcloud.verify.accounts.far import servers
from wallcloud.verify.accounts.part import judge, question

FOLDER = Path(__file__).parent / "golden"
Told = dict[str, Any]


def declared(flavour: str = "article", node: str = "control") -> Told:
    """What a node says that is as declared."""
    design = designed(flavour)
    ours = people.declared(design, node)
    accounts = [
        {"name": name, "uid": it.uid, "group": it.group, "shell": "", "password": False, "keys": int(name == "root")}
        for name, it in ours.items()
    ]
    groups: dict[str, list[str]] = {"sudo": []}
    for name, it in ours.items():
        groups.setdefault(it.group, [])
        for group in it.groups:
            groups.setdefault(group, []).append(name)
    bus = {name: {"asks": "answered", "commands": "refused: no"} for name in question(design, node)["commanders"]}
    told: Told = {"accounts": accounts, "groups": groups, "sudo": [], "polkit": [], "bus": bus}
    if Role.CONTROL in design.site.nodes[node].roles:
        told |= {"mariadb": _mariadb(flavour), "broker": _broker(flavour), "offers": ["EXTERNAL"], "silent": {}}
        told["keystone"] = _keystone(flavour)
        known = {each.name for each in mariadb.wanted(design)}
        told["knocked"] = [
            "let in" if account == user and f"{user}@localhost" in known else "refused"
            for account, user in question(design, node)["knocks"]
        ]
    return told


def _mariadb(flavour: str) -> Told:
    found = []
    for each in mariadb.wanted(designed(flavour)):
        user, _, host = each.name.rpartition("@")
        way, _, requires = each.login.partition("; requires ")
        grants = [[privileges, on] for on, privileges in each.grants.items()]
        ways = [] if way == "nothing" else [way]
        found.append({"user": user, "host": host, "ways": ways, "requires": requires, "grants": grants})
    return {"accounts": found, "proxies": []}


def _broker(flavour: str) -> Told:
    wants = rabbitmq.wanted(designed(flavour))
    every = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "mechanisms": ["EXTERNAL"],
        "vhosts": sorted(set(wants.values())),
        "users": [{"name": name, "tags": [], "password": False} for name in wants],
        "permissions": [{"user": name, "vhost": vhost, **every} for name, vhost in wants.items()],
    }


def _keystone(flavour: str) -> list[dict[str, str]]:
    found = []
    for user, (roles, _) in keystone.wanted(designed(flavour)).items():
        for what in roles:
            role, _, target = what.partition(" on ")
            found.append({"actor": user, "of": "UserProject", "role": role, "target": target})
    pairs = (("admin", "manager"), ("manager", "member"), ("member", "reader"))
    return [*found, *({"prior": prior, "implied": implied} for prior, implied in pairs)]


def failed(change: Callable[[Told], object], node: str = "control") -> dict[str, str]:
    told = copy.deepcopy(declared(node=node))
    change(told)
    return {each.probe.id: each.outcome for each in judge(designed(), node, told) if not each.holds}


def account(told: Told, user: str) -> Told:
    return next(each for each in told["mariadb"]["accounts"] if each["user"] == user)


def person(told: Told, name: str) -> Told:
    return next(each for each in told["accounts"] if each["name"] == name)


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_what_is_expected(flavour: str) -> None:
    design = designed(flavour)
    lines = []
    for node in design.site.nodes:
        every = list(judge(design, node, declared(flavour, node)))
        assert [each.probe.id for each in every if not each.holds] == []
        assert len({each.probe.id for each in every}) == len(every)
        assert all(each.probe.why for each in every)
        lines += [f"{each.probe.id:<64} {each.probe.expected}" for each in every]
    golden(FOLDER / f"accounts-{flavour}.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("change", "id_", "outcome"),
    [
        (
            lambda told: account(told, "glance")["grants"].append(["ALL PRIVILEGES", "*.*"]),
            "mariadb/glance@localhost/on/*.*",
            "ALL PRIVILEGES",
        ),
        (
            lambda told: account(told, "glance")["grants"].append(["SELECT", "nova.*"]),
            "mariadb/glance@localhost/on/nova.*",
            "SELECT",
        ),
        (
            lambda told: account(told, "glance")["grants"].append(["SELECT", "keystone.password"]),
            "mariadb/glance@localhost/on/keystone.password",
            "SELECT",
        ),
        (
            lambda told: account(told, "keystone")["grants"].clear(),
            "mariadb/keystone@localhost/on/keystone.*",
            "nothing",
        ),
        (
            lambda told: account(told, "nova-metadata").update(requires=""),
            "mariadb/nova-metadata@198.18.10.13",
            "password",
        ),
        (
            lambda told: account(told, "glance").update(ways=["nothing", "the account of the process"]),
            "mariadb/glance@localhost",
            "nothing or the account of the process",
        ),
        (
            lambda told: told["mariadb"]["accounts"].append(
                {"user": "evil", "host": "%", "ways": ["password"], "requires": "", "grants": []}
            ),
            "mariadb/evil@%",
            "there",
        ),
        (
            lambda told: told["mariadb"]["proxies"].append("glance@% as root@%"),
            "mariadb/proxy/glance@% as root@%",
            "there",
        ),
        (
            lambda told: told["broker"]["permissions"].append(
                {"user": "neutron-api@control", "vhost": "nova", "configure": "", "write": "", "read": ".*"}
            ),
            "rabbitmq/neutron-api@control/on/nova",
            "configure , write , read .*",
        ),
        (
            lambda told: told["broker"]["users"][0].update(tags=["administrator"]),
            "rabbitmq/neutron-api@control/tags",
            "administrator",
        ),
        (
            lambda told: told["broker"]["users"][0].update(password=True),
            "rabbitmq/neutron-api@control",
            "certificate or password",
        ),
        (
            lambda told: told["broker"]["users"].append({"name": "guest", "tags": [], "password": True}),
            "rabbitmq/guest",
            "there",
        ),
        (lambda told: told["offers"].append("PLAIN"), "rabbitmq/offers", "EXTERNAL, PLAIN"),
        (
            lambda told: told["keystone"].append(
                {"actor": "glance", "of": "UserProject", "role": "admin", "target": "project demo"}
            ),
            "keystone/glance",
            "admin on project demo, service on project service",
        ),
        (
            lambda told: told["keystone"].append(
                {"actor": "somebody", "of": "UserDomain", "role": "admin", "target": "domain Default"}
            ),
            "keystone/others/somebody: admin on domain Default",
            "there",
        ),
        (
            lambda told: told["keystone"].append({"prior": "reader", "implied": "admin"}),
            "keystone/implied",
            "admin implies manager, manager implies member, member implies reader, reader implies admin",
        ),
        (
            lambda told: told["keystone"].append({"delegation": "trust", "actor": "nova"}),
            "keystone/nova/delegations",
            "trust",
        ),
        (lambda told: person(told, "glance").update(shell="/bin/bash"), "control/glance/login", "at /bin/bash"),
        (lambda told: person(told, "glance").update(keys=2), "control/glance/login", "by 2 SSH keys"),
        (lambda told: person(told, "root").update(password=True), "control/root/login", "by a password"),
        (lambda told: person(told, "glance").update(uid=7), "control/glance", "uid 7, groups glance"),
        (lambda told: told["groups"]["sudo"].append("somebody"), "control/group/sudo", "somebody"),
        (
            lambda told: told["sudo"].append("www-data (/etc/sudoers)"),
            "control/sudo/www-data (/etc/sudoers)",
            "there",
        ),
        (lambda told: told["bus"]["glance"].update(commands="answered"), "control/glance/bus/commands", "answered"),
        (lambda told: told["bus"]["nobody"].update(asks="refused: x"), "control/nobody/bus/asks", "refused"),
    ],
)
def test_what_is_more_or_less_than_declared_fails_alone(
    change: Callable[[Told], object], id_: str, outcome: str
) -> None:
    assert failed(change) == {f"accounts/{id_}": outcome}


def test_a_server_that_does_not_answer_is_one_failure() -> None:
    assert failed(lambda told: told["silent"].update(broker="RuntimeError: no")) == {
        "accounts/broker/asked": "no answer"
    }


def test_an_account_that_mariadb_lets_in_as_another_fails() -> None:
    knocks = question(designed(), "control")["knocks"]
    number = knocks.index(["nobody", "root"])
    assert failed(lambda told: told["knocked"].__setitem__(number, "let in")) == {
        "accounts/mariadb/nobody as root": "let in"
    }


def test_an_account_with_the_number_of_root_fails() -> None:
    toor = {"name": "toor", "uid": 0, "group": "root", "shell": "", "password": False, "keys": 0}
    assert failed(lambda told: told["accounts"].append(toor)) == {"accounts/control/uid 0": "root, toor"}


def test_a_role_by_a_group_counts() -> None:
    def change(told: Told) -> None:
        told["keystone"] += [
            {"member": "demo", "group": "crowd"},
            {"actor": "crowd", "of": "GroupSystem", "role": "admin", "target": "the system"},
        ]

    assert failed(change) == {
        "accounts/keystone/demo": "admin on the system, member on project demo",
        "accounts/keystone/demo/admin on the system": "assigned",
    }


def test_ways_of_logging_in() -> None:
    assert servers._ways({"plugin": "unix_socket"}) == ["the account of the process"]
    either = [{}, {"plugin": "unix_socket"}]
    invalid = {"plugin": "mysql_native_password", "authentication_string": "invalid", "auth_or": either}
    assert servers._ways(invalid) == ["the account of the process"]
    assert servers._ways({"plugin": "mysql_native_password", "authentication_string": ""}) == ["nothing"]
    assert servers._ways({"plugin": "mysql_native_password", "authentication_string": "*A"}) == ["password"]
    assert servers._ways({"plugin": "mysql_native_password", "authentication_string": "", "account_locked": True}) == []
    assert servers._requires({"ssl_type": 3, "x509_subject": "/CN=a"}) == "subject /CN=a"
    assert servers._requires({"ssl_type": 1}) == "TLS"


def test_lines_of_show_grants() -> None:
    line = "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED VIA unix_socket WITH GRANT OPTION"
    assert servers._grant(line) == ["ALL PRIVILEGES, GRANT OPTION", "*.*"]
    assert servers._grant("GRANT SELECT, UPDATE ON `nova`.* TO `a`@`%` REQUIRE SSL") == ["SELECT, UPDATE", "nova.*"]
    assert servers._grant("GRANT `admins` TO `a`@`%`") == ["`admins`", "a role"]
