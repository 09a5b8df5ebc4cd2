"""Keystone's catalog: services, endpoints, and nothing else."""

from collections.abc import Iterable
from typing import ClassVar, TypeVar
from urllib.parse import quote

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State
from wallcloud.node.resources import identity_lists as lists
from wallcloud.node.resources.identity import IdentityBootstrap
from wallcloud.node.resources.identity_client import IdentityAccess, session

T = TypeVar("T", bound=Resource)


@frozen(kw_only=True)
class IdentityService(Resource):
    """A service of the catalog, known by its name ("keystone") and told by its type ("identity")."""

    kind: ClassVar[str] = "identity-service"
    access: IdentityAccess
    service: str
    type: str
    description: str = ""

    @property
    def name(self) -> str:
        return self.service

    def desired(self, ctx: Context) -> State:
        return {"type": self.type, "enabled": True, "description": self.description}

    def read(self, ctx: Context) -> State | None:
        found = service(ctx, self.access, self.service)
        return {"type": found.type, "enabled": found.enabled, "description": found.description} if found else None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        wanted = {**self.desired(ctx), "name": self.service}
        found, door = service(ctx, self.access, self.service), session(ctx, self.access)
        if found:
            door.call("PATCH", f"/services/{found.id}", {"service": wanted})
        else:
            door.call("POST", "/services", {"service": wanted})


@frozen(kw_only=True)
class IdentityEndpoint(Resource):
    """Where a service is reached: `interface` is public, internal or admin. The region exists."""

    kind: ClassVar[str] = "identity-endpoint"
    access: IdentityAccess
    service: str
    interface: str
    url: str
    region: str

    @property
    def name(self) -> str:
        return f"{self.service} {self.interface} in {self.region}"

    def desired(self, ctx: Context) -> State:
        return {"url": self.url, "enabled": True}

    def read(self, ctx: Context) -> State | None:
        found = self.found(ctx)
        return {"url": found.url, "enabled": found.enabled} if found else None

    def found(self, ctx: Context) -> lists.Endpoint | None:
        """The endpoint; of several, the first by id."""
        owner = service(ctx, self.access, self.service)
        key = (owner.id if owner else None, self.interface, self.region)
        fitting = [
            each
            for each in lists.endpoints(ctx, self.access) or ()
            if (each.service, each.interface, each.region) == key
        ]
        return min(fitting, key=lambda each: each.id, default=None)

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        wanted = dict(self.desired(ctx))
        found, owner, door = self.found(ctx), service(ctx, self.access, self.service), session(ctx, self.access)
        if owner is None:
            raise ResourceFailed(f"there is no service {self.service}", hint="its IdentityService must come first")
        if found:
            door.call("PATCH", f"/endpoints/{found.id}", {"endpoint": wanted})
            return
        place = {"service_id": owner.id, "interface": self.interface, "region_id": self.region}
        door.call("POST", "/endpoints", {"endpoint": {**wanted, **place}})


@frozen(kw_only=True)
class ExclusiveIdentityCatalog(Resource):
    """No service, endpoint or region but those that the spec names, and services of the names in `keep`."""

    kind: ClassVar[str] = "exclusive-identity-catalog"
    access: IdentityAccess
    keep: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "catalog"

    def desired(self, ctx: Context) -> State:
        return {"services": (), "endpoints": (), "regions": ()}

    def read(self, ctx: Context) -> State | None:
        found = lists.services(ctx, self.access)
        if found is None:
            return None
        names = {each.id: each.name for each in found}
        return {
            "services": tuple(sorted(each.text for each in self._services(ctx))),
            "endpoints": tuple(
                sorted(
                    f"{names.get(each.service, each.service)} {each.interface} {each.url}"
                    for each in self._endpoints(ctx)
                )
            ),
            "regions": self._regions(ctx),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        door = session(ctx, self.access)
        for endpoint in self._endpoints(ctx):
            door.call("DELETE", f"/endpoints/{endpoint.id}")
        for each in self._services(ctx):
            door.call("DELETE", f"/services/{each.id}")
        for region in self._regions(ctx):
            door.call("DELETE", f"/regions/{quote(region, safe='')}")

    def _services(self, ctx: Context) -> list[lists.Service]:
        kept = {
            each.id for name in self._names(ctx) if (each := service(ctx, self.access, name))
        }  # the one that the IdentityService of that name means; a second of the name is a stranger
        return [each for each in lists.services(ctx, self.access) or () if each.id not in kept]

    def _endpoints(self, ctx: Context) -> list[lists.Endpoint]:
        meant = {each.id for wish in _of(ctx, IdentityEndpoint) if (each := wish.found(ctx))}
        kept = {owner.id for name in self.keep if (owner := service(ctx, self.access, name))}
        return [
            each
            for each in lists.endpoints(ctx, self.access) or ()
            if each.id not in meant and each.service not in kept
        ]

    def _regions(self, ctx: Context) -> tuple[str, ...]:
        kept = {each.region for each in _of(ctx, IdentityEndpoint)} | {
            each.region for each in _of(ctx, IdentityBootstrap)
        }
        used = {each.region for each in lists.endpoints(ctx, self.access) or ()} - {
            each.region for each in self._endpoints(ctx)
        }
        return tuple(sorted(set(lists.regions(ctx, self.access) or ()) - kept - used))

    def _names(self, ctx: Context) -> set[str]:
        return {*self.keep, *(each.service for each in _of(ctx, IdentityService))}

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "clients no longer find what goes"


def service(ctx: Context, access: IdentityAccess, name: str) -> lists.Service | None:
    """The service of that name; of several, the first by id."""
    found = (each for each in lists.services(ctx, access) or () if each.name == name)
    return min(found, key=lambda each: each.id, default=None)


def _of(ctx: Context, kind: type[T]) -> Iterable[T]:
    return tuple(each for each in ctx.resources if isinstance(each, kind))
