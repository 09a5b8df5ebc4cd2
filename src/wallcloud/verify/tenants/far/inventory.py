"""What a node holds, as sorted lines by kind, without what moves by itself (cookies, counters, sizes, times)."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

_NETNS = Path("/run/netns")
_PROGRAMS = ("dnsmasq", "haproxy", "keepalived", "radvd", "qemu", "neutron-keepali")
_FILES = (
    *("/var/lib/nova", "/var/lib/neutron", "/var/lib/libvirt", "/var/lib/wallcloud*", "/etc/libvirt"),
    *("/run/libvirt/qemu", "/run/openvswitch", "/run/neutron", "/run/wallcloud*"),
)
_NOT_FILES = re.compile(
    r"/_base/"  # nova's cache of images: bounded by the site's own, kept on purpose
    r"|/instances/compute_nodes$"  # who shares the folder: written when the cache is looked after, 40 min after a start
    r"|/locks?/|/neutron-iptables-"  # locks: empty, one for each namespace that ever was, gone with the agent's restart
    r"|/wallcloud-mariadb/|/wallcloud-rabbitmq/"  # their rows and queues are looked at themselves
    r"|/qmp-"  # libvirt asks QEMU what it can, now and then
    r"|\.(log|lock|tmp|pid|ctl|sock)(\.|$)"
)
_FIRST_PORT = re.compile(r"table=(72|82), priority=50,ct_state=\+inv\+trk ")
"""What the OVS firewall driver adds with the first port that it guards since its start: nothing of any one port."""
_MARIADB = ("mariadb", "--no-defaults", "--protocol=socket", "--socket=/run/mysqld/mysqld.sock", "--user=root")
_NOT_ROWS = frozenset(
    {
        # kept after an instance's end on purpose, so that operators can ask what happened to it
        *("nova.instance_actions", "nova.instance_actions_events"),
        # external ids of projects and users, which Placement never forgets
        *("placement.projects", "placement.users"),
        # one group for each project that ever had a VM, of Nova's own networks that are no more
        "nova.security_groups",
        # Nova's numbers of images: one for each that was ever used
        "nova.s3_images",
        # claims on a quota of requests in hand; those of one that was killed expire after two minutes
        *("neutron.reservations", "neutron.resourcedeltas"),
        # Keystone's list of what it no longer believes; expires
        "keystone.revocation_event",
    }
)
_LIVE = "queued_for_delete = 0"
_KEPT_ROWS = {
    "nova_api.instance_mappings": _LIVE,
    # An external network gets a DHCP agent when it is used for the first time, and keeps it (Neutron's scheduler).
    "neutron.networkdhcpagentbindings": "network_id NOT IN (SELECT network_id FROM neutron.externalnetworks)",
    "nova_api.request_specs": f"instance_uuid IN (SELECT instance_uuid FROM nova_api.instance_mappings WHERE {_LIVE})",  # noqa: S608
}
"""What marks rows as alive where no column `deleted` does; `nova-manage db archive_deleted_rows` takes the others."""
_QUEUES = """try [<<V/binary, " ", N/binary>> || {resource, V, queue, N} <- rabbit_amqqueue:list_names()] of
Result -> io:put_chars(base64:encode(rabbit_json:encode(Result)))
catch Class:Reason -> io:put_chars(["error ", io_lib:format("~tp:~tp", [Class, Reason])]) end.
"""
_ERL_CALL = ("erl_call", "-address", "127.0.0.1:25672", "-fetch_stdout", "-no_result_term", "-e")


def _run(*argv: str, given: str | None = None, home: str | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **({"HOME": home} if home else {})}
    done = subprocess.run(argv, input=given, capture_output=True, text=True, check=False, timeout=60, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {last}")
    return done.stdout


def namespaces() -> Iterator[str]:
    """Network namespaces with a name."""
    yield from (path.name for path in _NETNS.iterdir()) if _NETNS.is_dir() else ()


def devices() -> Iterator[str]:
    """Network devices of the node itself."""
    yield from (path.name for path in Path("/sys/class/net").iterdir())


def bridges() -> list[str]:
    """Open vSwitch's bridges."""
    return _run("ovs-vsctl", "list-br").split()


