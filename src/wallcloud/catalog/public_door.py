"""The public door: Apache on the api node, the tenants' only way in. It passes their APIs and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import apache, tls
from wallcloud.catalog.component import ROOT, WWW_DATA, Call, Component, Limit, Listen, Outside, Private, Visit
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.management_door import TENANTS_PORT
from wallcloud.catalog.place import Place
from wallcloud.node.resource import Resource
from wallcloud.site.model import Kind, Role

PORT = 443
_CLIENT_PEM = "/run/wallcloud-apache/client.pem"


def limits(given: LimitInput) -> Iterator[Limit]:
    """Requests in hand at once."""
    yield apache.workers(given, "public-door")


def resources(place: Place) -> Iterator[Resource]:
    """Folders, two certificates (one face for tenants, one for control), the configuration, the unit."""
    face = tls.paths(place, "public-door")
    inner = tls.paths(place, "public-door-client")
    yield from apache.folders(place)
    yield tls.server_certificate(
        place,
        "public-door",
        subject=place.site.domain,
        reason="proves the cloud to tenants",
    )
    yield tls.server_certificate(
        place, "public-door-client", use=("client",), reason="proves the public door to control's tenants' port"
    )
    yield apache.config(
        place,
        name=place.site.domain,
        modules=("proxy_http",),
        apis=apache.apis(place, public=True),
        forgeable=("X-Forwarded-For",),
        keepalive_seconds=5,
        hosts=_hosts(place, face, inner),
    )
    yield apache.unit(
        place,
        description="the public door (Apache)",
        address=f"{place.address(Kind.PUBLIC)}:{PORT}",
        name=place.site.domain,
        certificates=(face.certificate, face.key, inner.certificate, inner.key, tls.CA),
        # Apache wants the client's certificate and key in one file (mod_ssl, SSLProxyMachineCertificateFile).
        before=(f"/bin/sh -c 'umask 077; cat {inner.certificate} {inner.key} >{_CLIENT_PEM}'",),
    )


def _hosts(place: Place, face: tls.Paths, inner: tls.Paths) -> str:
    own = place.address(Kind.PUBLIC)
    domain = place.site.domain
    backend = f"https://{place.internal_name(place.control())}:{TENANTS_PORT}"
    passes = "\n".join(
        f"    ProxyPass {api.prefix} {backend}{api.prefix} ttl=20 retry=0 connectiontimeout=5 timeout=600\n"
        f"    ProxyPassReverse {api.prefix} {backend}{api.prefix}"
        for api in apache.apis(place, public=True)
    )
    escaped = domain.replace(".", r"\.")
    return f"""\
ProxyPreserveHost Off
Listen {own}:{PORT} https
<VirtualHost {own}:{PORT}>
    ServerName https://{domain}:{PORT}
    SSLEngine on
    SSLCertificateFile {face.certificate}
    SSLCertificateKeyFile {face.key}
    Header always set Strict-Transport-Security "max-age=31536000"
    Header always set X-Content-Type-Options nosniff
    # A request for another name than the cloud's own is not for us.
    <If "%{{HTTP_HOST}} !~ m#^{escaped}(:{PORT})?$#i">
        Require all denied
    </If>
    SSLProxyEngine on
    SSLProxyProtocol -all +TLSv1.3
    SSLProxyVerify require
    SSLProxyVerifyDepth 1
    SSLProxyCACertificateFile {inner.authority}
    SSLProxyCheckPeerName on
    SSLProxyCheckPeerExpire on
    SSLProxyMachineCertificateFile {_CLIENT_PEM}
{passes}
</VirtualHost>
"""


def private(place: Place) -> Iterator[Private]:
    """The file that Apache wants."""
    yield Private(_CLIENT_PEM, "proves the public door to control", (WWW_DATA,))


COMPONENT = Component(
    name="public-door",
    title="Apache (reverse proxy of the tenants' APIs)",
    roles=(Role.API,),
    account=WWW_DATA,
    packages=apache.PACKAGES,
    masks=apache.MASKS,
    listens=(
        Listen("https", Kind.PUBLIC, PORT, authentication="TLS, the site's CA; Keystone token", encryption="TLS"),
    ),
    calls=(
        Call("management-door", "tenants", "the tenants' APIs, and nothing else", waits=True),
        Call("public-door", "https", "Wallcloud asks the door whether it answers", account=ROOT, same_node=True),
    ),
    visits=(Visit(Outside.TENANTS, "https", "tenants use the cloud"),),
    private=private,
    resources=resources,
)
