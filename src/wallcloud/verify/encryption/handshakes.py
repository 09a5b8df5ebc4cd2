"""What each conversation must and must not do, tried from the client's own account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wallcloud.catalog import tls
from wallcloud.verify import by_hand
from wallcloud.verify.door import ELSEWHERE
from wallcloud.verify.encryption.rogue import Rogue, Vouching
from wallcloud.verify.encryption.talks import PATH, Talk
from wallcloud.verify.expectation import Probe

_BY_PROBER = frozenset({"trust", "shown", "borrow", "plain", "vhost"})
"""Of what the prober is told: certificates that were made for the run, keys that the account cannot read, what is
before or after a handshake. So is the alert that meets who shows no certificate."""
SECRET = Callable[[str], str]
"""The name of a secret → its value."""


def probes(talk: Talk, site_ca: str, rogue: Rogue, vouching: Vouching, secret: SECRET, ca_file: str) -> Iterator[Probe]:
    """Every expectation of one conversation. Keys and passwords are in `what`, which is never shown. `ca_file`: where
    the deployer has `site_ca`."""
    what: dict[str, Any] = {
        "protocol": talk.protocol,
        "address": talk.address,
        "port": talk.port,
        "name": talk.name,
        "trust": site_ca,
        "path": PATH,
        "vhost": talk.vhost,
        "user": talk.user,
        "database": talk.database,
        "password": secret(talk.secret) if talk.secret else "",
    }
    mine = {"own": list(talk.own.paths)} if talk.own else {}

    def probe(case: str, expected: str, why: str, negative: bool, **more: Any) -> Probe:
        return Probe(
            f"{talk.where}/{case}",
            talk.place,
            expected,
            why,
            {**what, **more},
            negative,
            "" if _BY_PROBER & more.keys() or (talk.own and "own" not in more) else _repeat(talk, case, ca_file),
            talk.source,
            talk.target,
        )

    yield probe("own", "accepted", "the design's own client passes, and believes the server", False, **mine)
    yield probe("names", "accepted", "the server's certificate names it, and nobody else", False, exact=True, **mine)
    yield probe("untrusted", "not verified", "who trusts another CA of that name leaves", True, trust=rogue.pem, **mine)
    yield probe("wrong-name", "not verified", "the certificate is for its own name alone", True, name=ELSEWHERE, **mine)
    yield probe("tls-1.1", "refused", "TLS before 1.2 is not spoken", True, tls="1.1", **mine)
    if talk.newest:
        yield probe("tls-1.2", "refused", "the design says TLS 1.3 here", True, tls="1.2", **mine)
    # MariaDB asks for TLS and for a certificate by the account (REQUIRE SUBJECT). With the right password, or the try
    # could not fail: what goes out then is a hash of a nonce and of 256 random bits.
    by_login = talk.protocol == "mysql"
    without = "not authorised" if by_login else "refused"
    yield probe("plaintext", without, "nothing is served without TLS", True, plain=True)
    for vhost in (*talk.walls, "/") if talk.vhost else ():
        why = "a service's virtual host is closed to the others"
        yield probe(f"vhost-{vhost}", "not authorised", why, True, vhost=vhost, **mine)
    if not talk.mutual or not talk.own:
        return
    subject, names = talk.own.subject, talk.own.names
    yield probe("without", without, "who shows no certificate does not get in", True)
    yield probe(
        "other-ca", "refused", "a certificate of another CA is no proof", True, shown=rogue.sign(subject, names)
    )
    yield probe(
        "self-signed",
        "refused",
        "a certificate that signed itself is no proof",
        True,
        shown=rogue.alone(subject, names),
    )
    yield probe(
        "expired", "refused", "a certificate that is over is no proof", True, shown=vouching.expired(subject, names)
    )
    yield probe(
        "stranger",
        "not authorised",
        "the site's CA is not enough: the name must be one that this server lets in",
        True,
        shown=vouching.stranger(),
    )
    if talk.neighbour:
        yield probe(
            "neighbour",
            "not authorised",
            "another component's certificate opens that one's doors, and not these",
            True,
            borrow=list(talk.neighbour.paths),
        )


def able(place: str, account: str, rogue: Rogue) -> Iterator[Probe]:
    """That the prober can speak what servers must refuse: a handshake with itself."""
    shown = rogue.sign("itself", ("itself",), server=True)
    for version in ("1.1", "1.2", "1.3"):
        yield Probe(
            f"encryption/prober/{place}/tls-{version}",
            place,
            "accepted",
            "a prober that could not speak it would prove nothing by a refusal",
            {"protocol": "itself", "tls": version, "shown": shown, "trust": rogue.pem, "name": "itself"},
            source=f"{place} as {account}" if account else place,
        )


def _repeat(talk: Talk, case: str, ca_file: str) -> str:
    """A command that shows the same handshake, with what stands on the node."""
    argv = ["openssl", "s_client", "-connect", f"{talk.address}:{talk.port}", "-brief", "-verify_return_error"]
    argv += ["-CAfile", tls.CA if talk.account else ca_file]
    wanted = ELSEWHERE if case == "wrong-name" else talk.name
    argv += ["-servername", wanted, "-verify_hostname", wanted]
    if talk.protocol == "mysql":
        argv += ["-starttls", "mysql"]
    if talk.protocol == "ntske":
        argv += ["-alpn", "ntske/1"]
    if case.startswith("tls-"):
        argv += ["-cipher", "ALL:@SECLEVEL=0", f"-tls{case.removeprefix('tls-').replace('.', '_')}"]
    if talk.own:
        argv += ["-cert", talk.own.paths[0], "-key", talk.own.paths[1]]
    if talk.account:
        argv = ["runuser", "-u", talk.account, "--", *argv]
    return by_hand.at(talk.place, argv)
