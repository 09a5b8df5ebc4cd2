"""A machine's keeper: a shell script that wires, boots, and boots again after a reboot. One process per machine.

It is a script and not Python so that it takes a megabyte. Each round is a power-on: the namespace is made afresh with
its NICs, so that no address, rule or device outlives a reboot, as on real hardware. (The address is the machine's own
doing, after its firewall's: `disk.address`.) systemd-nspawn ends with 133 when
the machine wants to be booted again (that is what `--keep-unit` is for); with anything else it is off, and its plugs
are pulled. The root file system is mounted in a mount namespace of the container manager's own: it is never seen on the
host and vanishes with the last process.
"""

import shlex
from pathlib import Path

from wallcloud.frozen import frozen
from wallcloud.lab import kernel
from wallcloud.lab.network import plug_commands, unplug_commands
from wallcloud.lab.processes import KEEPER, container
from wallcloud.lab.wiring import Machine

REBOOT = 133

DROPPED = ("SYS_TIME", "WAKE_ALARM", "SYS_MODULE", "SYS_RAWIO", "MAC_ADMIN", "MAC_OVERRIDE", "SYSLOG")
"""Capabilities (capabilities(7)) that a machine has not: they reach the host's clock, modules, hardware and log."""

DEVICES = ("/dev/net/tun", "/dev/kvm", "/dev/vhost-net", kernel.LOOP_CONTROL, *kernel.LOOPS)
"""Devices of the host that nodes use, as far as the host has them."""


@frozen
class Paths:
    """A machine's folder and what is in it."""

    folder: Path

    @property
    def base(self) -> Path:
        """A file that names the base root below this disk."""
        return self.folder / "base"

    @property
    def upper(self) -> Path:
        """The disk: what differs from the base root."""
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        """overlayfs's work folder."""
        return self.folder / "work"

    @property
    def root(self) -> Path:
        """Where the machine's own mount namespace has its root."""
        return self.folder / "root"

    @property
    def script(self) -> Path:
        """The keeper."""
        return self.folder / "keeper"

    @property
    def console(self) -> Path:
        """What the machine says on its console, and its keeper."""
        return self.folder / "console.log"

    @property
    def notify(self) -> Path:
        """A datagram socket that hears READY=1, while somebody waits for it: sd_notify(3)."""
        return self.folder / "notify"


def command(site: str, node: str, paths: Paths) -> tuple[str, ...]:
    """The keeper's command line, by which `processes` knows it."""
    return ("/bin/sh", str(paths.script), KEEPER, site, node)


def quote_overlay(path: Path) -> str:
    """A path as a value among overlayfs's mount options."""
    return str(path).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def nspawn(site: str, machine: Machine, paths: Paths) -> tuple[str, ...]:
    """The container manager's command line: boots with systemd as PID 1, in the network namespace it is run in."""
    return (
        "systemd-nspawn",
        "--quiet",
        f"--directory={paths.root}",
        f"--machine={container(site, machine.name)}",
        f"--hostname={machine.name}",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--notify-ready=yes",
        "--console=read-only",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        # As on a real host; otherwise it is what this command happened to be started with.
        "--rlimit=NOFILE=1024:524288",
        "--capability=all",
        f"--drop-capability={','.join(f'CAP_{name}' for name in DROPPED)}",
        *(f"--bind={device}" for device in DEVICES if Path(device).exists()),
    )


def script(site: str, wires: str, machine: Machine, paths: Paths, base: Path, own_cgroup: bool) -> str:
    """The text of the keeper. With `own_cgroup` it makes the machine's cgroups itself (no systemd on this host)."""
    overlay = ",".join(
        (
            f"lowerdir={quote_overlay(base)}",
            f"upperdir={quote_overlay(paths.upper)}",
            f"workdir={quote_overlay(paths.work)}",
            # No fsync ever reaches the disk: a power cut of a machine loses nothing, since the host lives on.
            "volatile",
        )
    )
    boot = f'mount -t overlay overlay -o "$1" {shlex.quote(str(paths.root))} && shift && exec "$@"'
    inner = (*kernel.inside(machine.namespace), *nspawn(site, machine, paths))
    start = ("unshare", "--mount", "--propagation", "slave", "sh", "-c", boot, "sh", overlay, *inner)
    return f"""\
#!/bin/sh
# Wallcloud's lab: keeps the machine {machine.name} of {site}. Made by `wallcloud lab up`.
exec </dev/null
wires={shlex.quote(wires)}
node={shlex.quote(machine.namespace)}
{_cgroups(site, machine.name) if own_cgroup else ""}
unplug() {{
    ip -netns "$wires" -force -batch - >/dev/null 2>&1 <<'END'
{unplug_commands(machine)}END
}}

plug() {{
    unplug
    [ ! -e {kernel.NETNS}/"$node" ] || ip netns del "$node" || rm -f {kernel.NETNS}/"$node"
    ip netns add "$node" && ip -netns "$node" link set lo up || return
    ip -netns "$wires" -batch - <<'END' || return
{plug_commands(machine)}END
    for port in {" ".join(nic.port for nic in machine.nics)}; do
        nsenter --net={kernel.NETNS}/"$wires" ethtool -K "$port" tx off >/dev/null || return
    done
    ip -netns "$node" -batch - <<'END'
{kernel.mark(machine.digest)}
END
}}

power_on() {{
    # After a volatile mount overlayfs wants to be told that no data was lost with the host: this one lives on.
    rm -rf {shlex.quote(str(paths.work))}/work/incompat
    SYSTEMD_NSPAWN_API_VFS_WRITABLE=network SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_LOCK=0 \\
    NOTIFY_SOCKET={shlex.quote(str(paths.notify))} \\
    {shlex.join(start)}
}}

while :; do
    plug || {{ echo "wallcloud: the machine could not be wired"; exit 1; }}
    power_on
    status=$?
    unplug
    [ $status = {REBOOT} ] || {{ echo "wallcloud: off ($status)"; exit $status; }}
done
"""


def _cgroups(site: str, node: str) -> str:
    """Shell that puts the keeper into cgroups of its own, in the unified hierarchy and in systemd's named one."""
    root = kernel.cgroup_root()
    lines = []
    for folder in filter(None, (root.unified, root.named)):
        own = shlex.quote(str(folder / container(site, node)))
        lines.append(f"mkdir -p {own} && echo $$ >{own}/cgroup.procs || exit 1")
    return "\n".join(lines)