def ports() -> Iterator[str]:
    """Ports of Open vSwitch."""
    for bridge in bridges():
        for port in _run("ovs-vsctl", "list-ports", bridge).split():
            yield f"{bridge} {port}"


def flows() -> Iterator[str]:
    """OpenFlow rules. What a switch learned by itself (it expires) is no rule."""
    for bridge in bridges():
        told = _run(
            "ovs-ofctl", "-O", "OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15", "--no-stats", "dump-flows", bridge
        )
        for line in told.splitlines():
            rule = re.sub(r"cookie=0x[0-9a-f]+,?\s*", "", line).strip()
            if "hard_timeout=" not in rule and "idle_timeout=" not in rule and not _FIRST_PORT.search(rule):
                yield f"{bridge} {rule}"


def rules() -> Iterator[str]:
    """nft's rules (iptables' are among them), of the node and of every namespace."""
    for place in (None, *namespaces()):
        prefix = ("ip", "netns", "exec", place) if place else ()
        for line in _run(*prefix, "nft", "--stateless", "list", "ruleset").splitlines():
            yield f"{place or 'node'}: {re.sub(r'counter packets [0-9]+ bytes [0-9]+', 'counter', line.strip())}"


def domains() -> Iterator[str]:
    """libvirt's guests, running or not."""
    yield from _run("virsh", "-c", "qemu:///system", "list", "--all", "--name").split()


def programs() -> Iterator[str]:
    """Helpers that the agents start, with their command lines."""
    for status in Path("/proc").glob("[0-9]*/comm"):
        try:
            name = status.read_text(encoding="utf-8").strip()
            if name.startswith(_PROGRAMS):
                yield (status.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip())
        except OSError:
            continue  # it ended between the two looks


def files() -> Iterator[str]:
    """Files of the components: names only, since contents follow from rows and rules."""
    for pattern in _FILES:
        for root in Path("/").glob(pattern.removeprefix("/")):
            for folder, _, names in os.walk(root):
                for name in names:
                    path = f"{folder}/{name}"
                    if not _NOT_FILES.search(path):
                        yield path


def queues() -> Iterator[str]:
    """Queues of the bus, by virtual host."""
    told = _run(*_ERL_CALL, given=_QUEUES, home="/var/lib/wallcloud-rabbitmq")
    if told.startswith("error "):
        raise RuntimeError(told)
    # The rest of such a name is drawn anew by each start of a daemon, and the broker drops the old one in its own time.
    names = (re.sub(r"(reply|_fanout)_[0-9a-f]{32}$", r"\1_*", name) for name in json.loads(base64.b64decode(told)))
    yield from set(names)


def rows() -> Iterator[str]:
    """Rows of every table that are not marked as deleted: `database.table number`."""
    client = (*_MARIADB, "--skip-ssl", "--batch", "--skip-column-names")
    told = _run(
        *client,
        given="SELECT t.TABLE_SCHEMA, t.TABLE_NAME, MAX(c.COLUMN_NAME = 'deleted') FROM information_schema.TABLES t"
        " JOIN information_schema.COLUMNS c USING (TABLE_SCHEMA, TABLE_NAME) WHERE t.TABLE_TYPE = 'BASE TABLE' AND"
        " TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') GROUP BY 1, 2;",
    )
    asked = []
    for line in told.splitlines():
        database, table, marked = line.split("\t")
        name = f"{database}.{table}"
        if name not in _NOT_ROWS:
            where = _KEPT_ROWS.get(name) or ("CAST(deleted AS CHAR) IN ('0', '')" if marked == "1" else "1")
            asked.append(f"SELECT '{name}', COUNT(*) FROM `{database}`.`{table}` WHERE {where};")  # noqa: S608
    yield from (line.replace("\t", " ") for line in _run(*client, given="\n".join(asked)).splitlines())


KINDS: dict[str, Callable[[], Iterator[str]]] = {
    each.__name__: each for each in (namespaces, devices, ports, flows, rules, domains, programs, files, queues, rows)
}


def inventory(kinds: list[str]) -> dict[str, list[str]]:
    """Sorted lines of each kind asked for. Raises RuntimeError with what a program of the node said."""
    return {kind: sorted(KINDS[kind]()) for kind in kinds}
