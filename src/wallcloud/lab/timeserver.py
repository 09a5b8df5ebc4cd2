"""The NTP server of the outside world: a real chronyd in the router's namespace, serving this computer's clock.

It never adjusts that clock (`-x`, and without the capability to). Its programs come from an unpacked Debian root in the
cache, which it sees read-only but for a /run of its own, in a mount namespace of its own.
"""

import shlex
from pathlib import Path

from wallcloud.lab import daemon, kernel, processes
from wallcloud.lab.wiring import ROUTER, Wiring

UNIT = "outside.time"


def configuration(wiring: Wiring) -> str:
    """chrony.conf(5): serves management even though it follows nobody."""
    return f"local stratum 10\nallow {wiring.time_clients}\ncmdport 0\nbindcmdaddress /\npidfile /run/chronyd.pid\n"


def ensure(wiring: Wiring, root: Path, log: Path) -> None:
    """Starts it unless it runs."""
    namespace = wiring.place(ROUTER).namespace
    inode = kernel.inode(namespace)
    if any(each.net == inode and "chronyd" in each.argv[0] for each in processes.processes().values() if each.argv):
        return
    script = (
        f"mount -o bind,ro {shlex.quote(str(root))} {shlex.quote(str(root))}\n"
        f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(root / 'run'))}\n"
        f"cat >{shlex.quote(str(root / 'run/chrony.conf'))} <<'END'\n{configuration(wiring)}END\n"
        'exec "$@"'
    )
    serve = (
        *("setpriv", "--inh-caps=-all", "--bounding-set=-sys_time,-sys_module,-sys_rawio"),
        *("chroot", str(root), "/usr/sbin/chronyd", "-x", "-d", "-u", "root", "-f", "/run/chrony.conf"),
    )
    argv = (
        "unshare",
        "--mount",
        "--propagation",
        "slave",
        "sh",
        "-ec",
        script,
        "sh",
        *kernel.inside(namespace, *serve),
    )
    daemon.start(processes.container(wiring.site, UNIT), argv, log)
