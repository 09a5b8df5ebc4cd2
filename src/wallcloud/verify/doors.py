"""The part `doors`: tokens at both doors over verified TLS, and what must not pass them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from wallcloud.catalog.management_door import PORT, TENANTS_PORT
from wallcloud.catalog.place import internal_name
from wallcloud.design.compile import Design
from wallcloud.frozen import frozen
from wallcloud.site.model import Kind, Role
from wallcloud.verify import apis, by_hand
from wallcloud.verify.door import ELSEWHERE, Door, Tokens
from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.prober import login

SILENT_SECONDS = 2.0
_ADMIN, _SERVICE, _MEMBER = "admin-token", "service-token", "member-token"


@frozen
class Credentials:
    """A user of the cloud."""

    user: str
    password: str
    project: str


@frozen
class Users:
    """As whom doors are tried."""

    admin: Credentials
    service: Credentials
    """Of a service with the role `service` alone."""
    member: Credentials | None
    """Of the site's first project, where it has one."""


def logins(design: Design, ca: str, users: Users) -> Iterator[Probe]:
    """What gets the tokens that are tried: an admin's and a service's at the management door, a member's at the public
    one."""
    inner = _inner(design, ca, "")
    yield Probe(_ADMIN, inner.place, "token", "an admin's token", inner.what("token", **vars(users.admin)))
    yield Probe(_SERVICE, inner.place, "token", "a service's token", inner.what("token", **vars(users.service)))
    if users.member:
        for door in _outer(design, ca, ""):
            yield Probe(_MEMBER, door.place, "token", "a member's token", door.what("token", **vars(users.member)))


def tokens(seen: Iterable[Seen]) -> Tokens:
    """What the logins brought. Without a token (a door is down) the probes still run, and say what is wrong."""
    found = {each.probe.id: each.detail for each in seen if each.holds}
    return Tokens(*(found.get(name, "") for name in (_ADMIN, _SERVICE, _MEMBER)))


def _inner(design: Design, ca: str, ca_file: str) -> Door:
    site = design.site
    control = site.nodes_with(Role.CONTROL)[0]
    management = site.networks_of(Kind.MANAGEMENT)[0]
    return Door("admin", str(design.plan.address(control, management)), internal_name(site, control), ca, ca_file)


def _outer(design: Design, ca: str, ca_file: str) -> Iterator[Door]:
    """A site without a public door has none."""
    site = design.site
    for api in site.nodes_with(Role.API):
        public = site.networks_of(Kind.PUBLIC)[0]
        yield Door("office", str(design.plan.address(api, public)), site.domain, ca, ca_file)


def probes(design: Design, ca: str, ca_file: str, users: Users, got: Tokens) -> Iterator[Probe]:
    """Every probe of the part, each with an id of its own. A site without a public door has the management door's."""
    management = design.site.networks_of(Kind.MANAGEMENT)[0]
    inner = _inner(design, ca, ca_file)
    yield from _management(inner, users.admin)
    for outer in _outer(design, ca, ca_file):
        forbidden = tuple(str(design.plan.address(node, management)) for node in design.site.nodes)
        hidden = (*forbidden, inner.name)
        yield from _public(outer, forbidden, hidden, users, got.admin)
        yield from apis.probes(design, outer, hidden, got, member=users.member is not None)
    yield from _walls(design, management)


def _management(door: Door, admin: Credentials) -> Iterator[Probe]:
    yield Probe(
        "management-door/verified",
        door.place,
        "verified",
        "the admin workstation verifies control's certificate against the site's CA",
        door.what("tls"),
        repeat=door.curl("/identity/v3"),
    )
    yield Probe(
        "management-door/admin-token",
        door.place,
        "status 201",
        "an admin gets a token at the management door",
        door.what("login", **vars(admin)),
        repeat=by_hand.again("doors", "management-door/admin-token"),
    )
    wrong = Credentials(admin.user, "wrong", admin.project)
    yield Probe(
        "management-door/wrong-password",
        door.place,
        "status 401",
        "a wrong password gives no token",
        door.what("login", **vars(wrong)),
        negative=True,
        repeat=door.curl("/identity/v3/auth/tokens", options=_posted(wrong)),
    )
    yield from _not_without_tls(door, "management-door")


