"""Asking Glance, Nova, Neutron and Placement as the admin, with Keystone's session: its token, and its connection where
they stand behind the same door. Lists are read whole and once until something is applied.

What Wallcloud made there is marked (MARK) and belongs to the admin's project: tenants may use any tag they like, but
never in that project.
"""

from collections.abc import Iterator, Mapping
from typing import Literal
from urllib.parse import urlencode, urlsplit

from wallcloud.frozen import frozen
from wallcloud.node.resource import Context, Resource, ResourceFailed
from wallcloud.node.resources.api_client import JSON, Answer, Away, Body, Client
from wallcloud.node.resources.identity_client import IdentityAccess, Refused, Session, login, login_key, session
from wallcloud.node.resources.unit import all_run
from wallcloud.node.spec import Record

MARK = "wallcloud"
"""The tag of what is Wallcloud's."""

Service = Literal["image", "compute", "network", "placement"]
NAMES: Mapping[Service, str] = {"image": "Glance", "compute": "Nova", "network": "Neutron", "placement": "Placement"}
VERSIONS: Mapping[Service, str] = {"compute": "compute 2.90", "placement": "placement 1.39"}
"""Microversions: what is read and written here has these shapes."""
PAGED = {"/flavors/detail", "/v2/images", "/servers/detail"}
PAGE = 1000
"""Glance and Nova give no more at once."""


@frozen(kw_only=True)
class CloudAccess(Record):
    """Where the APIs are: each URL as it stands before /v2 (Glance), /v2.0 (Neutron), /resource_providers (Placement),
    and with /v2.1 for Nova."""

    identity: IdentityAccess
    image: str
    compute: str
    network: str
    placement: str

    def url(self, service: Service) -> str:
        return {
            "image": self.image,
            "compute": self.compute,
            "network": self.network,
            "placement": self.placement,
        }[service]


@frozen(kw_only=True)
class CloudResource(Resource):
    """Base of the kinds that are read and written through these APIs."""

    access: CloudAccess

    def ahead(self, ctx: Context) -> None:
        if all_run(ctx):
            self.read(ctx)


def listed(
    ctx: Context,
    access: CloudAccess,
    service: Service,
    path: str,
    key: str = "",
    **query: str,
) -> tuple[JSON, ...] | None:
    """The list under `key` of the answer (unless said, `path`'s last word: "/v2.0/networks" → "networks",
    "/flavors/detail" → "flavors"), or the one object there; None where the service cannot be asked (yet).
    Raises ResourceFailed in the service's own words."""
    name = key or path.removesuffix("/detail").rpartition("/")[2].replace("os-", "").replace("-", "_")

    def ask() -> tuple[JSON, ...] | None:
        door = login(ctx, access.identity)
        if not isinstance(door, Session):
            return None
        try:
            return _pages(ctx, door, access, service, path, name, query)
        except Away:
            return None

    return ctx.cached(f"cloud {access.url(service)} {path} {sorted(query.items())}", ask)


def certain(ctx: Context, access: CloudAccess, service: Service, path: str, **query: str) -> tuple[JSON, ...]:
    """`listed`, asked now: what an apply rests on, since a service that was away for a moment looked empty. It stays
    remembered. Raises ResourceFailed where there is no answer."""
    ctx.forget(login_key(access.identity))
    session(ctx, access.identity)
    forget(ctx, access, service, path, **query)
    found = listed(ctx, access, service, path, **query)
    if found is None:
        raise ResourceFailed(
            f"{NAMES[service]} does not answer",
            tried=f"GET {access.url(service)}{path}",
            hint=f"journalctl -u 'wallcloud-*' on the node says why {NAMES[service]} is away",
        )
    return found


def forget(ctx: Context, access: CloudAccess, service: Service, path: str, **query: str) -> None:
    """Has a list read anew, where an apply itself changed it."""
    ctx.forget(f"cloud {access.url(service)} {path} {sorted(query.items())}")


def call(
    ctx: Context,
    access: CloudAccess,
    service: Service,
    method: str,
    path: str,
    body: Body = None,
    headers: Mapping[str, str] | None = None,
) -> JSON:
    """One request, for apply. A DELETE of what is gone is fine. Raises ResourceFailed in the service's own words."""
    try:
        return _ask(ctx, session(ctx, access.identity), access, service, method, path, body, headers).body
    except Away as away:
        raise ResourceFailed(
            f"{NAMES[service]} does not answer",
            tried=f"{method} {access.url(service)}{path.partition('?')[0]}",
            output=(str(away),) if str(away) else (),
            hint=f"journalctl -u 'wallcloud-*' on the node says why {NAMES[service]} is away",
        ) from None


def own_project(ctx: Context, access: CloudAccess) -> str:
    """The id of the admin's project, whose things these are; "" where Keystone cannot be asked (yet)."""
    door = login(ctx, access.identity)
    return door.project if isinstance(door, Session) else ""


def _pages(
    ctx: Context,
    door: Session,
    access: CloudAccess,
    service: Service,
    path: str,
    key: str,
    query: Mapping[str, str],
) -> tuple[JSON, ...]:
    paged = path in PAGED
    found: list[JSON] = []
    while True:
        words = {**query, **({"limit": str(PAGE)} if paged else {}), **({"marker": found[-1]["id"]} if found else {})}
        more = _ask(ctx, door, access, service, "GET", f"{path}?{urlencode(words)}" if words else path).body[key]
        found += more if isinstance(more, list) else [more]
        if not paged or len(more) < PAGE:
            return tuple(found)


def _ask(
    ctx: Context,
    door: Session,
    access: CloudAccess,
    service: Service,
    method: str,
    path: str,
    body: Body = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    url, client = access.url(service), _client(ctx, door, access.url(service))
    version = {"OpenStack-API-Version": VERSIONS[service]} if service in VERSIONS else {}
    sent = {**version, **(headers or {})}
    answer = client.send(method, url + path, body, sent, door.token)
    if answer.status == 401:  # a bootstrap or a change of password revokes tokens
        try:
            door.login()
        except Refused:
            raise _failed(service, method, url + path, answer) from None
        answer = client.send(method, url + path, body, sent, door.token)
    if answer.status in (502, 503, 504):  # also in JSON: keystonemiddleware without Keystone
        raise Away(f"status {answer.status}")
    if answer.status >= 400 and not (method == "DELETE" and answer.status == 404):
        raise _failed(service, method, url + path, answer)
    return answer


def _client(ctx: Context, door: Session, url: str) -> Client:
    """Keystone's own connection where the door is the same."""
    host = urlsplit(url).netloc
    if host == urlsplit(door.client.url).netloc:
        return door.client
    return ctx.kept(f"cloud connection {host}", lambda: Client(url, door.access.ca))


def _failed(service: Service, method: str, url: str, answer: Answer) -> ResourceFailed:
    words = tuple(_words(answer.body))
    return ResourceFailed(
        f"{NAMES[service]} answered {answer.status}",
        tried=f"{method} {url.partition('?')[0]}",
        output=words[:5],
        hint=f"the journal of {NAMES[service]} on the node says more" if answer.status >= 500 else "",
    )


def _words(body: object) -> Iterator[str]:
    """Each service wraps its message in another way: NeutronError, badRequest, errors, message."""
    if isinstance(body, dict):
        for name, value in body.items():
            if name in {"message", "detail"} and isinstance(value, str) and value:
                yield " ".join(value.split())
            else:
                yield from _words(value)
    elif isinstance(body, list):
        for value in body:
            yield from _words(value)
