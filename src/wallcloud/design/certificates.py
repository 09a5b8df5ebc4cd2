"""The client certificates of a node, as its Spec has them."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import tls
from wallcloud.frozen import frozen
from wallcloud.node.resources import Certificate
from wallcloud.node.spec import Spec


@frozen
class ClientCertificate:
    """What a component shows to servers: its subject and names, and the paths of certificate and key."""

    component: str
    subject: str
    names: tuple[str, ...]
    paths: tuple[str, str]


def client_certificates(spec: Spec) -> Iterator[ClientCertificate]:
    """Those of the site's CA that are for clients alone, in the Spec's order."""
    for each in spec.resources:
        if isinstance(each, Certificate) and each.use == ("client",) and each.ca_path == tls.CA:
            yield ClientCertificate(each.component, each.subject, each.names, (each.cert_path, each.key_path))
