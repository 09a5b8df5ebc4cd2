"""The Python environment of OpenStack: one file, a squashfs image, that systemd mounts at its place."""

import hashlib
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import files, systemd
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State, changed
from wallcloud.node.run import run

_MODE = 0o444
_UNIT = """\
[Unit]
Description=The environment of OpenStack (Wallcloud)

[Mount]
What={image}
Where={path}
Type=squashfs
Options=ro,nodev,nosuid,loop
# Mended while programs run from it: what they have open they keep, and the rest is there again in a moment.
LazyUnmount=yes

[Install]
WantedBy=local-fs.target
"""


@frozen(kw_only=True)
class Environment(Resource):
    """`digest` is the sha256 of a squashfs image (a blob), kept as `<path>.squashfs` and mounted read-only at `path`.

    Nothing is unpacked, and nothing in it can be changed; a node reads of it what it runs. The kernel needs squashfs
    and loop devices, both modules of every Debian kernel (systemd.mount(5), loop(4)).
    """

    kind: ClassVar[str] = "environment"
    path: str
    digest: str

    @property
    def name(self) -> str:
        return self.path

    @property
    def image(self) -> str:
        """The file that is mounted."""
        return f"{self.path}.squashfs"

    @property
    def unit(self) -> str:
        """The unit that mounts it."""
        return systemd.mount_unit(self.path)

    @property
    def text(self) -> str:
        """That unit's text."""
        return _UNIT.format(image=self.image, path=self.path)

    def paths(self) -> tuple[str, ...]:
        return (self.path, self.image)

    def asked_units(self) -> tuple[str, ...]:
        return (self.unit,)

    def desired(self, ctx: Context) -> State:
        return {
            "digest": self.digest,
            "mode": f"root:root {files.mode_text(_MODE)}",
            "unit": self.text,
            "unit mode": "root:root 0644",
            "drop-ins": (),
            "loaded": "as the file says",
            "enabled": "enabled",
            "mounted": True,
        }

    def read(self, ctx: Context) -> State | None:
        image, unit = files.status(self.image), files.status(systemd.in_etc(self.unit))
        if image is None and unit is None:
            return None
        status = systemd.status(ctx, self.unit)
        return {
            "digest": ctx.cached(f"digest {self.image}", self._digest),
            "mode": _mode(image),
            "unit": files.read_text(systemd.in_etc(self.unit)) if unit and stat.S_ISREG(unit.st_mode) else None,
            "unit mode": _mode(unit),
            "drop-ins": systemd.drop_ins(self.unit, status),
            "loaded": "an older file" if status.need_reload else "as the file says",
            "enabled": status.enabled,
            "mounted": status.active == "active" and self._is_mounted(),
        }

    def ahead(self, ctx: Context) -> None:
        ctx.cached(f"digest {self.image}", self._digest)

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        if changed(changes, "digest"):
            self._fetch(ctx)
        files.own(self.image, "root", "root", _MODE)
        files.write(self._mark, f"{self.digest} {self._identity()}\n".encode(), "root", "root", 0o644)
        Path(self.path).mkdir(0o755, parents=True, exist_ok=True)
        declared = ("unit", "unit mode", "drop-ins", "loaded", "enabled")
        if changed(changes, *declared):
            self._declare()
        if changed(changes, "digest", "mounted", *declared):
            ctx.note(f"mount {self.path}")
            systemd.forget_failures(self.unit)
            systemd.start("restart", self.unit)

    def _declare(self) -> None:
        """The mount unit as it is to be, known to systemd."""
        before = systemd.show(self.unit)
        files.write(systemd.in_etc(self.unit), self.text.encode(), "root", "root", 0o644)
        for status in before:
            for extra in systemd.drop_ins(self.unit, status):
                files.discard(extra)
        systemd.systemctl("reenable", "--quiet", "--no-reload", self.unit)
        if any(each.load != "not-found" for each in before):
            systemd.daemon_reload()

    def _fetch(self, ctx: Context) -> None:
        archive = ctx.blobs((self.digest,))[self.digest]
        beside = files.temporary(self.image)
        Path(beside).parent.mkdir(0o755, parents=True, exist_ok=True)
        shutil.move(archive, beside)  # /var and /opt may be different disks
        run(("sync", beside), timeout=300)
        if _digest_of(beside) != self.digest:  # what lay there under its name since a power cut, or a disk's fault
            files.discard(beside)
            raise ResourceFailed(
                f"the image of {self.path} did not arrive whole",
                tried=f"receive it into {self.image}",
                hint="run wallcloud apply again: it is sent anew",
            )
        files.place(beside, self.image)

    def _digest(self) -> str | None:
        """What the image is. It is read as a whole only where the file is not the one that was noted."""
        found = files.status(self.image)
        if found is None or not stat.S_ISREG(found.st_mode):
            return None
        with suppress(OSError, ValueError):
            digest, _, noted = Path(self._mark).read_text().strip().partition(" ")
            if noted == self._identity():
                return digest
        return _digest_of(self.image)

    @property
    def _mark(self) -> str:
        return f"{self.path}.noted"

    def _identity(self) -> str:
        """Changes with whatever is done to the file: nobody sets a ctime (inode(7))."""
        found = os.stat(self.image)  # noqa: PTH116 - all of these are its fields
        return f"{found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"

    def _is_mounted(self) -> bool:
        """Whether what is mounted is this very image, not one that it has replaced (sysfs, loop/backing_file)."""
        with suppress(OSError):
            device = os.stat(self.path).st_dev  # noqa: PTH116
            backing = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/loop/backing_file")
            return backing.read_text().strip() == self.image
        return False


def _mode(found: os.stat_result | None) -> str | None:
    return "{owner}:{group} {mode}".format_map(files.owner_of(found)) if found else None


def _digest_of(path: str) -> str | None:
    with suppress(OSError), Path(path).open("rb") as image:
        return hashlib.file_digest(image, "sha256").hexdigest()
    return None
