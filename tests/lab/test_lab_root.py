"""A real lab of two machines: made, used, hurt and removed. Needs root; some tens of seconds with a warm base root.

The tests build on one lab and run in this order; each leaves it up.
"""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from wallcloud.errors import WallcloudError
from wallcloud.lab import guard, kernel, processes
from wallcloud.lab.lab import Lab
from wallcloud.lab.reach import FOLDER
from wallcloud.progress import Silent
from wallcloud.site.load import load_text

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

SITE = """\
wallcloud: 1
name: t1
release: "2026.2"
domain: cloud.example
admin_prefixes: [198.19.201.0/24]
time: {servers: [198.19.210.1]}
networks:
  management: {kind: management, cidr: 198.19.210.0/24, gateway: 198.19.210.1}
  public: {kind: public, cidr: 198.19.230.0/24, gateway: 198.19.230.1}
  overlay: {kind: overlay, cidr: 198.19.220.0/24, mtu: 1550}
nodes:
  control: {roles: [control], interfaces: {management: eth0}}
  api: {roles: [api, compute], interfaces: {management: eth0, public: eth1, overlay: eth2}}
"""
INSIDE = "198.19.210.11"
OURS = re.compile(r"198\.19\.2(01|10|20|30)\.")


@dataclass
class Host:
    """What a lab might leave on the host."""

    routes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)
    mounts: list[str] = field(default_factory=list)
    cgroups: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    members: list[int] = field(default_factory=list)


