"""The tenants' APIs at the public door: no admin's token, nothing without a token, no management address."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.design.compile import Design
from wallcloud.verify import by_hand
from wallcloud.verify.door import Door, Tokens
from wallcloud.verify.expectation import Probe

PATHS = {
    # type of the API: (a path of it that needs a token, its versions and with which status they are shown)
    "compute": ("/v2.1/servers", "/", 200),
    "image": ("/v2/images", "/versions", 200),
    "network": ("/v2.0/networks", "/", 200),
}
_SERVED, _REFUSED = 200, 403


def probes(design: Design, door: Door, forbidden: tuple[str, ...], got: Tokens, *, member: bool) -> Iterator[Probe]:
    """For each API but Keystone's own, which the door's other probes look at; with a member's token where the site has
    a member."""
    for name in design.placed:
        api = design.catalog[name].api
        if api is None or not api.public or api.type not in PATHS:
            continue
        path, versions, status = PATHS[api.type]
        yield Probe(
            f"public-door/versions{api.prefix}",
            door.place,
            f"status {status}",
            f"the {api.type} API answers, and no management address stands in head or body",
            door.what("http", method="GET", path=f"{api.prefix}{versions}", forbidden=forbidden),
            repeat=door.curl(f"{api.prefix}{versions}"),
        )
        yield Probe(
            f"public-door/without-token{api.prefix}",
            door.place,
            "status 401",
            f"without a token the {api.type} API tells nothing, and names the public door alone",
            door.what("http", method="GET", path=f"{api.prefix}{path}", forbidden=forbidden),
            negative=True,
            repeat=door.curl(f"{api.prefix}{path}"),
        )
        why = f"the {api.type} API takes no admin's token from the public door"
        yield _tried(door, api.prefix, path, "admin-x-auth-token", _REFUSED, why, auth=got.admin)
        if member:
            why = f"the {api.type} API takes a member's token from the public door"
            yield _tried(door, api.prefix, path, "member-x-auth-token", _SERVED, why, auth=got.member)
            both = {"auth": got.member, "service": got.service}
            # Alone a service's token is nobody's to keystonemiddleware, and one without the role `service` is none to
            # it: 401, whatever the door thinks of it. Beside a member's it lends him the service's power.
            why = f"the {api.type} API takes no service's token from the public door, as from who speaks for a member"
            yield _tried(door, api.prefix, path, "service-x-service-token", _REFUSED, why, **both)


def _tried(door: Door, prefix: str, path: str, name: str, status: int, why: str, **tokens: str) -> Probe:
    """A request that shows `tokens`: whose (`auth`, `service`) → the token."""
    id_ = f"public-door/{name}{prefix}"
    headers = {f"X-{whose.title()}-Token": token for whose, token in tokens.items()}
    what = door.what("http", method="GET", path=f"{prefix}{path}", headers=headers)
    again = by_hand.again("doors", id_)
    return Probe(id_, door.place, f"status {status}", why, what, negative=status == _REFUSED, repeat=again)
