"""The site's CA: signs what the design names, and nothing else."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wallcloud.catalog.rotation import EVERY, Rotation, Stage
from wallcloud.deploy import revocation, rotation
from wallcloud.deploy.authority import Authority, Request, life
from wallcloud.deploy.state import StateFolder
from wallcloud.errors import WallcloudError

WANTED = Request("api.internal.cloud.example", ("api.internal.cloud.example", "198.18.10.12"), ("server",), 365)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    made = StateFolder(tmp_path / "state")
    made.make()
    return made


@pytest.fixture
def authority(state: StateFolder) -> Authority:
    return Authority.open(state, "article")


def csr(*names: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None, san: str = "") -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    )
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(san)]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def read(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def test_what_is_signed_says_what_the_design_says(authority: Authority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = read(authority.sign(csr(WANTED.subject, key=key), WANTED))
    assert made.public_key() == key.public_key()
    assert made.subject.rfc4514_string() == f"CN={WANTED.subject}"
    san = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in san] == list(WANTED.names)
    assert isinstance(list(san)[1], x509.IPAddress)
    use = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.SERVER_AUTH]
    constraints = made.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca) == (True, False)
    now = datetime.now(UTC)
    assert now - timedelta(minutes=6) < made.not_valid_before_utc < now
    assert now + timedelta(days=364) < made.not_valid_after_utc <= now + timedelta(days=365)


def test_both_uses(authority: Authority) -> None:
    both = Request(WANTED.subject, WANTED.names, ("server", "client"), 1)
    made = read(authority.sign(csr(WANTED.subject), both))
    use = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def test_serial_numbers_differ(authority: Authority) -> None:
    request = csr(WANTED.subject)
    assert len({read(authority.sign(request, WANTED)).serial_number for _ in range(3)}) == 3


def test_what_a_request_asks_for_beyond_its_name_is_left_out(authority: Authority) -> None:
    pem = authority.sign(csr(WANTED.subject, san="control.internal.cloud.example"), WANTED)
    assert b"control" not in read(pem).public_bytes(serialization.Encoding.DER)
    assert not read(pem).extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def broken() -> str:
    """A request with one bit of its signature turned."""
    lines = csr(WANTED.subject).splitlines()
    import base64

    data = bytearray(base64.b64decode("".join(lines[1:-1])))
    data[-1] ^= 1
    return "\n".join([lines[0], base64.b64encode(bytes(data)).decode(), lines[-1], ""])


@pytest.mark.parametrize(
    ("request_pem", "what"),
    [
        (csr("control.internal.cloud.example"), "the request does not prove to be api.internal.cloud.example's"),
        (csr(WANTED.subject, "other"), "the request does not prove to be api.internal.cloud.example's"),
        (csr(), "the request does not prove to be api.internal.cloud.example's"),
        (broken(), "the request does not prove to be api.internal.cloud.example's"),
        (csr(WANTED.subject, key=rsa.generate_private_key(65537, 2048)), "the request's key is no EC key on P-256"),
        (csr(WANTED.subject, key=ec.generate_private_key(ec.SECP192R1())), "the request's key is no EC key on P-256"),
        ("nonsense", "is no certificate request: "),
        (
            "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
            "is no certificate request: ",
        ),
        ("ü", "is no certificate request: "),
    ],
    ids=["other name", "two names", "no name", "bad signature", "rsa", "weak curve", "text", "bad asn1", "not ascii"],
)
def test_refused(authority: Authority, request_pem: str, what: str) -> None:
    with pytest.raises(WallcloudError) as raised:
        authority.sign(request_pem, WANTED)
    assert raised.value.what.startswith(what)
    assert raised.value.where == WANTED.subject


def test_the_files(state: StateFolder, authority: Authority) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in state.ca.iterdir()}
    assert modes == {"key.pem": 0o600, "cert.pem": 0o644}
    assert state.ca.stat().st_mode & 0o777 == 0o700
    assert state.ca_certificate.read_text() == authority.pem


def test_it_is_made_once(state: StateFolder, authority: Authority) -> None:
    before = {path.name: path.read_bytes() for path in state.ca.iterdir()}
    assert Authority.open(state, "article").pem == authority.pem
    assert {path.name: path.read_bytes() for path in state.ca.iterdir()} == before


def test_one_that_was_killed_half_way_is_made_again(state: StateFolder, authority: Authority) -> None:
    (state.ca / "key.pem").unlink()
    again = Authority.open(state, "article")
    assert again.pem != authority.pem
    assert read(again.sign(csr(WANTED.subject), WANTED)).issuer == read(again.pem).subject


def _no_certificate(state: StateFolder) -> None:
    state.ca_certificate.unlink()


def _nonsense(state: StateFolder) -> None:
    (state.ca / "key.pem").write_text("nonsense")


def _of_another(state: StateFolder) -> None:
    other = StateFolder(state.path.parent / "other")
    other.make()
    Authority.open(other, "other")
    state.ca_certificate.write_bytes(other.ca_certificate.read_bytes())


@pytest.mark.parametrize("damage", [_no_certificate, _nonsense, _of_another])
def test_a_damaged_ca_is_never_made_anew(state: StateFolder, authority: Authority, damage: object) -> None:
    """Every node trusts the old one: a new one would lock the deployer's certificates out without a word."""
    key = (state.ca / "key.pem").read_bytes()
    assert callable(damage)
    damage(state)
    with pytest.raises(WallcloudError) as raised:
        Authority.open(state, "article")
    assert raised.value.hint.startswith("restore the state folder from its backup")
    assert (state.ca / "key.pem").read_bytes() in (key, b"nonsense")
    assert authority.pem


