"""The tenants' APIs at the public door: no admin's token, nothing without a token, no management address."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wallcloud.design.compile import Design
from wallcloud.verify.expectation import Probe

PATHS = {
    # type of the API: (a path of it that needs a token, its versions and with which status they are shown)
    "compute": ("/v2.1/servers", "/", 200),
    "image": ("/v2/images", "/versions", 200),
    "network": ("/v2.0/networks", "/", 200),
}

What = Callable[..., dict[str, object]]
"""(kind, …) → what the prober is told, for one door."""


def probes(
    design: Design, place: str, what: What, repeat: Callable[[str], str], forbidden: tuple[str, ...], admin_token: str
) -> Iterator[Probe]:
    """For each API but Keystone's own, which the door's other probes look at."""
    for name in design.placed:
        api = design.catalog[name].api
        if api is None or not api.public or api.type not in PATHS:
            continue
        path, versions, status = PATHS[api.type]
        yield Probe(
            f"public-door/versions{api.prefix}",
            place,
            f"status {status}",
            f"the {api.type} API answers, and no management address stands in head or body",
            what("http", method="GET", path=f"{api.prefix}{versions}", forbidden=forbidden),
            repeat=repeat(f"{api.prefix}{versions}"),
        )
        yield Probe(
            f"public-door/without-token{api.prefix}",
            place,
            "status 401",
            f"without a token the {api.type} API tells nothing, and names the public door alone",
            what("http", method="GET", path=f"{api.prefix}{path}", forbidden=forbidden),
            negative=True,
            repeat=repeat(f"{api.prefix}{path}"),
        )
        for header in ("X-Auth-Token", "X-Service-Token"):
            yield Probe(
                f"public-door/admin-{header.lower()}{api.prefix}",
                place,
                "status 403" if header == "X-Auth-Token" else "status 401",
                f"the {api.type} API takes no admin's token from the public door",
                what("http", method="GET", path=f"{api.prefix}{path}", headers={header: admin_token}),
                negative=True,
            )
