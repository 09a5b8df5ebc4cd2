"""Images in Glance, with the content that the site names."""

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, ResourceFailed, State, changed
from wallcloud.node.resources.api_client import JSON, Body
from wallcloud.node.resources.cloud_client import (
    MARK,
    CloudAccess,
    CloudResource,
    call,
    certain,
    forget,
    listed,
    own_project,
)
from wallcloud.node.resources.identity_client import session

CONTENT = "wallcloud_sha256"
"""The property that says what an image holds; it comes last, so an image without it is half made."""
LINKS = ("kernel_id", "ramdisk_id")
_BASE = {
    *("id", "name", "owner", "status", "visibility", "protected", "os_hidden", "tags", "created_at", "updated_at"),
    *("checksum", "os_hash_algo", "os_hash_value", "size", "virtual_size", "container_format", "disk_format"),
    *("min_ram", "min_disk", "self", "file", "stores", "schema", "locations", "direct_url"),
}
_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


@frozen(kw_only=True)
class CloudImage(CloudResource):
    """An image of the admin's for everybody. "community": usable by all, in nobody's list (kernels).

    Its content is the blob `digest`. `min_disk` in GiB, `min_ram` in MiB; `kernel` and `ramdisk` are names of other
    CloudImages, earlier in the spec. Other content means a new image; the old one is hidden, and goes when no server
    was made of it (ExclusiveCloudImages).
    """

    kind: ClassVar[str] = "cloud-image"
    image: str
    digest: str
    disk_format: str = "raw"
    container_format: str = "bare"
    visibility: Literal["public", "community"] = "public"
    min_disk: int = 0
    min_ram: int = 0
    properties: tuple[tuple[str, str], ...] = ()
    kernel: str = ""
    ramdisk: str = ""

    @property
    def name(self) -> str:
        return self.image

    def desired(self, ctx: Context) -> State:
        return {
            "content": self.digest,
            "disk format": self.disk_format,
            "container format": self.container_format,
            "visibility": self.visibility,
            "min disk": self.min_disk,
            "min ram": self.min_ram,
            "properties": tuple(sorted(f"{key}={value}" for key, value in self.properties)),
            "kernel": self.kernel,
            "ramdisk": self.ramdisk,
            "marked": True,
            "others of the name": 0,
        }

    def read(self, ctx: Context) -> State | None:
        found = offered(ctx, self.access, self.image)
        if not found:
            return None
        first, *others = found
        extra = {key: value for key, value in first.items() if not _ours(key)}
        return {
            "content": first.get(CONTENT, "") if first["status"] == "active" else first["status"],
            "disk format": first["disk_format"],
            "container format": first["container_format"],
            "visibility": first["visibility"],
            "min disk": first["min_disk"],
            "min ram": first["min_ram"],
            "properties": tuple(sorted(f"{key}={value}" for key, value in extra.items())),
            "kernel": self._link(ctx, first.get("kernel_id")),
            "ramdisk": self._link(ctx, first.get("ramdisk_id")),
            "marked": MARK in first["tags"],
            "others of the name": len(others),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        certain(ctx, self.access, "image", "/v2/images", **_query(session(ctx, self.access.identity).project, False))
        first, *others = offered(ctx, self.access, self.image) or (None,)
        if first is None or changed(changes, "content", "disk format", "container format"):
            others = [*others, *([first] if first else [])]
            first = self._upload(ctx)
        self._patch(ctx, first, self._wanted(ctx))
        for each in others:
            if whole(each):
                self._patch(ctx, each, {"os_hidden": True})
            else:
                call(ctx, self.access, "image", "DELETE", f"/v2/images/{each['id']}")

    def consequence(self, changes: tuple[Change, ...]) -> str:
        before = any(each.property == "content" and each.before for each in changes)
        return "servers keep the image that they were made of, hidden" if before else ""

    def _link(self, ctx: Context, id: str | None) -> str:
        """The name of the image with that id; the id where there is none of ours."""
        names = (str(each["name"]) for each in images(ctx, self.access) or () if each["id"] == id)
        return next(names, id or "")

    def _wanted(self, ctx: Context) -> dict[str, Any]:
        wanted: dict[str, Any] = {
            "visibility": self.visibility,
            "min_disk": self.min_disk,
            "min_ram": self.min_ram,
            "tags": [MARK],
            **dict(self.properties),
            CONTENT: self.digest,
        }
        for key, name in zip(LINKS, (self.kernel, self.ramdisk), strict=True):
            if name:
                found = next(iter(offered(ctx, self.access, name)), None)
                if found is None or not whole(found):
                    raise ResourceFailed(f"there is no image {name}", hint="its CloudImage must come first in the spec")
                wanted[key] = found["id"]
        return wanted

    def _patch(self, ctx: Context, found: JSON, wanted: Mapping[str, Any]) -> None:
        """Changes what differs; with CONTENT in `wanted`, other properties go."""
        acts: list[JSON] = [
            {"op": "replace" if key in found else "add", "path": f"/{key}", "value": value}
            for key, value in wanted.items()
            if found.get(key) != value
        ]
        if CONTENT in wanted:
            stray = (key for key in found if (not _ours(key) or key in LINKS) and key not in wanted)
            acts += [{"op": "remove", "path": f"/{key}"} for key in stray]
        if acts:
            call(ctx, self.access, "image", "PATCH", f"/v2/images/{found['id']}", acts, _PATCH)

    def _upload(self, ctx: Context) -> JSON:
        """A new image, active and private, whose content Glance has hashed to the same."""
        body: Body = {
            "name": self.image,
            "disk_format": self.disk_format,
            "container_format": self.container_format,
            "visibility": "private",
            "tags": [MARK],
        }
        file = ctx.blobs((self.digest,))[self.digest]
        made = call(ctx, self.access, "image", "POST", "/v2/images", body)
        where = f"/v2/images/{made['id']}"
        ctx.note(f"uploading {self.image}, {file.stat().st_size // 1_000_000} MB")
        octets = {"Content-Type": "application/octet-stream"}
        call(ctx, self.access, "image", "PUT", f"{where}/file", file, octets)
        made = call(ctx, self.access, "image", "GET", where)
        with file.open("rb") as content:
            own = hashlib.file_digest(content, made["os_hash_algo"] or "sha512").hexdigest()
        if made["status"] != "active" or made["os_hash_value"] != own:
            raise ResourceFailed(
                f"the image {self.image} did not arrive whole (status {made['status']})",
                tried=f"PUT {self.access.image}{where}/file",
                hint="apply again; is there room where Glance keeps images?",
            )
        return made


def images(ctx: Context, access: CloudAccess, *, hidden: bool = False) -> tuple[JSON, ...] | None:
    """The admin's images, `hidden` ones or the others; None where Glance cannot be asked (yet)."""
    project = own_project(ctx, access)
    return listed(ctx, access, "image", "/v2/images", **_query(project, hidden)) if project else None


def again(ctx: Context, access: CloudAccess) -> None:
    """Has both lists read anew."""
    for hidden in (False, True):
        forget(ctx, access, "image", "/v2/images", **_query(own_project(ctx, access), hidden))


def _query(project: str, hidden: bool) -> dict[str, str]:
    return {"owner": project, "visibility": "all", "os_hidden": str(hidden).lower()}


def offered(ctx: Context, access: CloudAccess, name: str) -> tuple[JSON, ...]:
    """Wallcloud's images of that name that are not hidden: whole ones first, then the newest."""
    found = [each for each in images(ctx, access) or () if each["name"] == name and marked(each)]
    found.sort(key=lambda each: (each["created_at"], each["id"]), reverse=True)
    return tuple(sorted(found, key=lambda each: not whole(each)))


def marked(image: JSON) -> bool:
    """Whether Wallcloud made it; either mark will do, so that one lost by a hand is seen and mended.

    A snapshot inherits its image's properties, and a VM that an admin put aside has its disk in the admin's project.
    """
    return "base_image_ref" not in image and (MARK in image["tags"] or CONTENT in image)


def whole(image: JSON) -> bool:
    """Whether its upload came to its end."""
    return image["status"] == "active" and CONTENT in image


def _ours(key: str) -> bool:
    """Whether a key is one of Glance's own, or compared by itself."""
    return key in _BASE or key == CONTENT or key in LINKS or key.startswith("os_glance_")
