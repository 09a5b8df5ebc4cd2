"""Parts of the lab that need no root: the host's routes, namespaces' owners, keeper, ssh, daemon, base root sources."""

import os
import socket
import subprocess
import sys
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import pytest

from wallcloud.build import root, tools
from wallcloud.errors import WallcloudError
from wallcloud.lab import connect, daemon, guard, kernel, processes
from wallcloud.lab.guard import HostRoute, collisions
from wallcloud.lab.keeper import DROPPED, Paths, nspawn, quote_overlay, script
from wallcloud.lab.layout import wiring
from wallcloud.lab.ssh import Door
from wallcloud.lab.timeserver import configuration
from wallcloud.lab.wiring import Machine, Wiring
from wallcloud.progress import Silent
from wallcloud.site.addresses import plan
from wallcloud.site.load import load_text

SITE = b"""\
wallcloud: 1
name: small
release: "2026.2"
domain: cloud.example
admin_prefixes: [198.18.1.0/24]
time: {servers: [198.18.10.1]}
networks:
  management: {kind: management, cidr: 198.18.10.0/24, gateway: 198.18.10.1}
  overlay: {kind: overlay, cidr: 198.18.20.0/24, mtu: 1550}
nodes:
  control: {roles: [control], interfaces: {management: eth0}}
  compute: {roles: [network, compute], interfaces: {management: eth0, overlay: eth1}}
"""


def small() -> Wiring:
    site = load_text(SITE, Path("site.yaml")).site
    return wiring(site, plan(site))


def test_collisions_name_both_sides() -> None:
    host = (HostRoute(ip_network("198.18.0.0/16"), "route 198.18.0.0/16 dev vpn0"),)
    assert collisions([ip_network("198.18.10.0/24")], host) == ("198.18.10.0/24 overlaps route 198.18.0.0/16 dev vpn0",)
    assert collisions([ip_network("198.19.10.0/24"), ip_network("fd00::/64")], host) == ()


def test_a_host_that_uses_a_prefix_is_refused_and_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...]) -> str:
        ran.append(argv)
        return "[]"

    uses = HostRoute(ip_network("198.18.10.0/24"), "address 198.18.10.7/24 on eth0")
    monkeypatch.setattr(guard, "run", run)
    monkeypatch.setattr(guard, "host_routes", lambda: (uses,))
    with pytest.raises(WallcloudError) as caught:
        guard.raise_wall([ip_network("198.18.10.0/24")], 1)
    assert str(caught.value) == (
        "this computer itself uses addresses of the lab: 198.18.10.0/24 overlaps address 198.18.10.7/24 on eth0"
    )
    assert ran == []


def test_default_routes_and_other_labs_are_no_collision(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "address": '[{"ifname":"eth0","addr_info":[{"local":"10.0.0.2","prefixlen":24}]}]',
        "-4": '[{"dst":"default","dev":"eth0"},{"dst":"128.0.0.0/1","dev":"tun0"},'
        '{"type":"unreachable","dst":"198.18.10.0/24","protocol":"87"},{"dst":"198.18.20.0/24","dev":"br0"}]',
        "-6": '[{"dst":"ff00::/8","dev":"eth0"}]',
    }
    monkeypatch.setattr(guard, "run", lambda argv: next(text for key, text in answers.items() if key in argv))
    assert [str(route.prefix) for route in guard.host_routes()] == ["10.0.0.0/24", "198.18.20.0/24"]


def test_labs_with_similar_names_own_their_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "NETNS", tmp_path)
    for name in ("wc-art-wires", "wc-art-node-a", "wc-art-node-wires", "wc-art-node-node-b", "wc-article-wires", "eth"):
        (tmp_path / name).touch()
    assert kernel.namespaces("art") == ("wc-art-node-a", "wc-art-wires")
    assert kernel.namespaces("art-node") == ("wc-art-node-node-b", "wc-art-node-wires")
    assert kernel.namespaces("nobody") == ()
    assert kernel.inode("wc-art-wires") is None, "a name without a namespace"


