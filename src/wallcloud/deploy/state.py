"""The state folder of a site: the CA, the secrets and the last facts. Losing it loses the cloud.

```
<state>/            0700
  lock              flock(2), with who holds it as text
  ca/key.pem        0600, made once
  ca/cert.pem
  secrets.json      0600, {name: value}
  rotation.json     which of them are used now (deploy/rotation.py), where any was ever rotated
  ages.json         {name: seconds since 1970 when it was made}
  issued.json       the certificates that were signed, and crl.pem, the list of those that are replaced
  facts/NODE.json   what each node said last
  lab/              the lab's own, where there is one
```
A backup takes `ca`, `secrets.json`, `rotation.json` and `issued.json`; the others are found out or made again.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wallcloud.errors import WallcloudError

KEPT = ("ca", "secrets.json", "rotation.json", "issued.json")
"""What a backup takes: nobody can make it again. Machines that are new have other facts, and labs other keys."""


class StateFolder:
    """One site's state. Everything is written whole: beside, synced, renamed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        """Makes the folder, 0700. Raises WallcloudError where somebody else could read an existing one."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.path.stat()
        except OSError as error:
            raise WallcloudError(f"the state folder cannot be made: {error.strerror}", where=str(self.path)) from error
        if status.st_mode & 0o077:
            raise WallcloudError(
                f"the state folder is open to others (mode {status.st_mode & 0o777:04o})",
                where=str(self.path),
                hint=f"it holds the CA's key and every secret: chmod 700 {self.path}",
            )

    @property
    def ca(self) -> Path:
        return self.path / "ca"

    @property
    def ca_certificate(self) -> Path:
        """The certificate that every client of the cloud verifies against."""
        return self.ca / "cert.pem"

    @property
    def revocation_list(self) -> Path:
        """The certificates that servers refuse though the CA signed them."""
        return self.path / "crl.pem"

    def write(self, name: str, content: bytes, mode: int = 0o600) -> None:
        """Writes `<state>/<name>` whole, never readable by others."""
        target = self.path / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(target)
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)  # the rename itself survives a power cut
        finally:
            os.close(folder)

    def secrets(self, names: Iterable[str]) -> dict[str, str]:
        """The value of each named secret; those that do not exist yet are made (256 bits) and kept."""
        known = self._secrets()
        wanted = sorted(set(names))
        missing = [name for name in wanted if name not in known]
        if missing:
            known.update({name: secrets.token_hex(32) for name in missing})
            self._note_ages(missing, known)
            self._write_json("secrets.json", known)
        return {name: known[name] for name in wanted}

    def secrets_known(self, names: Iterable[str]) -> dict[str, str]:
        """As `secrets`, but keeps nothing: a plan makes a passing value for what does not exist yet."""
        known = self._secrets()
        return {name: known.get(name) or secrets.token_hex(32) for name in set(names)}

    def secret_kept(self, name: str) -> str | None:
        """The value of a secret, or None where no apply has made it yet."""
        return self._secrets().get(name)

    def secret_names(self) -> tuple[str, ...]:
        """The names of all values that are kept."""
        return tuple(self._secrets())

    def forget_secrets(self, names: Iterable[str]) -> None:
        """Drops the values of secrets that nobody uses any more."""
        known, gone = self._secrets(), set(names)
        if gone & known.keys():
            kept = {name: value for name, value in known.items() if name not in gone}
            self._write_json("secrets.json", kept)
            self._note_ages((), kept)

    def ages(self) -> dict[str, float]:
        """When secrets were made, in seconds since 1970; of those that are older than this file nothing is known."""
        loaded = self._json(self.path / "ages.json", "delete the file: no more than ages is lost") or {}
        return {name: float(at) for name, at in loaded.items() if isinstance(at, int | float)}

    def _note_ages(self, made: Iterable[str], known: Iterable[str]) -> None:
        ages = {**self.ages(), **dict.fromkeys(made, time.time())}
        self._write_json("ages.json", {name: at for name, at in ages.items() if name in set(known)})

    def rotation(self) -> dict[str, Any]:
        """What deploy/rotation.py keeps here; empty where nothing was ever rotated."""
        return self._json(self.path / "rotation.json") or {}

    def keep_rotation(self, found: dict[str, Any]) -> None:
        """Keeps it."""
        self._write_json("rotation.json", found)

    def issued(self) -> dict[str, dict[str, Any]]:
        """What deploy/revocation.py keeps of the certificates that were signed."""
        return self._json(self.path / "issued.json") or {}

    def keep_issued(self, found: dict[str, dict[str, Any]]) -> None:
        """Keeps it."""
        self._write_json("issued.json", found)

    def _write_json(self, name: str, what: dict[str, Any]) -> None:
        self.write(name, json.dumps(what, indent=1, sort_keys=True).encode())

    def _secrets(self) -> dict[str, str]:
        path = self.path / "secrets.json"
        loaded = self._json(path) or {}
        wrong = [name for name, value in loaded.items() if not isinstance(value, str) or not value]
        if wrong:
            raise WallcloudError(
                f"the secret {wrong[0]!r} is no text", where=str(path), hint="restore the state folder from its backup"
            )
        return dict(loaded)

    def kept(self) -> dict[str, bytes]:
        """What of KEPT is there: every file's content by its path in the folder."""
        tops = [self.path / name for name in KEPT]
        files = [path for top in tops for path in (top, *sorted(top.glob("*"))) if path.is_file()]
        # What begins with a dot was being written when somebody was killed.
        return {str(path.relative_to(self.path)): path.read_bytes() for path in files if path.name[0] != "."}

    def facts(self, node: str) -> dict[str, Any] | None:
        """The last facts of a node, or None."""
        return self._json(self.facts_path(node), "delete the file: the next plan asks the node anew")

    def facts_path(self, node: str) -> Path:
        """Where a node's facts are kept."""
        return self.path / "facts" / f"{node}.json"

    def keep_facts(self, node: str, facts: dict[str, Any]) -> None:
        """Keeps what a node said of itself."""
        self._write_json(f"facts/{node}.json", facts)

    @staticmethod
    def _json(path: Path, hint: str = "restore the state folder from its backup") -> dict[str, Any] | None:
        try:
            loaded = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise WallcloudError(f"cannot be read: {error.strerror}", where=str(path), hint=hint) from error
        except (ValueError, RecursionError) as error:
            raise WallcloudError(f"is not JSON: {error}", where=str(path), hint=hint) from error
        if not isinstance(loaded, dict):
            raise WallcloudError("is not a JSON object", where=str(path), hint=hint)
        return loaded

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps a second operator out. Raises WallcloudError naming who holds it.

        The kernel drops the lock with the process.
        """
        self.make()
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = file.read().strip() or "another wallcloud"
                raise WallcloudError(
                    f"{holder} is at work on this site",
                    where=str(self.path / "lock"),
                    hint="wait until it ends, or end that process",
                ) from None
            file.truncate(0)
            file.write(f"{operator()}, pid {os.getpid()},")
            file.flush()
            yield
            file.truncate(0)


def operator() -> str:
    """Who is at work: user@host, for locks and the nodes' journals."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
