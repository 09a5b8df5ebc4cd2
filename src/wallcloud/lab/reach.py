"""The ways into a lab: argument lists that run a program at a place or on a machine."""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from wallcloud.errors import WallcloudError
from wallcloud.lab import kernel
from wallcloud.lab.keeper import Paths
from wallcloud.lab.layout import wiring
from wallcloud.lab.machine import Box
from wallcloud.lab.ssh import Door
from wallcloud.lab.wiring import Place, Wiring
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site

FOLDER = Path("/var/lib/wallcloud/lab")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Reach:
    """One site's lab as seen by who wants in. `state` is the site's state folder; the lab's part is `<state>/lab`."""

    def __init__(self, site: Site, addresses: AddressPlan, state: Path) -> None:
        self.site = site
        self.wiring: Wiring = wiring(site, addresses)
        self.door = Door(state / "lab")
        self.folder = FOLDER / site.name

    def box(self, node: str) -> Box:
        """A machine with its folder; raises WallcloudError for a node that the site has not."""
        return Box(self.site.name, self.wiring.machine(node), Paths(self.folder / node), self.site.ssh.port)

    def place(self, name: str) -> Place:
        """A place that is there; raises WallcloudError for one that the lab has not, and when it is not up."""
        names = [place.name for place in self.wiring.places]
        if name not in names:
            raise WallcloudError(f"the lab has no place {name}", hint=f"it has {', '.join(names)}")
        place = self.wiring.place(name)
        if kernel.inode(place.namespace) is None:
            raise WallcloudError("the lab is not up", hint="wallcloud lab up")
        return place

    def command(self, place: str, argv: Sequence[str]) -> list[str]:
        """Runs the host's program `argv` at `router`, `office` or `admin`.

        It has that place's network and /etc/hosts, asks no DNS and no proxy, and is elsewhere on the host.
        """
        found = self.place(place)
        folder = shlex.quote(str(self.folder / "places" / place))
        bind = (
            f"for file in hosts resolv.conf nsswitch.conf; do"
            f" [ ! -e /etc/$file ] || mount --bind {folder}/$file /etc/$file || exit 125; done; "
            'exec "$@"'
        )
        enter = ("unshare", "--mount", "--propagation", "slave", "sh", "-c", bind, "sh")
        unproxied = ("env", *(word for name in _PROXIES for word in ("-u", name)))
        return [*kernel.inside(found.namespace, *enter, *unproxied), *argv]

    def ssh(self, node: str, argv: Sequence[str] = (), *, terminal: bool = False) -> list[str]:
        """Runs `argv` (without: a login shell) on a machine, by SSH as on a real host."""
        self.wiring.machine(node)
        if not self.door.config.is_file():
            raise WallcloudError("the lab is not up", hint="wallcloud lab up")
        options = ["-t"] if terminal else []
        return ["ssh", "-F", str(self.door.config), *options, "--", node, *([shlex.join(argv)] if argv else [])]

    def console(self, node: str, argv: Sequence[str] = ()) -> list[str]:
        """As `ssh`, but from the host straight into the machine: for one whose SSH does not answer.

        Without the capabilities that the machine has not.
        """
        leader = self.box(node).running().leader
        if leader is None:
            raise WallcloudError(f"{node} is off", hint="wallcloud lab up starts it")
        return self.box(node).inside(leader.pid, *(argv or ("/bin/bash", "--login")))

    def logs(self, node: str, argv: Sequence[str] = ()) -> list[str]:
        """journalctl of a machine with the options `argv`, also of one that is off: then from its disk."""
        box = self.box(node)
        if box.running().leader is not None:
            return self.console(node, ("journalctl", *argv))
        journal = box.paths.upper / "var/log/journal"
        if journal.is_dir():
            return ["journalctl", f"--directory={journal}", *argv]
        return ["cat", str(box.paths.console)]


def run(argv: Sequence[str]) -> int:
    """Runs one of these argument lists with this terminal; returns its exit status (128 + signal if killed)."""
    sys.stdout.flush()
    status = subprocess.run(argv, check=False).returncode
    return status if status >= 0 else 128 - status
