"""Certificates as openssl(1) 3.0 tells of them; None where the program or the file is not there or not readable."""

from calendar import timegm

from wallcloud.frozen import frozen
from wallcloud.node.run import run

_USES = {"server": "serverAuth", "client": "clientAuth"}
_SHOWN = {"TLS Web Server Authentication": "server", "TLS Web Client Authentication": "client"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@frozen
class Found:
    """A certificate: common name, names and uses sorted, validity in unix seconds, public key as PEM."""

    subject: str
    names: tuple[str, ...]
    use: tuple[str, ...]
    since: float
    until: float
    public: str


def read(path: str) -> Found | None:
    """The certificate at `path`."""
    argv = ("openssl", "x509", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253", "-dates", "-pubkey")
    done = run((*argv, "-ext", "subjectAltName,extendedKeyUsage"), check=False)
    return parse(done.stdout) if done.ok else None


def parse(text: str) -> Found:
    """What `openssl x509 -subject -dates -ext … -pubkey` prints."""
    fields: dict[str, str] = {}
    names: list[str] = []
    use: list[str] = []
    rows = text.splitlines()
    for row in rows:
        key, equals, value = row.partition("=")
        if equals and key in {"subject", "notBefore", "notAfter"}:
            fields[key] = value
        elif row.startswith("    "):
            for item in row.strip().split(", "):
                if item in _SHOWN:
                    use.append(_SHOWN[item])
                elif item.startswith(("DNS:", "IP Address:")):
                    names.append(_address(item.partition(":")[2]))
                else:
                    (use if " " in item else names).append(item)
    begin = text.find("-----BEGIN PUBLIC KEY-----")
    end = text.find("-----END PUBLIC KEY-----")
    subject = fields.get("subject", "")
    return Found(
        subject=subject.removeprefix("CN=") if subject.startswith("CN=") and "," not in subject else subject,
        names=tuple(sorted(names)),
        use=tuple(sorted(use)),
        since=_time(fields["notBefore"]),
        until=_time(fields["notAfter"]),
        public=text[begin:end].strip() if begin >= 0 else "",
    )


def public_key(path: str) -> str | None:
    """The public half (PEM, without its last line) of the key at `path`."""
    done = run(("openssl", "pkey", "-in", path, "-pubout", "-passin", "pass:"), check=False)
    return done.stdout.partition("-----END PUBLIC KEY-----")[0].strip() if done.ok else None


def is_p256(public: str) -> bool:
    """Whether a public key (PEM) is on P-256: its header is always the same (RFC 5480)."""
    return "".join(public.splitlines()[1:]).startswith("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")


def verified(cert_path: str, ca: str) -> bool:
    """Whether `ca` (PEM) signed the certificate; its dates are judged elsewhere."""
    if not ca:
        return False
    argv = ("openssl", "verify", "-no_check_time", "-no-CApath", "-no-CAstore", "-CAfile", "/dev/stdin", cert_path)
    return run(argv, ca, check=False).ok


def request(subject: str, names: tuple[str, ...], use: tuple[str, ...]) -> str:
    """The configuration of a certificate request (openssl-req(1))."""
    alternatives = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    rows = ["[req]", "prompt=no", "utf8=yes", "distinguished_name=dn", "req_extensions=ext", "[dn]", f"CN={subject}"]
    rows += ["[ext]", f"extendedKeyUsage={','.join(_USES[each] for each in use)}"]
    return "\n".join([*rows, *([f"subjectAltName={alternatives}"] if names else []), ""])


def _is_address(name: str) -> bool:
    import socket  # noqa: PLC0415 - only when a certificate is made

    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name)
        except OSError:
            continue
        return True
    return False


def _address(text: str) -> str:
    """openssl writes IPv6 in full (FD00:0:…:1): the short form, as in the design."""
    if text.count(":") < 2:
        return text
    import socket  # noqa: PLC0415 - only for IPv6

    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, text))


def _time(text: str) -> float:
    """ "Nov 23 00:44:00 2025 GMT" in unix seconds."""
    month, day, clock, year, _ = text.split()
    hour, minute, second = clock.split(":")
    return float(timegm((int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second))))