def test_openssl_verifies_the_chain(state: StateFolder, authority: Authority, tmp_path: Path) -> None:
    leaf = tmp_path / "leaf.pem"
    leaf.write_text(authority.sign(csr(WANTED.subject), WANTED))

    def verify(*more: str) -> int:
        argv = ["openssl", "verify", "-x509_strict", "-CAfile", str(state.ca_certificate), *more, str(leaf)]
        return subprocess.run(argv, capture_output=True, check=False).returncode

    assert verify() == 0
    assert verify("-purpose", "sslserver", "-verify_hostname", WANTED.subject) == 0
    assert verify("-verify_ip", "198.18.10.12") == 0
    assert verify("-verify_hostname", "control.internal.cloud.example") != 0
    assert verify("-purpose", "sslclient") != 0
    other = StateFolder(tmp_path / "other")
    other.make()
    leaf.write_text(Authority.open(other, "other").sign(csr(WANTED.subject), WANTED))
    assert verify() != 0


def test_a_leaf_signs_nothing(state: StateFolder, authority: Authority, tmp_path: Path) -> None:
    """The CA's path length is zero, and a leaf is no CA."""
    constraints = read(authority.pem).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    usage = read(authority.pem).extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.key_cert_sign, usage.digital_signature) == (True, False)


def test_its_life(state: StateFolder, authority: Authority) -> None:
    made = read(authority.pem)
    assert life(state) == (made.not_valid_before_utc.timestamp(), made.not_valid_after_utc.timestamp())
    state.ca_certificate.write_text("no certificate")
    with pytest.raises(WallcloudError, match="the site's CA cannot be read"):
        life(state)


def listed(state: StateFolder) -> set[int]:
    found = x509.load_pem_x509_crl(state.revocation_list.read_bytes())
    return {each.serial_number for each in found}


def test_what_a_rotation_replaced_is_revoked_when_all_have_the_new_ones(
    state: StateFolder, authority: Authority, tmp_path: Path
) -> None:
    old = authority.sign(csr(WANTED.subject), WANTED)
    revocation.note(state, "api", old)
    revocation.refresh(state, authority, Rotation())
    assert listed(state) == set()
    # A certificate's moment is a whole second: the rotation is of a later one.
    moment = state.issued()[f"{read(old).serial_number:x}"]["made"] + 1
    wanted = rotation.Wanted(pairs=frozenset({"some"}), certificates=frozenset({"api"}))
    now = rotation.begun(Rotation(), wanted, moment)
    for stage, gone in ((Stage.MAKE, set()), (Stage.USE, set()), (Stage.END, {read(old).serial_number})):
        assert now.stage is stage
        rotation.keep(state, now)
        revocation.refresh(state, authority, rotation.load(state))
        assert listed(state) == gone, stage
        now = rotation.after(now)
    before = state.revocation_list.read_bytes()
    revocation.refresh(state, authority, now)
    assert state.revocation_list.read_bytes() == before, "nothing is signed anew without need"

    pem = tmp_path / "old.pem"
    pem.write_text(old)
    trust = ("-crl_check", "-CAfile", str(state.ca_certificate), "-CRLfile", str(state.revocation_list))
    check = ("openssl", "verify", *trust, str(pem))
    ran = subprocess.run(check, capture_output=True, text=True, check=False)
    assert ran.returncode != 0 and "certificate revoked" in ran.stderr
    new = authority.sign(csr(WANTED.subject), WANTED)
    pem.write_text(new)
    assert subprocess.run(check, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("other", ["another CA's", "no list"])
def test_a_list_that_servers_could_not_verify_is_replaced(
    state: StateFolder, authority: Authority, tmp_path: Path, other: str
) -> None:
    elsewhere = StateFolder(tmp_path / "elsewhere")
    elsewhere.make()
    pem = Authority.open(elsewhere, "other").revocation_list(()) if other == "another CA's" else other
    state.write("crl.pem", pem.encode())
    revocation.refresh(state, authority, Rotation())
    found = x509.load_pem_x509_crl(state.revocation_list.read_bytes())
    key = read(authority.pem).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey) and found.is_signature_valid(key)


def test_whose_names_are_revoked() -> None:
    issued = {"a": {"name": "one", "made": 10}, "b": {"name": "two", "made": 10}, "c": {"name": "one", "made": 20}}
    assert revocation.revoked(issued, {}) == set()
    assert revocation.revoked(issued, {"one": 20}) == {"a"}
    assert revocation.revoked(issued, {EVERY: 11, "one": 21}) == {"a", "b", "c"}


def test_what_it_signs_for_verify_opens_nothing(authority: Authority) -> None:
    """One is over, the other's name is no component's on any node, and it is so for minutes only."""
    now = datetime.now(UTC)
    ca = x509.load_pem_x509_certificate(authority.pem.encode())
    over, stranger = (
        x509.load_pem_x509_certificate(pair[0].encode())
        for pair in (
            authority.expired("nova-compute@compute1", ("compute1.internal.cloud.example",)),
            authority.stranger(),
        )
    )
    for each in (over, stranger):
        each.verify_directly_issued_by(ca)
        uses = each.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        assert not each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert over.subject.rfc4514_string() == "CN=nova-compute@compute1"
    assert over.not_valid_after_utc < now - timedelta(hours=23)
    assert stranger.subject.rfc4514_string() == "CN=nobody@nowhere.invalid"
    assert stranger.not_valid_after_utc < now + timedelta(minutes=11)
