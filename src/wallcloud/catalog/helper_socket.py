"""A socket of systemd's at which one account alone asks for privileged helpers: names, and the socket's unit."""

from __future__ import annotations

from wallcloud.catalog.component import ROOT, OwnSocket
from wallcloud.catalog.place import Place
from wallcloud.frozen import frozen
from wallcloud.node.resources import Unit


@frozen
class HelperSocket:
    """Of one kind of helper of the component of `place`; `kind` is a part of every name."""

    place: Place
    kind: str

    @property
    def base(self) -> str:
        """What the units' names begin with."""
        return f"wallcloud-{self.kind}-{self.place.component.name}"

    @property
    def unit(self) -> str:
        """The socket's unit: the unit of who asks requires it."""
        return f"{self.base}.socket"

    @property
    def template(self) -> str:
        """The unit of each helper."""
        return f"{self.base}@.service"

    @property
    def path(self) -> str:
        """The socket."""
        return f"/run/wallcloud/{self.kind}-{self.place.component.name}.sock"

    @property
    def script(self) -> str:
        """The program that asks, and serves."""
        return f"/usr/lib/wallcloud/{self.kind}-{self.place.component.name}.py"

    @property
    def command(self) -> str:
        """How to ask."""
        return f"/usr/bin/python3 -I {self.script} ask {self.path}"

    def socket(self) -> OwnSocket:
        """The socket, which systemd has open; who is served is another unit's."""
        name = self.place.component.account.name
        return OwnSocket("unix", self.path, "asks for helpers", account=ROOT, always=True, members=name)

    def resource(self, what: str, most: int) -> Unit:
        """The socket's unit. `what` is done there; at `most` so many helpers at once."""
        return Unit(
            unit=self.unit,
            text=f"""\
[Unit]
Description=Wallcloud: where {self.place.component.title} {what}

[Socket]
ListenStream={self.path}
Accept=yes
MaxConnections={most}
# Whoever can ask gets what he asks for, with the helper's capabilities.
SocketUser={self.place.component.account.name}
SocketMode=0600
DirectoryMode=0755
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
""",
            component=self.place.component.name,
            reason="its account alone may ask",
        )
