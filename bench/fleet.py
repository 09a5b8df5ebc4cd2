"""Nodes that are folders: one real sshd on loopback, in the base root of the lab's machines, answers for all of them.

sshd runs in namespaces of its own (mounts, processes; not the network, since the deployer must reach it), in a chroot
over a tmpfs, so that a session finds a node's Python and programs and nothing of this computer. What a node shall have
lies in a folder of its own, `/srv/nodes/NODE`. Everything goes with the process, and it with the bench.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from wallcloud.build import root
from wallcloud.build.cache import Cache
from wallcloud.node.run import wait_for
from wallcloud.progress import Silent

FILES = 121
"""Files of a node: as many as issue 4 counted tasks."""
THERE = "/srv/nodes"
"""Where the nodes' folders are, in the eyes of a session."""
_ADDRESS = "127.0.0.1"
_ENDS_SECONDS = 30.0

# In namespaces of its own. $1: the base root, $2: the folder that becomes its /srv, $3: an empty folder.
_ENTER = """
set -e
mount -t tmpfs -o mode=0755 bench "$3"
mkdir "$3/upper" "$3/work" "$3/root"
mount -t overlay -o "lowerdir=$1,upperdir=$3/upper,workdir=$3/work" bench "$3/root"
cd "$3/root"
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
mount -t tmpfs -o mode=0755 bench run
mkdir run/sshd
mount --bind "$2" srv
exec chroot . /usr/sbin/sshd -D -e -f /srv/sshd_config
"""


def names() -> tuple[str, ...]:
    """The names of a node's files."""
    return tuple(f"{number:03}.conf" for number in range(FILES))


def content(name: str) -> str:
    """What stands in a file: some 1.5 KiB of options, as in a service's configuration."""
    options = "".join(f"option_{number} = {name} {number * number}\n" for number in range(50))
    return f"# {name}\n[DEFAULT]\n{options}"


class Fleet:
    """The nodes, while the context is open; `nodes` are their names."""

    def __init__(self, folder: Path, nodes: tuple[str, ...]) -> None:
        self.nodes = nodes
        self.port = _free_port()
        self.key, self.known_hosts, self.ssh_config = folder / "key", folder / "known_hosts", folder / "ssh_config"
        self._srv, self._mounts = folder / "srv", folder / "mounts"
        self._last: deque[str] = deque(maxlen=20)
        self._listens = threading.Event()

    def __enter__(self) -> Self:
        for each in (self._srv, self._mounts):
            each.mkdir(mode=0o755)
        self._keys()
        for node in self.nodes:
            self.mend(node)
        base = root.build(Cache(), Silent())
        # Ended by the kernel with the bench, whatever happens to it; sshd is the first of its namespace's processes,
        # so all of them end with it.
        argv = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"]
        argv += ["/bin/sh", "-c", _ENTER, "sh", str(base), str(self._srv), str(self._mounts)]
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._hear, daemon=True).start()
        self._listens.wait()
        children = self._children(self._process.pid) if self._process.poll() is None else ()
        if len(children) != 1:
            self._process.kill()
            sys.exit("bench: the simulated nodes' sshd ended\n" + "\n".join(self._last))
        (self._sshd,) = children
        self._sshd_handle = os.pidfd_open(self._sshd)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._sshd_handle, signal.SIGKILL)
        os.close(self._sshd_handle)
        self._process.wait()  # it waits for sshd, the first of its namespace, and that for all others

    def mend(self, node: str) -> None:
        """Writes the node's files as they shall be."""
        folder = self._srv / "nodes" / node
        folder.mkdir(parents=True, exist_ok=True)
        for name in names():
            (folder / name).write_text(content(name))
            (folder / name).chmod(0o644)

    def spoil(self, node: str) -> None:
        """Changes one of the node's files, so that a tool that really looks finds one change."""
        (self._srv / "nodes" / node / names()[FILES // 2]).write_text("changed by hand\n")

    def whole(self, node: str) -> bool:
        """Whether every file of the node is as it shall be."""
        return all((self._srv / "nodes" / node / name).read_text() == content(name) for name in names())

    def cpu(self) -> float:
        """CPU seconds that sessions took which are over; waits until those that are open are."""
        if not wait_for(lambda: not self._children(self._sshd), _ENDS_SECONDS, longest=0.05):
            sys.exit("bench: sessions of the simulated nodes do not end\n" + "\n".join(self._last))
        # proc(5), stat: cutime and cstime, children that were waited for. The name before them may hold anything.
        fields = Path(f"/proc/{self._sshd}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def _keys(self) -> None:
        for path in (self.key, self._srv / "host_key"):
            subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path), check=True)
        shutil.copy(self.key.with_suffix(".pub"), self._srv / "authorized_keys")
        host = (self._srv / "host_key.pub").read_text()
        self.known_hosts.write_text(f"[{_ADDRESS}]:{self.port} {host}")
        (self._srv / "sshd_config").write_text(f"""\
ListenAddress {_ADDRESS}:{self.port}
HostKey /srv/host_key
AuthorizedKeysFile /srv/authorized_keys
AuthenticationMethods publickey
AllowUsers root
PidFile none
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 1000
Subsystem sftp internal-sftp
""")
        self.ssh_config.write_text(f"""\
Host *
    HostName {_ADDRESS}
    Port {self.port}
    User root
    IdentityFile {self.key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {self.known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
""")

    def _hear(self) -> None:
        """Reads what sshd says, to its end."""
        assert self._process.stderr is not None  # noqa: S101 - it was opened as a pipe
        for line in self._process.stderr:
            self._last.append(line.rstrip())
            if line.startswith("Server listening"):
                self._listens.set()
        self._listens.set()

    @staticmethod
    def _children(pid: int) -> tuple[int, ...]:
        return tuple(int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_ADDRESS, 0))
        return int(probe.getsockname()[1])
