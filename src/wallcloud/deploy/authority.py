"""The site's certificate authority: its key stays with the deployer, nodes send requests (RFC 2986) up."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wallcloud.deploy.state import StateFolder
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.node.resources.certificate import BACKDATED

CA_DAYS = 3650
_SKEW = timedelta(seconds=BACKDATED)
STRANGER = "nobody@nowhere.invalid"
"""A name that is no component's on any node (RFC 2606)."""
STRANGER_LIFE = timedelta(minutes=10)
_RESTORE = "restore the state folder from its backup; without its CA no node trusts this deployer's certificates"
_USES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


@frozen
class Request:
    """What a certificate of the design says: a CSR must say exactly this to be signed."""

    subject: str
    names: tuple[str, ...]
    use: tuple[str, ...]
    days: int


class Authority:
    """The CA of one site: an EC P-256 key and a certificate that may sign leaf certificates only."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    @classmethod
    def open(cls, state: StateFolder, site: str) -> Authority:
        """The site's CA, made on first use. Raises WallcloudError where its files cannot be read."""
        key_path = state.ca / "key.pem"
        if not key_path.exists():
            cls._make(state, site)
        try:
            key = serialization.load_pem_private_key(key_path.read_bytes(), None)
            certificate = x509.load_pem_x509_certificate(state.ca_certificate.read_bytes())
        except (OSError, ValueError) as error:
            raise WallcloudError(
                f"the site's CA cannot be read: {error}",
                where=str(state.ca),
                hint=_RESTORE,
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise WallcloudError("the CA's key is not an EC key", where=str(key_path), hint=_RESTORE)
        if certificate.public_key() != key.public_key():
            raise WallcloudError(
                "the CA's key and certificate do not belong together", where=str(state.ca), hint=_RESTORE
            )
        return cls(key, certificate)

    @staticmethod
    def _make(state: StateFolder, site: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Wallcloud CA of {site}")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + timedelta(days=CA_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(ca=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        # The certificate first: a key without one would be taken for a broken CA after a kill between the two.
        state.write("ca/cert.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        state.write(
            "ca/key.pem",
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )

    @property
    def pem(self) -> str:
        """The CA's certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def revocation_list(self, serials: Iterable[int]) -> str:
        """A list (PEM) of these, good for as long as the CA: who refuses a list that is too old refuses everybody."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now - _SKEW)
            .next_update(self._certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        for serial in serials:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - _SKEW)
            builder = builder.add_revoked_certificate(one.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def listed(self, pem: bytes) -> frozenset[str] | None:
        """The serials, in hex, on a list of this CA's; None where it is another's, or no list."""
        try:
            found = x509.load_pem_x509_crl(pem)
        except ValueError:
            return None
        own = found.is_signature_valid(self._key.public_key())
        return frozenset(f"{each.serial_number:x}" for each in found) if own else None

    def sign(self, csr_pem: str, wanted: Request) -> str:
        """The signed certificate (PEM) for a CSR. Only the design's names go in, whatever the CSR asks for.

        Raises WallcloudError where the CSR is not one, is not signed by its own key, or names another subject.
        """
        try:
            csr = x509.load_pem_x509_csr(csr_pem.encode())
            public = csr.public_key()
            valid = csr.is_signature_valid
        except (ValueError, InvalidSignature) as error:
            raise WallcloudError(f"is no certificate request: {error}", where=wanted.subject) from error
        common = [str(attribute.value) for attribute in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if not valid or common != [wanted.subject]:
            raise WallcloudError(f"the request does not prove to be {wanted.subject}'s", where=wanted.subject)
        if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
            raise WallcloudError("the request's key is no EC key on P-256", where=wanted.subject)
        now = datetime.now(UTC)
        until = now + timedelta(days=wanted.days)
        certificate = (
            self._leaf(public, wanted.subject, wanted.names, wanted.use, now - _SKEW, until)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    def _leaf(
        self,
        public: ec.EllipticCurvePublicKey,
        subject: str,
        names: Iterable[str],
        use: Iterable[str],
        since: datetime,
        until: datetime,
    ) -> x509.CertificateBuilder:
        """All that every certificate of a component's has."""
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(self._certificate.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([_USES[each] for each in use]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        )

    def expired(self, subject: str, names: tuple[str, ...]) -> tuple[str, str]:
        """A client certificate that ended yesterday, and its key (PEM): what servers must refuse whatever it names."""
        until = datetime.now(UTC) - timedelta(days=1)
        return self._throwaway(subject, names, until - timedelta(days=1), until)

    def stranger(self) -> tuple[str, str]:
        """A client certificate of STRANGER, good for STRANGER_LIFE, and its key (PEM)."""
        now = datetime.now(UTC)
        return self._throwaway(STRANGER, (STRANGER.partition("@")[2],), now - _SKEW, now + STRANGER_LIFE)

    def _throwaway(self, subject: str, names: tuple[str, ...], since: datetime, until: datetime) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._leaf(key.public_key(), subject, names, ("client",), since, until).sign(
            self._key, hashes.SHA256()
        )
        return (
            certificate.public_bytes(serialization.Encoding.PEM).decode(),
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode(),
        )


def life(state: StateFolder) -> tuple[float, float]:
    """When the site's CA begins and ends, in seconds since 1970. Raises WallcloudError where it cannot be read."""
    try:
        certificate = x509.load_pem_x509_certificate(state.ca_certificate.read_bytes())
    except (OSError, ValueError) as error:
        raise WallcloudError(f"the site's CA cannot be read: {error}", where=str(state.ca), hint=_RESTORE) from error
    # As of cryptography 42 the ones without _utc warn.
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
