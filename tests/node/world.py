"""A small world with one of every kind of this room, and the deployer's half: blobs, a CA, a confirmation."""

import json
import subprocess
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.node.machine import Event, Machine

from wallcloud.build import environment_pack, packages, root
from wallcloud.build.cache import Cache
from wallcloud.node.resource import Resource
from wallcloud.node.resources import (
    Account,
    Certificate,
    Directory,
    Environment,
    ExclusiveUnits,
    File,
    Group,
    Input,
    Interface,
    InterfaceSysctls,
    Link,
    Mask,
    Packages,
    Route,
    Ruleset,
    Sysctl,
    Unit,
)
from wallcloud.node.resources.unit import STAMP_PATH, STAMP_SCRIPT, stamp_lines
from wallcloud.node.secret import Secret
from wallcloud.node.spec import Spec
from wallcloud.progress import Silent

R = TypeVar("R", bound=Resource)
NAMES = ("memcached", "nftables", "openssl", "tmux")
WORD = "hunter22"


class Ca:
    """A certificate authority in memory."""

    def __init__(self, name: str = "test CA") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(self.name).issuer_name(self.name)
        builder = builder.public_key(self.key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=99))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.pem = _pem(builder.sign(self.key, hashes.SHA256()))

    def sign(
        self,
        public: ec.EllipticCurvePublicKey,
        subject: str,
        names: tuple[str, ...],
        use: tuple[str, ...],
        begun_days_ago: float = 0.01,
        days: float = 30,
    ) -> str:
        """A certificate (PEM) for a public key."""
        begin = datetime.now(UTC) - timedelta(days=begun_days_ago)
        uses = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}
        builder = x509.CertificateBuilder().issuer_name(self.name).public_key(public)
        builder = builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=days))
        builder = builder.add_extension(x509.ExtendedKeyUsage([uses[each] for each in use]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        return _pem(builder.sign(self.key, hashes.SHA256()))


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


CA = Ca()


@cache
def archive() -> bytes:
    """An environment as `build` packs it."""
    with tempfile.TemporaryDirectory(prefix="wallcloud-world-") as folder:
        for name, text in (("bin/tool", "#!/bin/sh\necho tool\n"), ("lib/a.py", "a = 1\n")):
            path = Path(folder) / "env" / name
            path.parent.mkdir(parents=True)
            path.write_text(text)
            path.chmod(0o755)
        environment_pack.pack(Path(folder) / "env", Path(folder) / "image")
        return (Path(folder) / "image").read_bytes()


def pool() -> packages.Pool:
    """The pool of NAMES; from the user's cache where it was built before."""
    build_cache = Cache()
    status = root.build(build_cache, Silent()) / "var/lib/dpkg/status"
    return packages.build(build_cache, {"test": NAMES}, Silent(), status=status)


def deployer(machine: Machine) -> None:
    """Has `machine` answered as the real deployer does."""
    build_cache = Cache()
    own = {sha256(archive()).hexdigest(): archive()}

    def blobs(event: Event) -> tuple[bytes, ...]:
        parts = []
        for digest in event["digests"]:
            data = own[digest] if digest in own else build_cache.blob(digest).read_bytes()
            parts.append(_line(op="blob", digest=digest, size=len(data)) + data)
        return tuple(parts)

    def sign(event: Event) -> tuple[bytes, ...]:
        public = x509.load_pem_x509_csr(event["csr"].encode()).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        pem = CA.sign(public, event["subject"], tuple(event["names"]), tuple(event["use"]))
        return (_line(op="certificate", id=event["id"], pem=pem, ca=CA.pem),)

    machine.answers.update({"need-blobs": blobs, "sign": sign, "confirm-wanted": lambda _: (_line(op="confirm"),)})


def _line(**message: object) -> bytes:
    return json.dumps(message).encode() + b"\n"


SERVICE = (
    "[Unit]\nDescription=A service of the test\n\n[Service]\nUser=wct\nRuntimeDirectory=wct\n"
    + stamp_lines(("/etc/wct/main", "/etc/wct/secret", "/etc/wct/cert.pem"), ("/etc/wct/reload",), "/bin/true")
    + "ExecStart=/bin/sleep infinity\nExecStartPost=/bin/touch /run/wct/ready\nRestart=no\n"
    "\n[Install]\nWantedBy=multi-user.target\n"
)
RULES = """table inet wallcloud {
  set peers { type ipv4_addr; flags interval; elements = { 198.18.10.0/24 } }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "lo" accept
    ip saddr @peers tcp dport 22 counter accept
    meta skuid 900 counter drop
  }
}
"""


VLAN = (Interface(interface="card0.7", link="card0", vlan=7, addresses=("198.18.11.1/24",), mtu=1400),)


@cache
def vlans() -> bool:
    """Whether this kernel has VLANs (IEEE 802.1Q): not all that tests run on do."""
    script = "ip link add a0 type veth peer name b0 && ip link add link a0 name a0.7 type vlan id 7"
    return subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, check=False).returncode == 0


def spec(index: str) -> Spec:
    """One of every kind."""
    environment = sha256(archive()).hexdigest()
    resources: tuple[Resource, ...] = (
        Directory(path="/usr/lib/wallcloud"),
        File(path=STAMP_PATH, content=STAMP_SCRIPT, mode=0o755),
        Mask(units=("memcached.service", "nftables.service")),
        Packages(names=NAMES, index=index),
        Group(group="wct", gid=900),
        Group(group="wct-extra", gid=901),
        Account(account="wct", uid=900, group="wct", groups=("wct-extra",)),
        Sysctl(key="net.ipv4.ip_forward", value="0"),
        InterfaceSysctls(ipv4=("forwarding 0", "accept_redirects 0"), ipv6=("disable_ipv6 1",)),
        Interface(interface="card0", addresses=("198.18.10.11/24", "198.18.10.12/24"), mtu=1400),
        *(VLAN if vlans() else ()),
        Route(to="198.18.99.0/24", via="198.18.10.1", dev="card0"),
        Ruleset(text=RULES),
        Directory(path="/etc/wct", exclusive=True),
        Directory(path="/srv/wct", owner="wct", group="wct", mode=0o750),
        File(path="/etc/wct/ca.pem", content=CA.pem),
        Certificate(
            name="wct",
            key_path="/etc/wct/key.pem",
            cert_path="/etc/wct/cert.pem",
            ca_path="/etc/wct/ca.pem",
            subject="wct.example",
            names=("wct.example", "198.18.10.11"),
            use=("server", "client"),
            group="wct",
        ),
        Certificate(
            name="own-ca",
            key_path="/srv/wct/key.pem",
            cert_path="/srv/wct/cert.pem",
            ca_path="/srv/wct/ca.pem",
            subject="own.example",
            names=("own.example",),
            use=("client",),
        ),
        File(path="/etc/wct/main", content="one\ntwo\n"),
        File(path="/etc/wct/reload", content="reload\n"),
        File(path="/etc/wct/secret", content=("word = ", Secret("word"), "\n"), group="wct", mode=0o640),
        Link(path="/etc/wct/link", target="main"),
        Environment(path=f"/opt/wct/env/{environment[:16]}", digest=environment),
        ExclusiveUnits(prefix="wallcloud-"),
        Unit(
            unit="wallcloud-wct.service",
            text=SERVICE,
            inputs=(
                *(Input(path=f"/etc/wct/{name}") for name in ("main", "secret", "cert.pem")),
                Input(path="/etc/wct/reload", on="reload"),
            ),
            ready=("test", "-e", "/run/wct/ready"),
            ready_seconds=20,
        ),
    )
    return Spec("test", "2026.2", resources)


def one(spec: Spec, kind: type[R], name: str = "") -> R:
    """The resource of that kind (and name)."""
    return next(each for each in spec.resources if isinstance(each, kind) and name in {"", each.name})


def without(spec: Spec, *kinds: type[Resource]) -> Spec:
    return replace(spec, resources=tuple(each for each in spec.resources if not isinstance(each, kinds)))


def wires(machine: Machine) -> None:
    """The card that the world's spec expects, in the machine's own network namespace."""
    machine.run("ip link add card0 type veth peer name far0 && ip link set card0 up && ip link set far0 up")


def public_key_of(pem: str) -> ec.EllipticCurvePublicKey:
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def put(machine: Machine, path: str, text: str) -> None:
    """Writes a file inside the machine, in place."""
    subprocess.run(machine.inside("sh", "-c", 'cat > "$0"', path), input=text.encode(), check=True)


def get(machine: Machine, path: str) -> str:
    return Path(f"{machine.folder}/root{path}").read_text()
