"""Debian packages from the pool that the deployer built: no other source is asked, and no daemon starts."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import apt, dpkg, systemd
from wallcloud.node.resource import Change, Context, Resource, State, Value


@frozen(kw_only=True)
class Packages(Resource):
    """`names` are installed, with all they depend on, and none is older than the pool has it.

    `index` is the sha256 of an apt `Packages` file (a blob) whose `Filename:` are `<sha256>.deb`, blobs too. One
    property for each name; `index` is the pool that the node was brought to.
    """

    kind: ClassVar[str] = "packages"
    names: tuple[str, ...]
    index: str

    @property
    def name(self) -> str:
        return f"{len(self.names)} packages"

    def desired(self, ctx: Context) -> State:
        state: dict[str, Value] = dict.fromkeys(self.names, "installed")
        return {
            **state,
            "dependencies missing": (),
            "older than the pool": (),
            "interrupted": (),
            "start of daemons": "as the node had it",
            "pool": self.index[:16],
        }

    def read(self, ctx: Context) -> State | None:
        found = dpkg.installed(ctx)
        pool = apt.kept_index(ctx, self.index)
        state: dict[str, Value] = {name: _status(found, name) for name in self.names}
        return {
            **state,
            "dependencies missing": dpkg.missing(found, self.names),
            "older than the pool": tuple(
                f"{name} {found.packages[name].version} < {version}" for name, version in _older(found, pool)
            ),
            "interrupted": dpkg.interrupted(found),
            "start of daemons": "forbidden by an interrupted installation" if apt.forbidden() else "as the node had it",
            "pool": self.index[:16] if pool is not None else None,
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        index = ctx.blobs((self.index,))[self.index]
        pool = apt.versions(index)
        apt.wait_for_lock(ctx)
        with apt.no_daemon_starts():
            if dpkg.interrupted(dpkg.installed(ctx)):
                apt.mend(ctx)
                ctx.forget("dpkg")
            found = dpkg.installed(ctx)
            lacking = [name for name in self.names if _status(found, name) != "installed"]
            lacking += [name for name in dpkg.missing(found, self.names) if name in pool]
            # What a power cut left half unpacked no `dpkg --configure` finishes (dpkg(1), half-installed): it is
            # installed anew, also where it is another resource's, since nothing can be installed beside it.
            half = tuple(name for name in dpkg.interrupted(found) if name in pool)
            older = [f"{name}={version}" for name, version in _older(found, pool)]
            if lacking or older or half:
                apt.install(ctx, index, tuple(dict.fromkeys((*lacking, *older, *half))), half)
        systemd.daemon_reload()  # also for what an installation that was cut off from us went on to install
        apt.keep_index(self.index, index)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return (
            "installs packages; none of their daemons starts"
            if any(each.after == "installed" for each in changes)
            else ""
        )


def _status(found: dpkg.Installed, name: str) -> str:
    package = found.packages.get(name)
    if package is None or package.status in {"not-installed", ""}:
        return "absent"
    return "removed, its settings left" if package.status == "config-files" else package.status


def _older(found: dpkg.Installed, pool: "dict[str, str] | None") -> list[tuple[str, str]]:
    """Installed packages that the pool has newer, with the pool's version."""
    return [
        (name, version)
        for name, version in sorted((pool or {}).items())
        if name in found.packages
        and found.packages[name].installed
        and dpkg.older(found.packages[name].version, version)
    ]