def output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def host() -> Host:
    """Only of this lab where several may exist side by side: others' labs come and go meanwhile."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return Host(
        routes=[line for line in output("ip", "route", "show", "table", "all").splitlines() if OURS.search(line)],
        links=sorted(link["ifname"] for link in json.loads(output("ip", "-j", "link"))),
        namespaces=list(kernel.namespaces("t1")),
        mounts=[point for point in mounts if "wc-t1" in point or "/lab/t1" in point],
        cgroups=[str(path) for path in kernel.cgroups("wc-t1.")],
        files=[str(path) for path in (FOLDER / "t1", *kernel.propagated("wc-t1.")) if path.exists()],
        members=[each.pid for each in processes.members("t1")],
    )


def make(folder: Path, text: str = SITE) -> Lab:
    return Lab.of(load_text(text.encode(), folder / "site.yaml"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def before() -> Host:
    assert not kernel.namespaces("t1"), "a lab t1 is left over: remove it first"
    return host()


@pytest.fixture(scope="module")
def new_links(before: Host) -> Iterator[Path]:
    """Records every interface that appears on the host while the tests run, even for a moment."""
    with subprocess.Popen(("ip", "-o", "monitor", "link"), stdout=subprocess.PIPE, text=True) as monitor:
        # It says nothing when it is ready: it is once it hears of an interface that we make.
        probe = ("ip", "link", "add", "wc-probe", "type", "veth", "peer", "name", "wc-probe2")
        subprocess.run(probe, check=True)
        subprocess.run(("ip", "link", "del", "wc-probe"), check=True)
        assert monitor.stdout is not None
        while "Deleted" not in (line := monitor.stdout.readline()) or "wc-probe:" not in line.replace("@", ":"):
            assert line
        file = Path(f"/run/wc-t1-links.{os.getpid()}")
        with file.open("w") as record, subprocess.Popen(("cat",), stdin=monitor.stdout, stdout=record):
            yield file
            monitor.terminate()
    file.unlink()


@pytest.fixture(scope="module")
def lab(folder: Path, before: Host, new_links: Path) -> Iterator[Lab]:
    made = make(folder)
    try:
        made.up(Silent())
        yield made
    finally:
        made.down(Silent())


def on(lab: Lab, place: str, code: str) -> str:
    """Runs Python at a place; returns what it prints."""
    ran = subprocess.run(
        lab.command(place, ("/usr/bin/python3", "-c", code)), capture_output=True, text=True, check=False
    )
    return ran.stdout.strip() or ran.stderr.strip()


def connect(address: str, port: int) -> str:
    return f"import socket; print(socket.create_connection(('{address}', {port}), 3).recv(4).decode())"


def ssh(lab: Lab, node: str, command: str) -> str:
    ran = subprocess.run(lab.ssh(node, ("sh", "-c", command)), capture_output=True, text=True, check=False, timeout=30)
    return ran.stdout.strip() or ran.stderr.strip()


def pids(lab: Lab) -> dict[str, int | None]:
    return {each.name: each.pid for each in lab.status().machines}


def test_machines_are_booted_and_bear_what_an_installer_would_give_them(lab: Lab) -> None:
    found = lab.status()
    assert [(each.name, each.state) for each in found.machines] == [("control", "running"), ("api", "running")]
    assert found.up
    assert ssh(lab, "control", "hostname; cat /etc/hostname; wc -c </etc/machine-id") == "control\ncontrol\n33"
    assert ssh(lab, "api", "cat /etc/machine-id") != ssh(lab, "control", "cat /etc/machine-id")
    links = json.loads(ssh(lab, "api", "ip -j address"))
    told = {link["ifname"]: [each["local"] for each in link["addr_info"] if each["family"] == "inet"] for link in links}
    assert told == {"lo": ["127.0.0.1"], "eth0": ["198.19.210.12"], "eth1": [], "eth2": []}
    assert {link["ifname"] for link in links if "UP" in link["flags"]} == {"lo", "eth0"}
    routes = ssh(lab, "api", "ip route show default; ip route show 198.19.201.0/24")
    assert routes == "198.19.201.0/24 via 198.19.210.1 dev eth0"
    assert ssh(lab, "api", "echo $SSH_CONNECTION").split()[0] == "198.19.201.10", "as an admin"


def test_the_base_root_has_nothing_of_the_host_or_of_wallcloud(lab: Lab) -> None:
    base = Path(lab.box("api").paths.base.read_text().strip())
    assert (base / "etc/machine-id").read_text() == ""
    assert (base / "usr/sbin/sshd").is_file() and not list(base.glob("etc/ssh/ssh_host_*"))
    for name in ("etc/hostname", "etc/resolv.conf", "etc/apt/sources.list", "usr/bin/mariadb", "usr/sbin/nft"):
        assert not (base / name).exists(), name
    for pattern in (
        "etc/apt/sources.list.d/*",
        "var/lib/apt/lists/*_*",
        "var/cache/apt/archives/*.deb",
        "usr/share/man/*/*",
    ):
        assert not list(base.glob(pattern)), pattern
    assert base.stat().st_mode & 0o777 == 0o755
    assert ssh(lab, "api", "systemctl is-enabled apt-daily.timer ssh.service ssh.socket") == "masked\nenabled\ndisabled"
    soft, hard = ssh(lab, "api", "ulimit -n; ulimit -Hn").split()
    # This process may be without CAP_SYS_RESOURCE: then it cannot give more than it has.
    assert soft == "1024" and int(hard) >= min(524288, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def test_cgroups_inside_are_those_of_a_real_host(lab: Lab) -> None:
    told = ssh(
        lab, "control", "stat -f -c %T /sys/fs/cgroup; systemd-run -q --wait -p DynamicUser=yes true && echo ran"
    )
    assert told == "cgroup2fs\nran"


def test_a_machine_can_make_namespaces_and_taps_but_not_reach_the_host(lab: Lab) -> None:
    told = ssh(
        lab,
        "api",
        "ip netns add q && ip netns exec q ip link add v0 type veth peer name v1 && ip netns del q && echo yes",
    )
    assert told == "yes"
    assert ssh(lab, "api", "ip tuntap add tap9 mode tap && ip link del tap9 && echo yes") == "yes"
    bounding = int(ssh(lab, "control", "sed -n 's/^CapBnd:\\s*//p' /proc/1/status"), 16)
    shells = int(ssh(lab, "control", "sed -n 's/^CapBnd:\\s*//p' /proc/self/status"), 16)
    ran = subprocess.run(
        lab.console("control", ("cat", "/proc/self/status")), capture_output=True, text=True, check=True
    )
    straight = int(next(line for line in ran.stdout.splitlines() if line.startswith("CapBnd")).split()[1], 16)
    for capability, number in {"SYS_MODULE": 16, "SYS_RAWIO": 17, "SYS_TIME": 25}.items():
        assert not (bounding | shells | straight) >> number & 1, capability
    assert "Read-only" in ssh(lab, "control", "echo 1 >/proc/sys/vm/swappiness")
    assert ssh(lab, "control", "echo 1 >/proc/sys/net/ipv4/ip_forward && echo yes") == "yes"


def test_host_keys_are_verified(lab: Lab) -> None:
    known = lab.door.known_hosts
    right = known.read_text()
    one, other = (line.split(" ", 1) for line in right.splitlines())
    known.write_text(f"{one[0]} {other[1]}\n{other[0]} {one[1]}\n")
    try:
        assert "Host key verification failed" in ssh(lab, "control", "true")
    finally:
        known.write_text(right)
    assert ssh(lab, "control", "echo in") == "in"


def test_the_status_of_what_runs_is_passed_on(lab: Lab) -> None:
    assert subprocess.run(lab.ssh("control", ("sh", "-c", "exit 7")), check=False).returncode == 7
    assert subprocess.run(lab.command("office", ("sh", "-c", "exit 7")), check=False).returncode == 7
    assert subprocess.run(lab.console("control", ("sh", "-c", "exit 7")), check=False).returncode == 7


def test_places_have_names_of_their_own(lab: Lab) -> None:
    name = "import socket; print(socket.gethostbyname('{}'))"
    assert on(lab, "office", name.format("cloud.example")) == "198.19.230.11"
    assert on(lab, "admin", name.format("control.internal.cloud.example")) == INSIDE
    assert "gaierror" in on(lab, "office", name.format("control.internal.cloud.example"))
    assert "cloud.example" not in Path("/etc/hosts").read_text()


def test_admins_reach_management_and_the_router_serves_time(lab: Lab) -> None:
    assert on(lab, "admin", connect(INSIDE, 22)) == "SSH-"
    # An NTP client's question (RFC 5905): the answer's mode is 4, its stratum that of a server.
    ask = (
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(5);"
        "s.sendto(b'\\x23' + bytes(47), ('198.19.210.1', 123)); d = s.recv(90); print(d[0] & 7, d[1])"
    )
    assert ssh(lab, "control", f'python3 -c "{ask}"').split() == ["4", "10"]


def test_machines_reach_each_other_over_a_wire_with_its_mtu(lab: Lab) -> None:
    ssh(lab, "api", "ip link set eth2 mtu 1550 up; ip address add 198.19.220.12/24 dev eth2")
    wires = kernel.links("wc-t1-wires")
    assert (wires["overlay"]["mtu"], wires["api.eth2"]["mtu"], wires["api.eth2"]["master"]) == (1550, 1550, "overlay")
    assert ssh(lab, "control", f'python3 -c "{connect("198.19.210.12", 22)}"') == "SSH-"


def test_hostile_routes_lead_into_every_prefix_through_every_node(lab: Lab) -> None:
    """The overlay is reached through each node, once that forwards: no wall is up in this lab."""
    ssh(lab, "api", "ip link set eth2 mtu 1550 up; ip address replace 198.19.220.12/24 dev eth2")
    ssh(lab, "api", "ip route replace 198.18.2.0/24 via 198.19.210.1")
    ssh(lab, "control", "echo 1 >/proc/sys/net/ipv4/ip_forward; ip route replace 198.19.220.0/24 via 198.19.210.12")
    ways = {way.node: way.mark for way in lab.wiring.place("router").ways if way.network == "management"}
    assert set(ways) == {"control", "api"}

    def through(node: str) -> str:
        mark = f"import socket; s = socket.socket(); s.settimeout(3); s.setsockopt(1, 36, {ways[node]});"
        return on(lab, "router", f"{mark} s.connect(('198.19.220.12', 22)); print(s.recv(4).decode())")

    assert through("control") == through("api") == "SSH-"
    # Who marks nothing goes by the first of the fallbacks: the office comes through control, too.
    assert on(lab, "office", connect("198.19.220.12", 22)) == "SSH-"
    ssh(lab, "control", "echo 0 >/proc/sys/net/ipv4/ip_forward")
    assert "timed out" in on(lab, "office", connect("198.19.220.12", 22))
    assert "timed out" in through("control")
    assert through("api") == "SSH-"
    table = json.loads(output("ip", "-n", "wc-t1-router", "-j", "route", "show", "198.19.220.0/24"))
    assert [(route["gateway"], route["metric"]) for route in table] == [
        ("198.19.210.11", 100),
        ("198.19.210.12", 101),
        ("198.19.230.11", 102),
    ]


def test_nothing_leaks_between_host_and_lab(lab: Lab, before: Host) -> None:
    def way(address: str) -> str:
        ran = subprocess.run(("ip", "route", "get", address), capture_output=True, text=True, check=False)
        return ran.stdout or ran.stderr

    assert " dev " in way("203.0.113.1"), "this host has a default route, so that there is something to leak out of"
    for prefix in lab.wiring.prefixes:
        for number in (1, 11, prefix.num_addresses - 2):
            assert way(str(prefix.network_address + number)) == "RTNETLINK answers: No route to host\n"
    with socket.socket() as probe, pytest.raises(OSError, match="No route to host"):
        probe.connect((INSIDE, 22))
    assert host().links == before.links
    assert "Network is unreachable" in on(lab, "office", connect("192.0.2.1", 80))
    assert "nreachable" in ssh(lab, "control", "ip route get 192.0.2.1 2>&1")


def test_another_up_leaves_everything_alone(lab: Lab) -> None:
    machines, namespaces = pids(lab), {name: kernel.inode(name) for name in kernel.namespaces("t1")}
    members = {each.pid for each in processes.members("t1")}
    began = time.monotonic()
    lab.up(Silent())
    assert time.monotonic() - began < 5
    assert pids(lab) == machines
    assert {name: kernel.inode(name) for name in kernel.namespaces("t1")} == namespaces
    assert {each.pid for each in processes.members("t1")} == members


def test_a_reboot_comes_back_with_its_wires_and_its_disk_but_nothing_else(lab: Lab) -> None:
    ssh(lab, "api", "echo kept >/root/kept; ip link set eth1 up; ip address add 198.19.230.11/24 dev eth1")
    old = processes.machine("t1", "api", processes.processes())
    box = lab.box("api")
    with box.listen() as hearing:
        ssh(lab, "api", "systemctl reboot")
        assert processes.gone(old.leader, 20)
        assert hearing.ready.wait(20)
    new = processes.machine("t1", "api", processes.processes())
    assert new.keeper == old.keeper
    assert new.leader is not None and new.leader != old.leader
    assert ssh(lab, "api", "cat /root/kept; ip -4 address show eth1; cat /sys/class/net/eth1/flags") == "kept\n0x1002"
    assert ssh(lab, "control", f'python3 -c "{connect("198.19.210.12", 22)}"') == "SSH-"


@pytest.mark.parametrize("victim", ["leader", "manager", "keeper"])
def test_a_killed_machine_is_started_again_with_its_disk_and_the_other_left_alone(lab: Lab, victim: str) -> None:
    machines = pids(lab)
    ssh(lab, "control", f"echo {victim} >/root/kept")
    found = processes.machine("t1", "control", processes.processes())
    process = getattr(found, victim)
    os.kill(process.pid, signal.SIGKILL)
    assert processes.gone(process, 5)
    lab.up(Silent())
    assert pids(lab)["api"] == machines["api"]
    assert pids(lab)["control"] not in (None, machines["control"])
    assert ssh(lab, "control", "cat /root/kept") == victim


@pytest.mark.parametrize("how", ["kill", "poweroff"])
def test_a_machine_without_power_is_silent_and_its_journal_readable(lab: Lab, how: str) -> None:
    ssh(lab, "control", "mkdir -p /var/log/journal && journalctl --flush && logger last-words && journalctl --sync")
    if how == "kill":
        lab.kill("control", Silent())
    else:
        keeper = processes.machine("t1", "control", processes.processes()).keeper
        ssh(lab, "control", "systemctl poweroff")
        assert processes.gone(keeper, 20)
    states = {each.name: each.state for each in lab.status().machines}
    assert states == {"control": "off", "api": "running"}
    assert "control.eth0" not in kernel.links("wc-t1-wires")
    told = on(lab, "admin", connect(INSIDE, 22))
    assert "No route to host" in told or "timed out" in told
    ran = subprocess.run(lab.logs("control", ("--no-pager",)), capture_output=True, text=True, check=True)
    assert "last-words" in ran.stdout
    lab.start("control", Silent())
    assert ssh(lab, "control", "echo on") == "on"


def cards(place: str) -> dict[str, str]:
    """Interface → hardware address of the router or a workstation."""
    return {name: link["address"] for name, link in kernel.links(f"wc-t1-{place}").items()}


def test_machines_that_the_site_has_no_more_go_and_others_stay(lab: Lab, folder: Path) -> None:
    machines = pids(lab)
    known = {place: cards(place) for place in ("router", "office", "admin")}
    more = make(folder, SITE + "  extra: {roles: [compute], interfaces: {management: eth0, overlay: eth1}}\n")
    more.up(Silent())
    assert pids(more)["extra"] is not None
    # Made afresh with what it knows of the new node, and found by its neighbours where it was.
    assert {place: cards(place) for place in known} == known
    lab.up(Silent())
    assert "wc-t1-node-extra" not in kernel.namespaces("t1")
    assert not (lab.folder / "extra").exists()
    assert pids(lab) == machines


def test_a_host_that_uses_a_prefix_is_refused(lab: Lab, folder: Path) -> None:
    away = SITE.replace("name: t1", "name: t2")
    output("ip", "route", "add", "blackhole", "198.19.220.128/25")
    try:
        with pytest.raises(WallcloudError) as caught:
            make(folder / "t2", away).up(Silent())
    finally:
        output("ip", "route", "del", "blackhole", "198.19.220.128/25")
        make(folder / "t2", away).down(Silent())
    assert "198.19.220.0/24 overlaps route 198.19.220.128/25 blackhole" in str(caught.value)
    assert kernel.namespaces("t2") == ()


KILLED_UP = """
import os, signal, sys
from pathlib import Path
from wallcloud.lab import disk, guard, kernel, machine, network
from wallcloud.lab.lab import Lab
from wallcloud.progress import Silent
from wallcloud.site.load import load

