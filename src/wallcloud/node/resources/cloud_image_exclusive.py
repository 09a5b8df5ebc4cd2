"""Images that Wallcloud made and the site no longer names: hidden at first, gone when no server was made of them."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, State
from wallcloud.node.resources.api_client import JSON
from wallcloud.node.resources.cloud_client import CloudResource, call, listed
from wallcloud.node.resources.cloud_image import LINKS, CloudImage, again, images, marked, whole

_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
_HIDE: list[JSON] = [{"op": "replace", "path": "/os_hidden", "value": True}]


@frozen(kw_only=True)
class ExclusiveCloudImages(CloudResource):
    """No image of Wallcloud's making is offered but those that the spec names, and no hidden one is kept for nothing.

    Hidden images are kept while a server was made of them (it may be rebuilt) or while they are the kernel of another.
    """

    kind: ClassVar[str] = "exclusive-cloud-images"

    @property
    def name(self) -> str:
        return "images"

    def desired(self, ctx: Context) -> State:
        return {"strangers": (), "unused": ()}

    def read(self, ctx: Context) -> State | None:
        if images(ctx, self.access) is None:
            return None
        return {"strangers": _names(self._strangers(ctx)), "unused": _names(self._unused(ctx))}

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        for each in self._strangers(ctx):
            if whole(each):
                call(ctx, self.access, "image", "PATCH", f"/v2/images/{each['id']}", _HIDE, _PATCH)
            else:
                call(ctx, self.access, "image", "DELETE", f"/v2/images/{each['id']}")
        again(ctx, self.access)
        while unused := self._unused(ctx):  # a kernel is unused when the image that names it is gone
            for each in unused:
                call(ctx, self.access, "image", "DELETE", f"/v2/images/{each['id']}")
            again(ctx, self.access)

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "no new servers are made of them"

    def _strangers(self, ctx: Context) -> list[JSON]:
        kept = {each.image for each in ctx.resources if isinstance(each, CloudImage)}
        return [each for each in images(ctx, self.access) or () if marked(each) and each["name"] not in kept]

    def _unused(self, ctx: Context) -> list[JSON]:
        hidden = [each for each in images(ctx, self.access, hidden=True) or () if marked(each)]
        kernels = {
            each.get(key) for each in (*hidden, *(images(ctx, self.access) or ())) for key in LINKS if each.get(key)
        }
        return [each for each in hidden if each["id"] not in kernels and not self._used(ctx, each)]

    def _used(self, ctx: Context, image: JSON) -> bool:
        """Whether there is a server of it, or Nova cannot say."""
        servers = listed(ctx, self.access, "compute", "/servers", all_tenants="1", image=image["id"], limit="1")
        return servers is None or bool(servers)


def _names(found: list[JSON]) -> tuple[str, ...]:
    return tuple(sorted(f"{each['name']} ({each['id']})" for each in found))
