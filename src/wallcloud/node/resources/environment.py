"""The Python environment of OpenStack: one file, a squashfs image, that systemd mounts at its place."""

import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from wallcloud.node import files, systemd
from wallcloud.node.resource import Change, Context, Resource, State, changed
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
# Another image takes the place while programs still run from this one: they keep it until they end.
LazyUnmount=yes

[Install]
WantedBy=local-fs.target
"""


@dataclass(frozen=True, kw_only=True)
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
        return {"digest": self.digest, "mode": f"root:root {files.mode_text(_MODE)}", **self._mounting(self.text, True)}

    def read(self, ctx: Context) -> State | None:
        found = files.status(self.image)
        text = files.read_text(systemd.in_etc(self.unit)) if files.status(systemd.in_etc(self.unit)) else ""
        if found is None and not text:
            return None
        status = systemd.status(ctx, self.unit)
        return {
            "digest": ctx.cached(f"digest {self.image}", self._digest),
            "mode": "{owner}:{group} {mode}".format_map(files.owner_of(found)) if found else None,
            **self._mounting(text, status.enabled == "enabled"),
            "mounted": status.active == "active" and self._is_mounted(),
        }

    def ahead(self, ctx: Context) -> None:
        ctx.cached(f"digest {self.image}", self._digest)

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        if changed(changes, "digest"):
            self._fetch(ctx)
        files.own(self.image, "root", "root", _MODE)
        self._note()
        Path(self.path).mkdir(0o755, parents=True, exist_ok=True)
        if changed(changes, "unit", "enabled"):
            before = systemd.show(self.unit)
            files.write(systemd.in_etc(self.unit), self.text.encode(), "root", "root", 0o644)
            systemd.systemctl("reenable", "--quiet", "--no-reload", self.unit)
            if any(each.load != "not-found" for each in before):
                systemd.daemon_reload()
        if changed(changes, "digest", "mounted"):
            ctx.note(f"mount {self.path}")
            systemd.forget_failures(self.unit)
            systemd.start("restart", self.unit)

    def _mounting(self, text: str, enabled: bool) -> dict[str, str | bool]:
        return {"unit": text, "enabled": enabled, "mounted": True}

    def _fetch(self, ctx: Context) -> None:
        archive = ctx.blobs((self.digest,))[self.digest]
        beside = files.temporary(self.image)
        Path(beside).parent.mkdir(0o755, parents=True, exist_ok=True)
        shutil.move(archive, beside)  # /var and /opt may be different disks
        run(("sync", beside), timeout=300)
        files.place(beside, self.image)

    def _digest(self) -> str | None:
        """What the image is. It is read as a whole only where the file is not the one that was noted."""
        with suppress(OSError):
            digest, _, noted = Path(self._mark).read_text().strip().partition(" ")
            if noted == self._identity():
                return digest
        with suppress(OSError), Path(self.image).open("rb") as image:
            return hashlib.file_digest(image, "sha256").hexdigest()
        return None

    @property
    def _mark(self) -> str:
        return f"{self.path}.noted"

    def _identity(self) -> str:
        """Changes with whatever is done to the file: nobody sets a ctime (inode(7))."""
        found = os.stat(self.image)  # noqa: PTH116 - all of these are its fields
        return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"

    def _note(self) -> None:
        digest = self._digest()
        files.write(self._mark, f"{digest} {self._identity()}\n".encode(), "root", "root", 0o644)

    def _is_mounted(self) -> bool:
        """Whether what is mounted is this very image, not one that it has replaced (sysfs, loop/backing_file)."""
        with suppress(OSError):
            device = os.stat(self.path).st_dev  # noqa: PTH116
            backing = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/loop/backing_file")
            return backing.read_text().strip() == self.image
        return False
