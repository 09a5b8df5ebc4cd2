"""The part `doors`: tokens at both doors over verified TLS, and what must not pass them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from wallcloud.catalog.management_door import PORT, TENANTS_PORT
from wallcloud.catalog.place import internal_name
from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.site.model import Kind, Role
from wallcloud.verify import apis
from wallcloud.verify.expectation import Probe

SILENT_SECONDS = 2.0


@frozen
class Credentials:
    """A user of the cloud."""

    user: str
    password: str
    project: str


@frozen
class _Door:
    place: str
    address: str
    name: str
    ca: str

    def what(self, kind: str, **more: object) -> dict[str, object]:
        return {"kind": kind, "address": self.address, "port": PORT, "name": self.name, "ca": self.ca, **more}


def admin_login(design: Design, ca: str, admin: Credentials) -> Probe:
    """What gets an admin's token at the management door, so that it can be tried from elsewhere."""
    return Probe("admin-token", "admin", "token", "an admin's token", _inner(design, ca).what("token", **vars(admin)))


def _inner(design: Design, ca: str) -> _Door:
    site = design.site
    control = site.nodes_with(Role.CONTROL)[0]
    management = site.networks_of(Kind.MANAGEMENT)[0]
    return _Door("admin", str(design.plan.address(control, management)), internal_name(site, control), ca)


def probes(
    design: Design, ca: str, admin: Credentials, member: Credentials | None, admin_token: str
) -> Iterator[Probe]:
    """Every probe of the part, each with an id of its own. A site without a public door has the management door's."""
    site = design.site
    management = site.networks_of(Kind.MANAGEMENT)[0]
    inner = _inner(design, ca)
    yield from _management(inner, admin)
    for api in site.nodes_with(Role.API):
        public = site.networks_of(Kind.PUBLIC)[0]
        outer = _Door("office", str(design.plan.address(api, public)), site.domain, ca)
        forbidden = tuple(str(design.plan.address(node, management)) for node in site.nodes)
        yield from _public(outer, inner, forbidden, admin, member, admin_token)
        hidden = (*forbidden, inner.name)
        yield from apis.probes(design, outer.place, outer.what, partial(_repeat, outer), hidden, admin_token)
    yield from _walls(design, management)


def _repeat(door: _Door, path: str) -> str:
    return f"wallcloud lab exec {door.place} -- curl --cacert .wallcloud/ca/cert.pem https://{door.name}{path}"


def _management(door: _Door, admin: Credentials) -> Iterator[Probe]:
    yield Probe(
        "management-door/verified",
        door.place,
        "verified",
        "the admin workstation verifies control's certificate against the site's CA",
        door.what("tls"),
        repeat=_repeat(door, "/identity/v3"),
    )
    yield Probe(
        "management-door/admin-token",
        door.place,
        "status 201",
        "an admin gets a token at the management door",
        door.what("login", **vars(admin)),
        repeat=_repeat(door, "/identity/v3/auth/tokens"),
    )
    yield Probe(
        "management-door/wrong-password",
        door.place,
        "status 401",
        "a wrong password gives no token",
        door.what("login", user=admin.user, password="wrong", project=admin.project),  # noqa: S106 - it is meant to be
        negative=True,
    )
    yield from _not_without_tls(door, "management-door")


def _not_without_tls(door: _Door, name: str) -> Iterator[Probe]:
    yield Probe(
        f"{name}/unknown-ca",
        door.place,
        "not verified",
        "who does not know the site's CA does not verify the door: it is no other's certificate",
        door.what("tls", ca=None),
        negative=True,
    )
    yield Probe(
        f"{name}/wrong-name",
        door.place,
        "not verified",
        "the certificate is for the door's own name alone",
        {**door.what("tls"), "name": "elsewhere.example"},
        negative=True,
    )
    yield Probe(
        f"{name}/plaintext", door.place, "refused", "nothing is served without TLS", door.what("plain"), negative=True
    )


def _public(
    door: _Door,
    inner: _Door,
    forbidden: tuple[str, ...],
    admin: Credentials,
    member: Credentials | None,
    admin_token: str,
) -> Iterator[Probe]:
    yield Probe(
        "public-door/verified",
        door.place,
        "verified",
        "the office verifies the cloud's certificate against the site's CA",
        door.what("tls"),
        repeat=_repeat(door, "/identity/v3"),
    )
    for path, status in (("/identity", 300), ("/identity/v3", 200), ("/identity/v3/projects", 401)):
        yield Probe(
            f"public-door/no-management-address{path}",
            door.place,
            f"status {status}",
            "no management address stands in a head or body",
            door.what("http", method="GET", path=path, forbidden=(*forbidden, inner.name)),
            repeat=_repeat(door, path),
        )
    if member:
        yield Probe(
            "public-door/member-token",
            door.place,
            "status 201",
            "a tenant gets a token at the public door, and no management address with it",
            door.what("login", **vars(member), forbidden=forbidden),
            repeat=_repeat(door, "/identity/v3/auth/tokens"),
        )
    yield Probe(
        "public-door/admin-login",
        door.place,
        "status 403",
        "an admin's login with a role is refused at the public door",
        door.what("login", **vars(admin)),
        negative=True,
    )
    for name, path, headers in (
        ("admin-token", "/identity/v3/users", {"X-Auth-Token": admin_token}),
        ("admin-token-as-subject", "/identity/v3/auth/tokens", _both(admin_token)),
    ):
        yield Probe(
            f"public-door/{name}",
            door.place,
            "status 403",
            "an admin's token, issued at the management door, is refused at the public one",
            door.what("http", method="GET", path=path, headers=headers),
            negative=True,
        )
    for path in ("/", "/placement", "/server-status", "/identity/../server-status"):
        yield Probe(
            f"public-door/nothing-else{path}",
            door.place,
            "status 403",
            "what is no tenants' API does not pass",
            door.what("http", method="GET", path=path),
            negative=True,
        )
    yield from _not_without_tls(door, "public-door")


def _both(token: str) -> dict[str, str]:
    return {"X-Auth-Token": token, "X-Subject-Token": token}


def _walls(design: Design, management: str) -> Iterator[Probe]:
    """A first few walls; the whole proof with packets is a part of its own."""
    for node in design.site.nodes:
        address = str(design.plan.address(node, management))
        for port in (22, PORT, TENANTS_PORT, 5671, 3306):
            yield Probe(
                f"wall/office/{node}/{port}",
                "office",
                "silent",
                "management is out of the office's reach, though it holds the routes",
                {"kind": "connect", "address": address, "port": port, "seconds": SILENT_SECONDS},
                negative=True,
                repeat=f"wallcloud lab exec office -- nc -vz -w 2 {address} {port}",
            )
        yield Probe(
            f"ssh/admin/{node}",
            "admin",
            "open",
            "admins reach every node by SSH",
            {"kind": "connect", "address": address, "port": 22, "seconds": SILENT_SECONDS},
            repeat=f"wallcloud lab exec admin -- nc -vz -w 2 {address} 22",
        )