left = int(sys.argv[2])
run, wait = kernel.run, machine.Box.wait_booted

def counted(argv, *rest, **more):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return run(argv, *rest, **more)

def booted(*arguments):
    wait(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

for module in (kernel, guard):
    module.run = counted
machine.Box.wait_booted = booted
Lab.of(load(Path(sys.argv[1]))).up(Silent())
"""


@pytest.mark.parametrize("commands", [1, 4, 8, 12, 17, 23, 10_000])
def test_an_up_killed_at_any_moment_is_finished_by_the_next(lab: Lab, folder: Path, commands: int) -> None:
    """Killed before its nth command, and (the last) when the first machine is booted."""
    lab.down(Silent())
    (folder / "site.yaml").write_text(SITE)
    argv = (sys.executable, "-c", KILLED_UP, str(folder / "site.yaml"), str(commands))
    assert subprocess.run(argv, check=False, timeout=60).returncode == -signal.SIGKILL
    lab.up(Silent())
    assert lab.status().up
    assert ssh(lab, "api", "echo in") == "in"


def test_down_leaves_nothing_also_without_the_state_folder(
    lab: Lab, folder: Path, before: Host, new_links: Path
) -> None:
    during = host()
    assert len(during.namespaces) == 6 and during.members and during.routes, "it can see what it looks for"
    assert set(guard.ours(lab.wiring.metric)) == set(lab.wiring.prefixes)
    for path in sorted(lab.door.folder.iterdir()):
        path.unlink()
    with subprocess.Popen(lab.command("office", ("sleep", "600"))) as user:
        lab.down(Silent())
        assert user.wait(5) == -signal.SIGKILL
    assert host() == before
    assert not lab.door.folder.exists()
    assert new_links.read_text() == ""
    lab.down(Silent())  # nothing to do is fine
