"""The management door: Apache on control, TLS front of every API, for admins (443) and the tenants' proxy (8443)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from wallcloud.catalog import apache, tls
from wallcloud.catalog.component import ROOT, WWW_DATA, Api, Call, Component, Limit, Listen, Outside, Visit
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place, internal_name
from wallcloud.node.resource import Resource
from wallcloud.site.model import Kind, Role

PORT = 443
TENANTS_PORT = 8443
# Longer than the public door keeps an idle connection, or it would send into one that is just being closed.
KEEPALIVE_SECONDS = 30


def limits(given: LimitInput) -> Iterator[Limit]:
    """Requests in hand at once."""
    yield apache.workers(given, "management-door")


def resources(place: Place) -> Iterator[Resource]:
    """Folders, the certificate, the configuration, the unit."""
    where = tls.paths(place, "management-door")
    yield from apache.folders(place)
    yield tls.server_certificate(
        place, "management-door", reason="proves control's APIs to admins and to the public door"
    )
    yield apache.config(
        place,
        name=place.internal_name(),
        modules=("env", "proxy_http", "proxy_uwsgi", "remoteip"),
        apis=apache.apis(place, public=False),
        keepalive_seconds=KEEPALIVE_SECONDS,
        hosts=_hosts(place, where),
    )
    yield apache.unit(
        place,
        description="the management door (Apache)",
        address=f"{place.address(Kind.MANAGEMENT)}:{PORT}",
        name=place.internal_name(),
        certificates=(where.certificate, where.key, tls.CA, tls.CRL),
    )


def _hosts(place: Place, where: tls.Paths) -> str:
    own = place.address(Kind.MANAGEMENT)
    name = place.internal_name()
    doors = place.placed.get("public-door", ())
    tenants = apache.apis(place, public=True)
    names = ", ".join(f"'{internal_name(place.site, node)}'" for node in doors)
    certificate = f"""\
    SSLEngine on
    SSLCertificateFile {where.certificate}
    SSLCertificateKeyFile {where.key}
    RequestHeader set X-Forwarded-Proto https"""
    text = f"""\
# Backends see our Host.
ProxyPreserveHost On
Listen {own}:{PORT} https
# Admins and services, on management.
<VirtualHost {own}:{PORT}>
    ServerName https://{name}:{PORT}
{certificate}
    RequestHeader unset X-Forwarded-For early
    RequestHeader set Host {name}
    # The mark of the door: a variable in uwsgi's protocol, a header of one possible spelling for HTTP backends.
    SetEnv WALLCLOUD_DOOR management
    RequestHeader set WallcloudDoor management
{_backends(apache.apis(place, public=False), "inner")}
</VirtualHost>
"""
    if not doors:
        return text
    return (
        text
        + f"""\
Listen {own}:{TENANTS_PORT} https
# Tenants, through the public door, which alone may connect and must show its certificate.
<VirtualHost {own}:{TENANTS_PORT}>
    ServerName https://{name}:{TENANTS_PORT}
{certificate}
    SSLCACertificateFile {where.authority}
    SSLVerifyClient require
    SSLVerifyDepth 1
    SSLCARevocationFile {tls.CRL}
    SSLCARevocationCheck leaf
    # Beside each prefix that passes: a `Require` of "/" would be replaced by the prefix's own.
{_only(tenants, names)}
    # The client's address as the public door saw it: for logs and REMOTE_ADDR; the header ends here.
    RemoteIPHeader X-Forwarded-For
    {" ".join(["RemoteIPInternalProxy", *(str(place.address(Kind.MANAGEMENT, node)) for node in doors)])}
    # The name under which tenants know these APIs: every link, Location and WWW-Authenticate is made of it.
    RequestHeader set Host {place.site.domain}
    SetEnv WALLCLOUD_DOOR public
    RequestHeader set WallcloudDoor public
{_backends(tenants, "public")}
</VirtualHost>
"""
    )


def _backends(apis: Iterable[Api], door: str) -> str:
    """ProxyPass of each API; the names keep the two doors' workers apart."""
    return "\n".join(
        # Not reused: uwsgi closes an idle one just when it is used again, and the request is lost with it.
        f"    ProxyPass {api.prefix} unix:{api.socket}|http://{api.service}-{door}{api.prefix}"
        " retry=0 timeout=600 disablereuse=on"
        if api.http
        else f"    ProxyPass {api.prefix} unix:{api.socket}|uwsgi://{api.service}-{door}/ retry=0"
        for api in apis
    )


def _only(apis: Iterable[Api], names: str) -> str:
    return "\n".join(
        f'    <Location "{api.prefix}">\n'
        f'        Require expr "%{{SSL_CLIENT_S_DN_CN}} in {{ {names} }}"\n'
        "    </Location>"
        for api in apis
    )


def completed(catalog: Mapping[str, Component]) -> Component:
    """The door calls every component that has an API."""
    calls = tuple(
        # Keystone first, for the accounts and the catalog; the others may come while the door is open.
        Call(name, "wsgi", f"the {component.api.type} API", same_node=True, orders=name == "keystone")
        for name, component in sorted(catalog.items())
        if component.api
    )
    return replace(COMPONENT, calls=(*calls, *COMPONENT.calls))


COMPONENT = Component(
    name="management-door",
    title="Apache (TLS front of every API)",
    roles=(Role.CONTROL,),
    account=WWW_DATA,
    packages=apache.PACKAGES,
    masks=apache.MASKS,
    listens=(
        Listen("https", Kind.MANAGEMENT, PORT, authentication="TLS, the site's CA; Keystone token", encryption="TLS"),
        Listen("tenants", Kind.MANAGEMENT, TENANTS_PORT, authentication="mutual TLS; Keystone token", encryption="TLS"),
    ),
    calls=(
        Call("management-door", "https", "Wallcloud asks the door whether it answers", account=ROOT, same_node=True),
    ),
    visits=(Visit(Outside.ADMINS, "https", "admins manage the cloud"),),
    resources=resources,
)