def keeper_text(folder: Path, own_cgroup: bool = False) -> tuple[Machine, str]:
    machine = small().machine("compute")
    return machine, script("small", "wc-small-wires", machine, Paths(folder), Path("/cache/a:b,c"), own_cgroup)


def test_the_keeper_is_a_shell_script(tmp_path: Path) -> None:
    _, text = keeper_text(tmp_path)
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
    assert "lowerdir=/cache/a\\:b\\,c" in text
    assert quote_overlay(Path("/a\\b")) == "/a\\\\b"


@pytest.mark.parametrize(("statuses", "boots", "ends"), [([133, 133, 0], 3, 0), ([1], 1, 1), ([137], 1, 137)])
def test_the_keeper_boots_again_after_a_reboot_and_only_then(
    tmp_path: Path, statuses: list[int], boots: int, ends: int
) -> None:
    """With stand-ins for the programs it runs: `unshare` ends with one status after another."""
    _, text = keeper_text(tmp_path)
    (tmp_path / "statuses").write_text("".join(f"{status}\n" for status in statuses))
    programs = tmp_path / "bin"
    programs.mkdir()
    stubs = {
        "ip": f'echo "ip $*" >>{tmp_path}/ran',
        "nsenter": "",
        "unshare": f"echo boot >>{tmp_path}/ran; status=$(head -n1 {tmp_path}/statuses);"
        f" sed -i 1d {tmp_path}/statuses; exit $status",
    }
    for name, body in stubs.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    ran = subprocess.run(["sh", "-c", text], env={"PATH": f"{programs}:{os.environ['PATH']}"}, check=False)
    assert ran.returncode == ends
    lines = (tmp_path / "ran").read_text().splitlines()
    assert lines.count("boot") == boots
    assert lines.count("ip netns add wc-small-node-compute") == boots
    assert "-force" in lines[-1], "its plugs are pulled at the end"


def test_machines_cannot_reach_the_hosts_clock_or_modules() -> None:
    machine, _ = keeper_text(Path("/lab/compute"))
    argv = nspawn("small", machine, Paths(Path("/lab/compute")))
    dropped = next(word for word in argv if word.startswith("--drop-capability=")).partition("=")[2].split(",")
    assert {"CAP_SYS_TIME", "CAP_SYS_MODULE", "CAP_SYS_RAWIO"} <= set(dropped)
    assert len(dropped) == len(DROPPED)
    assert not any(word.startswith("--network") for word in argv)


