"""Boots the guest image under QEMU without KVM; no packet leaves this computer.

Each guest has eth0 on QEMU's own user network (restricted: DHCP, the metadata of `Guest.metadata`, and ports of
127.0.0.1 that lead to it) and eth1 on a wire between two of them.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wallcloud.build import guest_image
from wallcloud.build.cache import Cache

NOVA_LINE = "root=/dev/vda console=tty0 console=ttyS0 console=hvc0 no_timer_check"
"""What Nova's libvirt driver says to a guest whose image has no `os_command_line`."""

# Run by QEMU for each connection to 169.254.169.254:80, which is its stdin and stdout.
_SERVER = """
import os, sys
folder, lines = sys.argv[1], sys.stdin.buffer
words = lines.readline().split()
while lines.readline().strip():
    pass
name = words[1].decode().replace("/", "_")
path = os.path.join(folder, name)
out = sys.stdout.buffer
if os.path.exists(path):
    out.write(b"HTTP/1.1 200 OK\\r\\n\\r\\n" + open(path, "rb").read())
else:
    out.write(b"HTTP/1.1 404 Not Found\\r\\n\\r\\n404 Not Found")
"""


@dataclass
class Guest:
    """A running guest: `cpu` is what QEMU had used, in seconds, when a line came on the console."""

    process: subprocess.Popen[bytes]
    prober: int
    http: int
    monitor: Path
    lines: list[str] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        """Keeps what comes on the console."""
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            with self.news:
                self.lines.append(raw.decode(errors="replace").rstrip("\r\n"))
                self.cpu.append(_cpu(self.process.pid))
                self.news.notify_all()

    def line(self, part: str, wait: float = 90) -> int:
        """The number of the first line with `part`; waits for it."""

        def found() -> int | None:
            return next((number for number, line in enumerate(self.lines) if part in line), None)

        with self.news:
            self.news.wait_for(lambda: found() is not None, wait)
            at = found()
        assert at is not None, f"no {part!r} in\n" + "\n".join(self.lines)
        return at

    def ask(self, request: str) -> dict[str, Any]:
        """The prober's answer."""
        with socket.create_connection(("127.0.0.1", self.prober), 30) as ends, ends.makefile("rwb") as lines:
            lines.write(f"{request}\n".encode())
            lines.flush()
            return dict(json.loads(lines.readline()))

    def get(self, path: str) -> tuple[int, bytes]:
        """The responder's answer: status and body."""
        whole = b""
        with socket.create_connection(("127.0.0.1", self.http), 30) as ends:
            ends.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            while piece := ends.recv(65536):
                whole += piece
        head, _, body = whole.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def power_button(self) -> None:
        """Presses it, as Nova does to stop a server."""
        with socket.socket(socket.AF_UNIX) as ends:
            ends.connect(str(self.monitor))
            with ends.makefile("rwb") as lines:
                for command in ("qmp_capabilities", "system_powerdown"):
                    lines.write(json.dumps({"execute": command}).encode() + b"\n")
                lines.flush()
                for _ in range(3):
                    lines.readline()


@contextmanager
def booted(
    cache: Cache,
    image: guest_image.Guest,
    folder: Path,
    number: int,
    served: Mapping[str, bytes],
    command_line: str = guest_image.COMMAND_LINE,
) -> Iterator[Guest]:
    """Guest `number` (0 holds the wire's end, 1 joins it), with `served` (path -> body) as its metadata."""
    own = folder / str(number)
    own.mkdir()
    for path, body in served.items():
        (own / path.replace("/", "_")).write_bytes(body)
    server = folder / "server.py"
    server.write_text(_SERVER)
    prober, http = _free(), _free()
    user = (
        f"user,id=n0,net=169.254.0.0/16,restrict=on,hostfwd=tcp:127.0.0.1:{prober}-:7,"
        f"hostfwd=tcp:127.0.0.1:{http}-:80,guestfwd=tcp:169.254.169.254:80-cmd:{sys.executable} -IS {server} {own}"
    )
    end = "on" if number == 0 else "off"
    wire = f"stream,id=n1,server={end},addr.type=unix,addr.path={folder}/wire"
    argv = [
        *("qemu-system-x86_64", "-accel", "tcg", "-m", "128", "-smp", "1", "-nodefaults", "-no-user-config"),
        *("-display", "none", "-serial", "stdio", "-no-reboot", "-qmp", f"unix:{own}/monitor,server=on,wait=off"),
        *("-kernel", str(cache.blob(image.kernel)), "-initrd", str(cache.blob(image.ramdisk))),
        *("-append", command_line),
        *("-netdev", user, "-device", f"virtio-net-pci,netdev=n0,mac={mac(number, 0)}"),
        *("-netdev", wire, "-device", f"virtio-net-pci,netdev=n1,mac={mac(number, 1)}"),
    ]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        guest = Guest(process, prober, http, own / "monitor")
        reader = threading.Thread(target=guest.read)
        reader.start()
        try:
            if number == 0:
                _until_there(folder / "wire")
            yield guest
        finally:
            process.kill()
            reader.join()


def mac(number: int, card: int) -> str:
    """The MAC of a guest's card."""
    return f"52:54:00:00:0{number}:0{card}"


def _until_there(path: Path) -> None:
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)


def _free() -> int:
    with socket.socket() as ends:
        ends.bind(("127.0.0.1", 0))
        return int(ends.getsockname()[1])


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
