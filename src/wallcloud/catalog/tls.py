"""Certificates of components: where they stand on a node, and the resource that makes them."""

from __future__ import annotations

from wallcloud.catalog.place import Place
from wallcloud.frozen import frozen
from wallcloud.node.resources import Certificate

FOLDER = "/etc/wallcloud/tls"
CA = f"{FOLDER}/ca.pem"
"""The site's CA on every node: what clients verify against."""
CA_HOLE = "site-ca"
"""The CA is made after the design and is no part of it: a hole that the deployer fills with the certificate (PEM)."""

CRL = f"{FOLDER}/crl.pem"
"""Where clients show certificates: the ones of the site's CA that a rotation has replaced, and that are refused."""
CRL_HOLE = "site-crl"
"""As CA_HOLE."""
PUBLIC_HOLES = frozenset({CA_HOLE, CRL_HOLE})
"""Holes of what everybody may read."""


@frozen
class Paths:
    """A component's key, certificate and the CA that it trusts."""

    key: str
    certificate: str
    authority: str


def paths(place: Place, name: str) -> Paths:
    """Where the certificate `name` of this node stands."""
    base = f"{FOLDER}/{name}"
    return Paths(f"{base}.key", f"{base}.pem", CA)


def client(place: Place) -> Paths:
    """The client certificate of this component on this node: what it shows to the bus and to databases elsewhere."""
    return paths(place, place.component.name)


def client_certificate(place: Place, *, reason: str) -> Certificate:
    """The certificate at `client(place)`; its common name is `place.actor`, readable by the component's account.

    It bears no node's name: chrony (GnuTLS) takes a certificate that is for clients alone for a server's.
    """
    where = client(place)
    return Certificate(
        name=place.actor,
        key_path=where.key,
        cert_path=where.certificate,
        ca_path=where.authority,
        subject=place.actor,
        names=(f"{place.component.name}.{place.internal_name()}",),
        use=("client",),
        group=place.component.account.group,
        made_since=place.rotation.made_since(place.actor),
        component=place.component.name,
        reason=reason,
    )


def server_certificate(
    place: Place,
    name: str,
    *,
    reason: str,
    subject: str | None = None,
    names: tuple[str, ...] = (),
    use: tuple[str, ...] = ("server",),
    group: str | None = None,
) -> Certificate:
    """A certificate for this node's management name (or `subject`, with further `names`), readable by the component."""
    where = paths(place, name)
    common = subject or place.internal_name()
    return Certificate(
        name=f"{name}@{place.node}",
        key_path=where.key,
        cert_path=where.certificate,
        ca_path=where.authority,
        subject=common,
        names=(common, *names),
        use=use,
        group=group or place.component.account.group,
        made_since=place.rotation.made_since(f"{name}@{place.node}"),
        component=place.component.name,
        reason=reason,
    )
