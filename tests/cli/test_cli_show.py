"""`wallcloud show`: golden answers for the article's cloud, before anything was built or deployed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from tests.design.goldens import golden

from wallcloud.cli import show
from wallcloud.cli.main import wallcloud
from wallcloud.cli.table import hang, table

FOLDER = Path(__file__).parent / "golden"
WHAT = ("nodes", "flows", "addresses", "limits", "files", "rules")
PAGE = Path(__file__).parents[2] / "docs/rules.md"


def invoke(*words: str) -> Result:
    return CliRunner().invoke(wallcloud, ["show", *words], prog_name="wallcloud")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("what", WHAT)
def test_in_a_pipe(what: str) -> None:
    ran = invoke(what)
    assert ran.exit_code == 0
    golden(FOLDER / f"show-{what}.txt", ran.output)
    assert not any(line != line.rstrip() for line in ran.output.splitlines())


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("what", WHAT)
def test_on_a_terminal_of_100_columns(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "width", lambda: 100)
    ran = invoke(what)
    golden(FOLDER / f"show-{what}-100.txt", ran.output)
    # What paths, owners and nodes need is not cut; only reasons are.
    most = 126 if what == "files" else 100
    assert all(len(line) <= most for line in ran.output.splitlines())


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("what", WHAT)
def test_json(what: str) -> None:
    ran = invoke(what, "--json")
    said = json.loads(ran.output)
    assert said
    golden(FOLDER / f"show-{what}.json", json.dumps(said[:4], indent=1, ensure_ascii=False) + "\n")


@pytest.mark.usefixtures("here")
def test_flows_of_a_node_or_component() -> None:
    every = json.loads(invoke("flows", "--json").output)
    some = json.loads(invoke("flows", "--json", "--node", "compute1").output)
    assert some == [row for row in every if "compute1" in (row["client"]["node"], row["server"]["node"])]
    assert 0 < len(some) < len(every)
    some = json.loads(invoke("flows", "--json", "--component", "chrony").output)
    assert some == [row for row in every if "chrony" in (row["client"]["component"], row["server"]["component"])]
    assert 0 < len(some) < len(every)
    assert invoke("flows", "--node", "api").output.startswith("Flows of played: ")
    assert f" of {len(every)}. What is not here does not pass.\n" in invoke("flows", "--node", "api").output


@pytest.mark.usefixtures("here")
def test_the_text_names_every_flow() -> None:
    text = invoke("flows").output
    for row in json.loads(invoke("flows", "--json").output):
        assert row["reason"] in text
        assert (row["path"] or (f"{row['protocol']}/{row['port']}" if row["port"] else row["protocol"])) in text
        if row["exception"]:
            assert "{name}: {reason} ({owner})".format(**row["exception"]) in text


def flows(*words: str) -> list[str]:
    """The flows that are shown, as `client @ node > server @ node`."""

    def end(said: dict[str, Any]) -> str:
        return f"{said['component']} @ {said['node']}" if said["node"] else said["component"]

    return [
        f"{end(row['client'])} > {end(row['server'])}" for row in json.loads(invoke("flows", "--json", *words).output)
    ]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("--from", "tenants"), ["tenants > public-door @ api"]),
        (
            ("--from", "nova-metadata@network", "--network", "management", "--port", "3306"),
            ["nova-metadata @ network > mariadb @ control"],
        ),
        (("--to", "time servers"), ["chrony @ control > time servers"]),
        (("--to", "198.18.10.1"), ["chrony @ control > time servers"]),
        (("--to", "8.8.8.8"), []),
        (
            ("--from", "198.18.1.7", "--to", "control", "--port", "tcp"),
            ["admins > management-door @ control", "admins > sshd @ control"],
        ),
        # Anybody may be a tenant, an admin too; who comes from elsewhere is nobody but a tenant.
        (("--from", "198.18.1.0/24", "--to", "public-door"), ["tenants > public-door @ api"]),
        (("--from", "203.0.113.9"), ["tenants > public-door @ api"]),
        # Peers of the overlay are named by their network, and found by their nodes all the same.
        (
            ("--from", "compute2", "--to", "compute1"),
            ["openvswitch of others > openvswitch @ compute1", "openvswitch @ compute2 > openvswitch of others"],
        ),
        (("--from", "compute1", "--to", "api"), []),
        (
            ("--network", "overlay", "--node", "compute1"),
            ["openvswitch of others > openvswitch @ compute1", "openvswitch @ compute1 > openvswitch of others"],
        ),
        (("--network", "loopback", "--node", "compute1"), ["openvswitch @ compute1 > neutron-ovs-agent @ compute1"]),
        (
            ("--network", "unix", "--component", "libvirt", "--node", "compute1"),
            ["nova-compute @ compute1 > libvirt @ compute1"],
        ),
        (("--port", "icmp", "--to", "api"), ["admins > basics @ api"]),
        (("--exceptions", "--network", "management", "--to", "time servers"), ["chrony @ control > time servers"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_a_security_officer_asks(words: tuple[str, ...], shown: list[str]) -> None:
    assert flows(*words) == shown


@pytest.mark.usefixtures("here")
def test_of_several_of_a_kind_any_may_hold() -> None:
    both = flows("--node", "api", "--node", "compute1")
    assert sorted(both) == sorted([*flows("--node", "api"), *flows("--node", "compute1")])
    assert len(flows("--port", "443", "--port", "22")) == len(flows("--port", "443")) + len(flows("--port", "22"))


@pytest.mark.usefixtures("here")
def test_exceptions_are_those_without_protection() -> None:
    every = json.loads(invoke("flows", "--json").output)
    bare = [row for row in every if "none" in (row["authentication"].split(":")[0], row["encryption"].split(":")[0])]
    assert bare == json.loads(invoke("flows", "--json", "--exceptions").output)
    golden(FOLDER / "show-flows-exceptions.txt", invoke("flows", "--exceptions").output)
    golden(FOLDER / "show-flows-none.txt", invoke("flows", "--from", "compute1", "--to", "api").output)


@pytest.mark.usefixtures("here")
def test_markdown() -> None:
    golden(FOLDER / "show-flows.md", invoke("flows", "--markdown").output)
    golden(
        FOLDER / "show-flows-compute1.md",
        invoke("flows", "--markdown", "--node", "compute1", "--network", "overlay").output,
    )


@pytest.mark.usefixtures("here")
def test_the_document_has_every_flow_once() -> None:
    """Its rows, with the nodes of both ends multiplied out, are the flows: as many, and the same."""
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in invoke("flows", "--markdown").output.partition("## Exceptions")[0].splitlines()
        if line.startswith("| ") and not line.startswith("| client |")
    ]
    said = []
    for client, _, server, *_ in rows:
        whom = server.partition(" @ ")[2].split(", ")
        own = client.endswith(", same node")
        from_where = client.partition(" @ ")[2].split(", ")
        who = client.removesuffix(", same node").partition(" @ ")[0].partition(" (")[0]
        what = server.partition(" @ ")[0].partition(" (")[0]
        for node in whom:
            for caller in [node] if own else from_where:
                said.append(f"{who} @ {caller} > {what} @ {node}".replace(" @  >", " >").removesuffix(" @ "))
    assert sorted(said) == sorted(flows())


def test_the_page_of_rules_is_what_they_say() -> None:
    golden(PAGE, invoke("rules", "--markdown").output)


def test_one_rule() -> None:
    assert [rule["id"] for rule in json.loads(invoke("rules", "--json", "vlan-once", "never-on-control").output)] == [
        "vlan-once",
        "never-on-control",
    ]
    assert invoke("rules", "vlan-once").output.count("forbids") == 1


def test_hosts_that_are_no_hardware_are_warned_of(here: Path) -> None:
    said = CliRunner().invoke(wallcloud, ["check"])
    assert said.exit_code == 0 and ": fine (" in said.output and "warning" not in said.output
    (here / ".wallcloud/facts").mkdir(parents=True, mode=0o700)
    for node, where in {"control": "kvm", "network": "kvm", "compute1": "systemd-nspawn", "compute2": "none"}.items():
        (here / f".wallcloud/facts/{node}.json").write_text(json.dumps({"virtualization": where}))
    said = CliRunner().invoke(wallcloud, ["check"])
    assert said.exit_code == 0 and "1 warning" in said.output
    golden(FOLDER / "check-virtual.txt", said.output.partition("\nsite.yaml: fine")[0] + "\n")


@pytest.mark.usefixtures("here")
def test_the_content_of_a_file() -> None:
    ran = invoke("files", "--node", "api", "/etc/hostname")
    assert ran.output == "── /etc/hostname on api\napi\n"
    ran = invoke("files", "/etc/hosts")
    assert ran.output.startswith("── /etc/hosts on control, api\n127.0.0.1 localhost\n")
    ran = invoke("files", "/etc/wallcloud/tls/ca.pem")
    assert "«secret site-ca»" in ran.output


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("flows", "--node", "contrl"), "the site has no node named contrl\n  hint: did you mean control?\n"),
        (("files", "--node", "zzz"), "no node named zzz\n  hint: it has: control, api, network, compute1, compute2\n"),
        (("flows", "--network", "managment"), "no network named managment\n  hint: did you mean management?\n"),
        (("flows", "--from", "tenant"), "no node or component named tenant\n  hint: did you mean tenants?\n"),
        (("flows", "--to", "nova-api@contrl"), "no node named contrl\n  hint: did you mean control?\n"),
        (("flows", "--to", "nova-ap@control"), "no component named nova-ap\n  hint: did you mean nova-api?\n"),
        (("flows", "--to", "fd00::1"), "fd00::1: flows are IPv4\n  hint: like 198.18.1.7 or 198.18.1.0/24\n"),
        (("flows", "--port", "https"), "https is no port\n  hint: like 443, udp/123, udp or icmp\n"),
        (("flows", "--port", "70000"), "70000 is no port\n  hint: like 443, udp/123, udp or icmp\n"),
        (("rules", "vlan-onc"), "Wallcloud has no rule named vlan-onc\n  hint: did you mean vlan-once?\n"),
        (("flows", "--component", "chrny"), "no component named chrny\n  hint: did you mean chrony?\n"),
        (("files", "/etc/host"), "the site has no file named /etc/host\n  hint: did you mean /etc/hosts?\n"),
        (
            ("files", "firewall"),
            "no file named firewall\n  hint: it has: /etc/wallcloud/firewall-least.nft, /etc/wallcloud/firewall.nft\n",
        ),
        (
            ("flows", "--from", "office"),
            "admins, tenants, time servers, basics, chrony, firewall, glance, guest-links, "
            "identity, keystone, keystone-cache, libvirt, management-door, mariadb, memcached and 23 more\n",
        ),
    ],
)
def test_what_is_not_there(words: tuple[str, ...], told: str) -> None:
    ran = invoke(*words)
    assert ran.exit_code == 2
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.endswith(told)


def test_known_facts_are_shown(here: Path) -> None:
    (here / ".wallcloud/facts").mkdir(parents=True, mode=0o700)
    (here / ".wallcloud/facts/control.json").write_text('{"cores": 11}')
    assert "one per core (11), 2 to 16" in invoke("limits").output


# -- tables


def plain(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], limit: int | None) -> str:
    return click.unstyle(table(columns, rows, limit))


def test_tables() -> None:
    rows = [("a", "1", "x y"), ("bbb", "22", "")]
    assert plain(("name", "n", "what"), rows, None) == "name  n   what\na     1   x y\nbbb   22"


def test_the_last_column_is_wrapped_below_itself() -> None:
    rows = [("a", "one two three four five six seven")]
    assert plain(("n", "w"), rows, 28) == "n  w\na  one two three four five\n   six seven"


def test_or_below_the_line_where_there_is_no_room() -> None:
    assert hang("x" * 20 + "  ", "one two three four", 30) == ["x" * 20 + "  ", "    one two three four"]
    assert hang("x" * 20 + "  ", "short", 30) == ["x" * 20 + "  short"]


def test_words_are_never_broken() -> None:
    assert hang("", "/a/very/long/path/of/a/file that", 26) == ["/a/very/long/path/of/a/file", "that"]
