"""The tenants' APIs at the public door: no admin's token, nothing without a token, no management address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wallcloud.design.compile import Design
from wallcloud.verify import by_hand
from wallcloud.verify.expectation import Probe

if TYPE_CHECKING:
    from wallcloud.verify.doors import Door

PATHS = {
    # type of the API: (a path of it that needs a token, its versions and with which status they are shown)
    "compute": ("/v2.1/servers", "/", 200),
    "image": ("/v2/images", "/versions", 200),
    "network": ("/v2.0/networks", "/", 200),
}


def probes(
    design: Design, door: Door, forbidden: tuple[str, ...], admin_token: str, member_token: str | None
) -> Iterator[Probe]:
    """For each API but Keystone's own, which the door's other probes look at. `member_token`: None where the site has
    no member."""
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
        asked = {"method": "GET", "path": f"{api.prefix}{path}"}
        yield Probe(
            f"public-door/without-token{api.prefix}",
            door.place,
            "status 401",
            f"without a token the {api.type} API tells nothing, and names the public door alone",
            door.what("http", **asked, forbidden=forbidden),
            negative=True,
            repeat=door.curl(f"{api.prefix}{path}"),
        )
        tries = {"admin-x-auth-token": {"X-Auth-Token": admin_token}}
        if member_token is not None:
            member = {"X-Auth-Token": member_token}
            yield Probe(
                f"public-door/member-x-auth-token{api.prefix}",
                door.place,
                "status 200",
                f"the {api.type} API takes a member's token from the public door: what refuses the next is the other",
                door.what("http", **asked, headers=member),
                repeat=by_hand.again("doors", f"public-door/member-x-auth-token{api.prefix}"),
            )
            # A service's token alone is nobody's to authtoken: beside a member's it would lend him its power.
            tries["admin-x-service-token"] = {**member, "X-Service-Token": admin_token}
        for header, headers in tries.items():
            yield Probe(
                f"public-door/{header}{api.prefix}",
                door.place,
                "status 403",
                f"the {api.type} API takes no admin's token from the public door",
                door.what("http", **asked, headers=headers),
                negative=True,
                repeat=by_hand.again("doors", f"public-door/{header}{api.prefix}"),
            )
