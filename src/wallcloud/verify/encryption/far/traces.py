"""What of canaries stays on a node: in files that changed since, in the journal, in arguments and environments."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from wallcloud.verify.encryption.far.forms import Search

_CHUNK = 16 * 1024 * 1024
_EVERY_SECONDS = 0.25
_PLANTED = "/var/tmp/wallcloud-verify-planted"  # noqa: S108 - root's own, of one name, removed at the end


class _Watch:
    """Looks at every process's arguments and environment again and again: many live for a moment only."""

    def __init__(self) -> None:
        self.texts: dict[bytes, str] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while True:
            for process in Path("/proc").glob("[0-9]*"):
                for kind in ("cmdline", "environ"):
                    self._read(process, kind)
            if self._ended.wait(_EVERY_SECONDS):
                return

    def _read(self, process: Path, kind: str) -> None:
        try:
            text = (process / kind).read_bytes()
            if text and text not in self.texts:
                name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                self.texts[text] = f"{kind} of {name}"
        except OSError:
            return  # it ended between the two looks

    def stop(self) -> dict[bytes, str]:
        """All that was seen."""
        self._ended.set()
        self._thread.join()
        return self.texts


_watch: list[Any] = []


def watch(planted: str) -> float:
    """Begins to look at processes, and plants a word where the search must find it: in a file, the journal, a process's
    arguments and environment. Returns the node's time."""
    since = time.time()
    subprocess.run(("systemd-cat", "-t", "wallcloud-verify"), input=planted, text=True, check=True)
    _remove()
    Path(_PLANTED).write_text(planted, encoding="utf-8")
    # It waits for its standard input to end, as this program does.
    process = subprocess.Popen(
        ("/bin/sh", "-c", "read line", planted), stdin=subprocess.PIPE, env={"WALLCLOUD_VERIFY": planted}
    )
    _watch[:] = [_Watch(), process]
    return since


def _remove() -> None:
    Path(_PLANTED).unlink(missing_ok=True)


def traces(since: float, canaries: dict[str, str], last: bool) -> dict[str, Any]:
    """`{found: [[canary, form, where, others]], since: the node's time}`; `others` where accounts that neither own the
    file nor are of its group can read it. `last` ends the watch over processes and removes what was planted."""
    now = time.time()
    search = Search(canaries)
    found = {
        (*hit, path, "others" if _open(Path(path)) else "")
        for path in _changed(since)
        for hit in _in_file(Path(path), search)
    }
    argv = ("journalctl", "--no-pager", "--all", "-o", "export", f"--since=@{int(since)}")
    told = subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout
    found |= {(*hit, "journal", "") for hit in search.found(told)}
    if last:
        texts = _watch[0].stop()
        for text, where in texts.items():
            found |= {(*hit, where, "") for hit in search.found(text)}
        _watch[1].stdin.close()
        _watch[1].wait()
        _remove()
    return {"found": sorted(map(list, found)), "since": now}


def _changed(since: float) -> list[str]:
    """Files of every file system but the kernel's own that changed since."""
    found = []
    folders = ["/"]
    but = {"/proc", "/sys", *_sealed()}
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.path not in but:
                            folders.append(entry.path)
                    elif (
                        entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_ctime >= since - 1
                    ):
                        found.append(entry.path)
        except OSError:
            continue  # it went meanwhile
    return found


def _sealed() -> list[str]:
    """Mounts that nobody can write to."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return [fields[1] for fields in map(str.split, lines) if fields[2] == "squashfs"]


def _open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH) and all(
            above.stat().st_mode & stat.S_IXOTH for above in path.parents
        )
    except OSError:
        return False  # it went meanwhile


def _in_file(path: Path, search: Search) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    before = b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if chunk.count(0) < len(chunk):
                    found |= search.found(before + chunk)
                before = chunk[-search.longest :]
    except OSError:
        return found  # it went meanwhile
    return found
