"""What tenants find in Nova: flavors, and how much each project may use."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, State, changed
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import MARK, CloudAccess, CloudResource, call, certain, listed

_FLAVORS = "/flavors"
_CLASS = "/os-quota-class-sets/default"


@frozen(kw_only=True)
class CloudFlavor(CloudResource):
    """A public size of VM. `ram` and `swap` in MiB, `disk` in GiB; `extra` pairs of extra specs.

    Its id is made of its name, so that it stays where Nova, which changes no flavor, has to make it anew; servers keep
    a copy of the flavor that they were made with.
    """

    kind: ClassVar[str] = "cloud-flavor"
    flavor: str
    vcpus: int
    ram: int
    disk: int
    swap: int = 0
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return self.flavor

    @property
    def id(self) -> str:
        return f"{MARK}-{self.flavor}"

    def desired(self, ctx: Context) -> State:
        return {
            "vcpus": self.vcpus,
            "ram": self.ram,
            "disk": self.disk,
            "swap": self.swap,
            "ephemeral": 0,
            "public": True,
            "extra specs": tuple(sorted(f"{key}={value}" for key, value in self.extra)),
        }

    def read(self, ctx: Context) -> State | None:
        found = self._found(ctx)
        return found and {
            "vcpus": found["vcpus"],
            "ram": found["ram"],
            "disk": found["disk"],
            "swap": found["swap"] or 0,
            "ephemeral": found["OS-FLV-EXT-DATA:ephemeral"],
            "public": found["os-flavor-access:is_public"],
            "extra specs": tuple(sorted(f"{key}={value}" for key, value in found["extra_specs"].items())),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        certain(ctx, self.access, "compute", f"{_FLAVORS}/detail", is_public="None")
        found = self._found(ctx)
        if found and changed(changes, *(set(self.desired(ctx)) - {"extra specs"})):
            call(ctx, self.access, "compute", "DELETE", f"{_FLAVORS}/{self.id}")
            found = None
        if found is None:
            size = {"vcpus": self.vcpus, "ram": self.ram, "disk": self.disk, "swap": self.swap}
            body = {"name": self.flavor, "id": self.id, **size, "os-flavor-access:is_public": True}
            call(ctx, self.access, "compute", "POST", _FLAVORS, {"flavor": body})
        wanted, there = dict(self.extra), dict(found["extra_specs"]) if found else {}
        specs = f"{_FLAVORS}/{self.id}/os-extra_specs"
        for key in there.keys() - wanted.keys():
            call(ctx, self.access, "compute", "DELETE", f"{specs}/{key}")
        if wanted != there and wanted:
            call(ctx, self.access, "compute", "POST", specs, {"extra_specs": wanted})

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "servers keep the size that they have" if any(each.before is not None for each in changes) else ""

    def _found(self, ctx: Context) -> JSON | None:
        return next((each for each in flavors(ctx, self.access) or () if each["id"] == self.id), None)


@frozen(kw_only=True)
class ExclusiveCloudFlavors(CloudResource):
    """No flavor of Wallcloud's making but those that the spec names."""

    kind: ClassVar[str] = "exclusive-cloud-flavors"

    @property
    def name(self) -> str:
        return "flavors"

    def desired(self, ctx: Context) -> State:
        return {"strangers": ()}

    def read(self, ctx: Context) -> State | None:
        found = flavors(ctx, self.access)
        return None if found is None else {"strangers": tuple(sorted(each["name"] for each in self._strangers(ctx)))}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        for each in self._strangers(ctx):
            call(ctx, self.access, "compute", "DELETE", f"{_FLAVORS}/{each['id']}")

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "servers keep the size that they have"

    def _strangers(self, ctx: Context) -> list[JSON]:
        kept = {each.id for each in ctx.resources if isinstance(each, CloudFlavor)}
        return [
            each
            for each in flavors(ctx, self.access) or ()
            if each["id"].startswith(f"{MARK}-") and each["id"] not in kept
        ]


@frozen(kw_only=True)
class CloudQuota(CloudResource):
    """What each project may use of Nova unless an admin sets it for that project: ("cores", 20), …; -1 = no limit."""

    kind: ClassVar[str] = "cloud-quota"
    limits: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        return "quota of every project in Nova"

    def desired(self, ctx: Context) -> State:
        return dict(self.limits)

    def read(self, ctx: Context) -> State | None:
        found = listed(ctx, self.access, "compute", _CLASS, key="quota_class_set")
        return None if found is None else {name: found[0].get(name) for name, _ in self.limits}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        call(ctx, self.access, "compute", "PUT", _CLASS, {"quota_class_set": dict(self.limits)})


def flavors(ctx: Context, access: CloudAccess) -> tuple[JSON, ...] | None:
    """All flavors, private ones too; None where Nova cannot be asked (yet)."""
    return listed(ctx, access, "compute", f"{_FLAVORS}/detail", is_public="None")
