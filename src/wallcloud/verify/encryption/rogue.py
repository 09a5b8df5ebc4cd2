"""Certificates that no server may believe: of another CA with the site's CA's own name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wallcloud.frozen import frozen

Pair = tuple[str, str]
"""Certificate and key, PEM."""
Expired = Callable[[str, tuple[str, ...]], Pair]
"""(subject, names) → of the site's CA, and over since yesterday."""
Stranger = Callable[[], Pair]
"""Of the site's CA, good for minutes, for a name that nobody knows."""
_LIFE = timedelta(minutes=15)


@frozen
class Vouching:
    """What the site's CA signs for verify, and nothing else (docs/decisions/0027)."""

    expired: Expired
    stranger: Stranger


class Rogue:
    """Another CA: made for one run, of the same name as the site's, so that only its key tells them apart."""

    def __init__(self, site_ca: str) -> None:
        theirs = x509.load_pem_x509_certificate(site_ca.encode())
        self._key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(theirs.subject)
            .issuer_name(theirs.subject)
            .public_key(self._key.public_key())
            .serial_number(theirs.serial_number)
            .not_valid_before(now - _LIFE)
            .not_valid_after(now + _LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        """Its own certificate."""
        return self._certificate.public_bytes(Encoding.PEM).decode()

    def sign(self, subject: str, names: tuple[str, ...], *, server: bool = False) -> Pair:
        """A certificate as good as the site's own, but for who signed it."""
        return _leaf(subject, names, self._certificate.subject, self._key, server=server)

    @staticmethod
    def alone(subject: str, names: tuple[str, ...]) -> Pair:
        """A client's certificate that nobody vouches for but itself."""
        return _leaf(subject, names, _named(subject), None)


def _leaf(
    subject: str,
    names: tuple[str, ...],
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey | None,
    *,
    server: bool = False,
) -> Pair:
    """Without a signer it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFE)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(signer or key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(Encoding.PEM).decode(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    )


def _named(subject: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
