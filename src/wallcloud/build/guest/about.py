"""What the guest knows of itself: its cards, what DHCP said, metadata and user-data."""

# ruff: noqa: PTH123  # pathlib costs a tenth of a second where this runs

from __future__ import annotations

import hashlib
import json
import os
import threading
import time

from . import card, probes

Answer = dict[str, object]
METADATA = "169.254.169.254"
_TRIES = 120.0
_SCRIPT = "/run/user-data"


def uptime() -> float:
    """Seconds since the kernel started."""
    return round(time.clock_gettime(time.CLOCK_BOOTTIME), 2)


def say(line: str) -> None:
    """One line on the serial console, in one write so that lines of several threads do not mix."""
    os.write(1, f"{line}\n".encode())


class About:
    """Filled while the guest starts; read by everybody."""

    def __init__(self) -> None:
        with open("/proc/sys/kernel/random/boot_id") as file:
            self.boot = file.read().strip()
        self.ready: float | None = None
        self.metadata: dict[str, object] | None = None
        self.user_data: bytes | None = None
        self.exit: int | None = None

    def name(self) -> Answer:
        """The short answer."""
        known = self.metadata or {}
        cards = card.names()
        return {
            "guest": "wallcloud",
            "hostname": known.get("hostname"),
            "uuid": known.get("uuid"),
            "address": card.address(cards[0]) if cards else None,
            "boot": self.boot,
        }

    def whole(self) -> Answer:
        """Everything."""
        known = self.metadata or {}
        return {
            "ok": True,
            "hostname": known.get("hostname"),
            "uuid": known.get("uuid"),
            "boot": self.boot,
            "uptime": uptime(),
            "ready": self.ready,
            "interfaces": [
                {"name": each, "mac": card.mac(each), "mtu": card.mtu(each), "addresses": card.addresses(each)}
                for each in card.names()
            ],
            "dhcp": {each: lease for each in card.names() if (lease := _lease(each))},
            "metadata": self.metadata,
            "keys": known.get("public_keys") or {},
            "user_data": None
            if self.user_data is None
            else {"digest": self.digest(), "size": len(self.user_data), "exit": self.exit},
        }

    def digest(self) -> str:
        """SHA-256 of the user-data, in hexadecimal digits."""
        return hashlib.sha256(self.user_data or b"").hexdigest()

    def learn(self) -> None:
        """Fetches metadata and user-data, says so on the console, and runs the user-data if it is a script."""
        why = self._fetch()
        if self.metadata is None:
            say(f"wallcloud-guest: metadata none after {uptime()} s: {why}")
        else:
            keys = self.metadata.get("public_keys")
            say(
                f"wallcloud-guest: metadata hostname={self.metadata.get('hostname')} uuid={self.metadata.get('uuid')} "
                f"keys={len(keys) if isinstance(keys, dict) else 0} after {uptime()} s"
            )
        if self.user_data is None:
            say("wallcloud-guest: user-data none")
        else:
            say(f"wallcloud-guest: user-data size={len(self.user_data)} sha256={self.digest()}")
        self.ready = uptime()
        say(f"wallcloud-guest: ready after {self.ready} s")
        if self.user_data is not None:
            for line in self.user_data.decode(errors="replace").splitlines():
                say(f"user-data| {line}")
            if self.user_data.startswith(b"#!"):
                self._run(self.user_data)

    def _fetch(self) -> str:
        """Tries until the metadata is here or time is up. Returns why it is not."""
        why = "no address by DHCP"
        until = time.monotonic() + _TRIES
        while time.monotonic() < until:
            if any(_lease(each) for each in card.names()):
                try:
                    status, known = probes.get(METADATA, 80, "/openstack/latest/meta_data.json", 10)
                    if status == 200:
                        status, body = probes.get(METADATA, 80, "/openstack/latest/user_data", 10)
                        if status in (200, 404):
                            self.user_data = body if status == 200 else None
                            self.metadata = json.loads(known)  # last: who sees it may ask for the rest
                            return ""
                    why = f"HTTP {status}"
                except OSError as error:
                    why = probes.why(error)
                except ValueError as error:
                    why = str(error)
                time.sleep(0.5)
            else:
                time.sleep(0.05)
        return why

    def _run(self, script: bytes) -> None:
        with open(_SCRIPT, "wb") as file:
            file.write(script)
        reading, writing = os.pipe()
        null = os.open("/dev/null", os.O_RDONLY)
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_DUP2, writing, 2)]
        child = os.posix_spawn("/bin/busybox", ["sh", _SCRIPT], {"PATH": "/bin", "HOME": "/"}, file_actions=actions)
        os.close(writing)
        os.close(null)
        telling = threading.Thread(target=_tell, args=(reading,), daemon=True)
        telling.start()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        telling.join(1)  # what the script leaves running may hold its output for ever
        self.exit = status
        say(f"wallcloud-guest: user-data exit {self.exit}")


def _tell(reading: int) -> None:
    with open(reading, errors="replace") as lines:
        for line in lines:
            say(f"user-data> {line.rstrip()}")


def _lease(name: str) -> Answer | None:
    """What dhcp.sh wrote down."""
    try:
        with open(f"/run/dhcp-{name}") as file:
            found = dict(line.rstrip("\n").partition("=")[::2] for line in file)
    except OSError:
        return None
    numbers = ("prefix", "mtu", "lease")
    return {
        key: value.split() if key == "dns" else int(value or 0) if key in numbers else value or None
        for key, value in found.items()
    }
