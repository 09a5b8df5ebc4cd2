"""Images' data as a backup has it: files whose records are in Glance's database already."""

import hashlib
import os
from pathlib import Path
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import files
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State
from wallcloud.node.spec import Record

_MIB = 1 << 20


@frozen(kw_only=True)
class ImageData(Record):
    """An image's data: `size` in bytes, `digest` its SHA-512, empty where the record has another."""

    id: str
    size: int
    digest: str


@frozen(kw_only=True)
class RestoredImages(Resource):
    """Each of `images` is in `store` with its size, `owner`'s; what lacks comes as the stream `images/ID`.

    An image's data never changes, and it gets its name only when all of it is right: who has the size is right.
    """

    kind: ClassVar[str] = "restored-images"
    store: str
    owner: str
    images: tuple[ImageData, ...]

    @property
    def name(self) -> str:
        return self.store

    def desired(self, ctx: Context) -> State:
        return {"lacking": ()}

    def read(self, ctx: Context) -> State | None:
        return {"lacking": tuple(each.id for each in self._lacking())}

    def _lacking(self) -> list[ImageData]:
        found = {each.id: files.status(f"{self.store}/{each.id}") for each in self.images}
        return [each for each in self.images if (status := found[each.id]) is None or status.st_size != each.size]

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        lacking = self._lacking()
        total, done = sum(each.size for each in lacking), 0
        for number, each in enumerate(lacking, 1):
            ctx.note(f"image {number} of {len(lacking)}: {done // _MIB} of {total // _MIB} MiB", done, total)
            self._fetch(ctx, each)
            done += each.size

    def _fetch(self, ctx: Context, image: ImageData) -> None:
        place = Path(self.store, image.id)
        beside = place.with_name(f".{image.id}.part")
        digest = hashlib.sha512()
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
                for piece in ctx.stream(f"images/{image.id}"):
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            if size != image.size or (image.digest and digest.hexdigest() != image.digest):
                raise ResourceFailed(f"the data of the image {image.id} did not arrive whole", hint="restore again")
            files.own(str(beside), self.owner, self.owner, 0o640)
            beside.rename(place)
        finally:
            beside.unlink(missing_ok=True)