def _posted(wrong: Credentials) -> tuple[str, ...]:
    """For curl. Only of credentials that are none: they stand in an argument."""
    return ("-H", "Content-Type: application/json", "-d", json.dumps(login(wrong.user, wrong.password, wrong.project)))


def _not_without_tls(door: Door, name: str) -> Iterator[Probe]:
    yield Probe(
        f"{name}/unknown-ca",
        door.place,
        "not verified",
        "who does not know the site's CA does not verify the door: no CA that the whole world trusts vouches for it",
        door.what("tls", ca=None),
        negative=True,
        repeat=door.curl("/identity/v3", ca=False),
    )
    yield Probe(
        f"{name}/wrong-name",
        door.place,
        "not verified",
        "the certificate is for the door's own name alone",
        {**door.what("tls"), "name": ELSEWHERE},
        negative=True,
        repeat=door.curl("/identity/v3", name=ELSEWHERE),
    )
    yield Probe(
        f"{name}/plaintext",
        door.place,
        "refused",
        "nothing is served without TLS",
        door.what("plain"),
        negative=True,
        repeat=by_hand.at(door.place, ["curl", "-sSi", f"http://{door.address}:{PORT}/identity/v3"]),
    )


def _public(
    door: Door,
    forbidden: tuple[str, ...],
    hidden: tuple[str, ...],
    users: Users,
    admin_token: str,
) -> Iterator[Probe]:
    yield Probe(
        "public-door/verified",
        door.place,
        "verified",
        "the office verifies the cloud's certificate against the site's CA",
        door.what("tls"),
        repeat=door.curl("/identity/v3"),
    )
    for path, status in (("/identity", 300), ("/identity/v3", 200), ("/identity/v3/projects", 401)):
        yield Probe(
            f"public-door/no-management-address{path}",
            door.place,
            f"status {status}",
            "no management address stands in a head or body",
            door.what("http", method="GET", path=path, forbidden=hidden),
            repeat=door.curl(path),
        )
    if users.member:
        # Not the internal names: the catalog in a token has them, and they resolve on management alone.
        yield Probe(
            "public-door/member-token",
            door.place,
            "status 201",
            "a tenant gets a token at the public door, and no management address with it",
            door.what("login", **vars(users.member), forbidden=forbidden),
            repeat=by_hand.again("doors", "public-door/member-token"),
        )
    for who, user in (("admin", users.admin), ("service", users.service)):
        yield Probe(
            f"public-door/{who}-login",
            door.place,
            "status 403",
            f"a login with the role of {'an' if who == 'admin' else 'a'} {who} is refused at the public door",
            door.what("login", **vars(user)),
            negative=True,
            repeat=by_hand.again("doors", f"public-door/{who}-login"),
        )
    for name, path, headers in (
        (_ADMIN, "/identity/v3/users", {"X-Auth-Token": admin_token}),
        ("admin-token-as-subject", "/identity/v3/auth/tokens", _both(admin_token)),
    ):
        yield Probe(
            f"public-door/{name}",
            door.place,
            "status 403",
            "an admin's token, issued at the management door, is refused at the public one",
            door.what("http", method="GET", path=path, headers=headers),
            negative=True,
            repeat=by_hand.again("doors", f"public-door/{name}"),
        )
    for path in ("/", "/placement", "/server-status", "/identity/../server-status"):
        yield Probe(
            f"public-door/nothing-else{path}",
            door.place,
            "status 403",
            "what is no tenants' API does not pass",
            door.what("http", method="GET", path=path),
            negative=True,
            repeat=door.curl(path, options=("--path-as-is",)),
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
                repeat=by_hand.at("office", by_hand.connect(address, port)),
            )
        yield Probe(
            f"ssh/admin/{node}",
            "admin",
            "open",
            "admins reach every node by SSH",
            {"kind": "connect", "address": address, "port": 22, "seconds": SILENT_SECONDS},
            repeat=by_hand.at("admin", by_hand.connect(address, 22)),
        )
