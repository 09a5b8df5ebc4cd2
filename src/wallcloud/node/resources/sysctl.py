"""One kernel parameter, live. Its value at boot is a File in /etc/sysctl.d of the design."""

from pathlib import Path
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State


@frozen(kw_only=True)
class Sysctl(Resource):
    """`key` with dots, or with slashes where an interface's name holds a dot (sysctl(8))."""

    kind: ClassVar[str] = "sysctl"
    key: str
    value: str

    @property
    def name(self) -> str:
        return self.key

    @property
    def _path(self) -> Path:
        return Path("/proc/sys") / (self.key if "/" in self.key else self.key.replace(".", "/"))

    def desired(self, ctx: Context) -> State:
        return {"value": " ".join(self.value.split())}

    def read(self, ctx: Context) -> State | None:
        try:
            return {"value": " ".join(self._path.read_text().split())}
        except OSError:
            return None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        try:
            self._path.write_text(self.value + "\n")
        except FileNotFoundError:
            raise ResourceFailed(
                f"this kernel has no {self.key}",
                tried=f"write {self._path}",
                hint="its module may be missing, or the interface it names",
            ) from None
        except OSError as error:
            raise ResourceFailed(
                f"the kernel refuses {self.key} = {self.value}",
                tried=f"write {self._path}",
                output=(error.strerror or str(error),),
                hint="in a container the host may own this parameter",
            ) from None
