"""A door as it is tried, and the tokens that are tried there."""

from __future__ import annotations

from wallcloud.catalog.management_door import PORT
from wallcloud.frozen import frozen
from wallcloud.verify import by_hand

ELSEWHERE = "elsewhere.example"
"""No server of the site's has this name."""


@frozen
class Tokens:
    """What doors gave out, to be tried at the public one; "" where there is none."""

    admin: str
    service: str
    member: str


@frozen
class Door:
    """A place, and the address and name of the door that is tried from there."""

    place: str
    address: str
    name: str
    ca: str
    """The site's CA as PEM."""
    ca_file: str
    """The same as a file of the deployer's, for who tries by hand."""

    def what(self, kind: str, **more: object) -> dict[str, object]:
        """What the prober is told."""
        return {"kind": kind, "address": self.address, "port": PORT, "name": self.name, "ca": self.ca, **more}

    def curl(self, *path: str, options: tuple[str, ...] = (), ca: bool = True, name: str = "") -> str:
        """The same by hand. `--resolve`: the place needs no resolver, as the prober needs none."""
        name = name or self.name
        trust = ("--cacert", self.ca_file) if ca else ()
        urls = [f"https://{name}{each}" for each in path]
        argv = ["curl", "-sSi", *trust, "--resolve", f"{name}:{PORT}:{self.address}", *options, *urls]
        return by_hand.at(self.place, argv)