def test_ssh_config_names_machines_keys_and_the_way(tmp_path: Path) -> None:
    door = Door(tmp_path / "with space" / "lab")
    door.folder.mkdir(parents=True)
    hosts = {
        "control": (IPv4Address("198.18.10.11"), "ssh-ed25519 AAAA", None),
        "api": (IPv4Address("198.18.10.12"), "ssh-ed25519 BBBB", "front"),
    }
    door.write(hosts, Path("/run/netns/wc-small-admin"), "root", 2222)
    assert door.known_hosts.read_text() == (
        "[control]:2222,[198.18.10.11]:2222 ssh-ed25519 AAAA\n"
        "[api]:2222,[198.18.10.12]:2222,[front]:2222 ssh-ed25519 BBBB\n"
    )
    for name in ("api", "198.18.10.12", "front"):
        ran = subprocess.run(
            ["ssh", "-G", "-F", str(door.config), name], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        told = dict(line.split(" ", 1) for line in ran if " " in line)
        assert told["hostname"] == "198.18.10.12"
        assert told["port"] == "2222"
        assert told["stricthostkeychecking"] == "true"
        assert told["proxyusefdpass"] == "yes"
        assert told["userknownhostsfile"] == str(door.known_hosts)
        assert told["identityfile"] == str(door.key)
        assert "wc-small-admin %h %p" in told["proxycommand"]


def test_the_key_pair_is_made_once_and_the_state_folder_is_private(tmp_path: Path) -> None:
    door = Door(tmp_path / "state" / "lab")
    key = door.public_key()
    assert key.startswith("ssh-ed25519 ")
    assert door.public_key() == key
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert door.key.stat().st_mode & 0o777 == 0o600


def test_connect_tells_that_the_lab_is_not_up(tmp_path: Path) -> None:
    argv = [sys.executable, "-I", "-S", connect.__file__, str(tmp_path / "wc-small-admin"), "198.18.10.11", "22"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == f"wallcloud: the lab is not up ({tmp_path}/wc-small-admin is missing): wallcloud lab up\n"


def test_connect_hands_over_a_connected_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "enter", lambda namespace: None)
    ours, ssh = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as server, ours, ssh:
        monkeypatch.setattr(sys, "argv", ["connect.py", "anywhere", "127.0.0.1", str(server.getsockname()[1])])
        kept = os.dup(1)
        os.dup2(ssh.fileno(), 1)
        try:
            assert connect.main() == 0
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        accepted, _ = server.accept()
        with accepted, socket.socket(fileno=descriptors[0]) as connection:
            accepted.sendall(b"SSH-2.0-here")
            assert connection.recv(20) == b"SSH-2.0-here"


def test_daemons_are_units_where_systemd_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(kernel, "systemd", lambda: True)
    monkeypatch.setattr(kernel, "run", lambda argv: ran.append(tuple(argv)))
    daemon.start("wc-small.control", ("/bin/sh", "keeper"), tmp_path / "log")
    assert "--unit=wc-small.control" in ran[0]
    assert "--property=Delegate=yes" in ran[0]
    assert ran[0][-3:] == ("--", "/bin/sh", "keeper")


def test_processes_are_told_apart_by_their_start() -> None:
    me = processes.read(os.getpid())
    assert me.parent == os.getppid()
    assert processes.alive(me)
    child = subprocess.Popen(["sleep", "60"])
    try:
        found = processes.read(child.pid)
        impostor = processes.Process(child.pid, found.parent, found.start - 1, found.net, found.inner_pid, found.argv)
        assert not processes.alive(impostor)
        processes.end([impostor])
        assert child.poll() is None, "a process that only has the same number is not touched"
        processes.end([found])
        assert child.wait(timeout=5) == -9
    finally:
        child.kill()
        child.wait()


def test_the_time_server_serves_management_only() -> None:
    text = configuration(small())
    assert "allow 198.18.10.0/24" in text.splitlines()
    assert "local stratum 10" in text.splitlines()
    assert "cmdport 0" in text.splitlines()


ONE_LINE = """\
# deb http://mirror.example/debian suite main
deb [arch=amd64  signed-by=/k.gpg] http://mirror.example/debian suite main contrib # ours
deb http://mirror.example/security suite-security main
deb-src http://mirror.example/debian suite main
deb http://vendor.example/apt vendor-suite main
"""
DEB822 = """\
Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
Suites: suite suite-updates suite-backports
Components: main
 contrib
Signed-By: /k.gpg

Types: deb
URIs: http://vendor.example/apt
Suites: stable
Components: main

Enabled: no
Types: deb
URIs: http://mirror.example/security
Suites: suite-security
Components: main
"""


def test_sources_of_the_distribution_are_taken_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("")
    (tmp_path / "sources.list.d/one.list").write_text(ONE_LINE)
    (tmp_path / "sources.list.d/two.sources").write_text(DEB822)
    assert root.debian_sources("suite", tmp_path).splitlines() == [
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian suite main contrib",
        "deb http://mirror.example/security suite-security main",
        "deb [signed-by=/k.gpg] http://mirror.example/debian suite main contrib",
        "deb [signed-by=/k.gpg] http://mirror.example/debian suite-updates main contrib",
    ]


def test_a_plain_sources_list_is_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://mirror.example/debian suite main\n")
    assert root.debian_sources("suite", tmp_path) == "deb http://mirror.example/debian suite main\n"


def test_no_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WallcloudError) as caught:
        root.debian_sources("suite", tmp_path)
    assert str(caught.value) == "apt on this host has no source of Debian suite"


def test_missing_programs_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_PATH", "/nonexistent")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(WallcloudError) as caught:
        tools.prerequisites(("ip", "systemd-nspawn"), Silent())
    assert str(caught.value) == "this computer lacks ip, systemd-nspawn"
    assert caught.value.hint == "as root: apt-get install iproute2 systemd-container"
