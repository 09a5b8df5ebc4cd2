"""Impostors between the cloud's own programs and their servers: what they show, and what their clients must do then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.lab_cloud import impostor_far

from wallcloud.catalog.place import internal_name
from wallcloud.deploy.authority import Authority, Request
from wallcloud.deploy.prepare import known_design, state_of
from wallcloud.design.certificates import client_certificates
from wallcloud.lab.lab import Lab
from wallcloud.site.load import Loaded
from wallcloud.verify.encryption.rogue import Pair, Rogue
from wallcloud.verify.encryption.talks import Talk, talks
from wallcloud.verify.far import loop
from wallcloud.verify.hands import ARGV, Hands, at_once

PROGRAM = (loop, impostor_far)
OWN, OTHER_CA, OTHER_NAME, CLIENTS, NO_TLS = "own", "other-ca", "other-name", "client's", "no-tls"
CASES = (OTHER_CA, OTHER_NAME, CLIENTS, NO_TLS, OWN)
"""What an impostor shows: a certificate with the right name of another CA; of the site's CA for another server; of the
site's CA for a client on the server's node, as he has it who took over a neighbour's account; none at all, where a
protocol begins in the clear; and last the right one, by which each client proves that the certificate was why it left.
"""
SEEN_SECONDS = 75.0
"""oslo.messaging waits for up to 30 s between two tries, nova-compute starts for some 20 s on a busy computer."""
Seen = list[tuple[str, str]]
"""(outcome, detail) of each connection, as in `impostor_far`."""


@dataclass(frozen=True)
class Way:
    """A conversation of an account of a node with a server, by TLS."""

    talk: Talk

    @property
    def client(self) -> str:
        """The component; root, whatever it is for."""
        return "root" if self.talk.account == "root" else self.talk.client.partition("@")[0]

    @property
    def id(self) -> str:
        """Much as in verify's: `control:5671/nova-compute@compute1`."""
        return f"{self.talk.server_node}:{self.talk.port}/{self.client}@{self.talk.place}"

    def cases(self, wanted: Iterable[str]) -> list[str]:
        """Those that its protocol knows."""
        return [case for case in wanted if case != NO_TLS or self.talk.protocol == "mysql"]


def ways(loaded: Loaded) -> dict[str, Way]:
    """All of a site, by id, of an account to a server once; without people, whose programs are not the cloud's."""
    found = (Way(talk) for talk in talks(known_design(loaded)) if talk.account)
    return {way.id: way for way in found}


class Papers:
    """The certificates that impostors show."""

    def __init__(self, loaded: Loaded) -> None:
        self._site = loaded.site
        self._design = known_design(loaded)
        self._authority = Authority.open(state_of(loaded), loaded.site.name)
        self._rogue = Rogue(self._authority.pem)

    def of(self, way: Way, case: str) -> Pair | None:
        """Certificate and key (PEM)."""
        name = way.talk.name
        match case:
            case "own":
                return self._signed(name, "server")
            case "other-ca":
                return self._rogue.sign(name, (name,), server=True)
            case "other-name":
                other = next(node for node in self._site.nodes if node != way.talk.server_node)
                return self._signed(internal_name(self._site, other), "server")
            case "client's":
                theirs = next(client_certificates(self._design.specs[way.talk.server_node]))
                return self._signed(theirs.subject, "client", theirs.names)
            case _:
                return None

    def _signed(self, name: str, use: str, names: tuple[str, ...] = ()) -> Pair:
        """As the site's CA signs for a node; `names`: others than `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
        csr = request.public_bytes(Encoding.PEM).decode()
        signed = self._authority.sign(csr, Request(name, names or (name,), (use,), 1))
        return signed, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Impostors:
    """A context: they stand between from its beginning to its end, whatever happens. `show`, `calls`, `seen` by turns.

    `hands`: of every node, for what makes clients connect.
    """

    def __init__(self, lab: Lab, loaded: Loaded, wanted: Iterable[Way]) -> None:
        self._lab = lab
        self._nodes = tuple(loaded.site.nodes)
        self._ways = {way.id: way for way in wanted}
        self._papers = Papers(loaded)
        self._open = ExitStack()
        self.hands: dict[str, Hands] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for node in self._nodes:
                self.hands[node] = stack.enter_context(Hands(node, self._lab.ssh(node, ARGV), PROGRAM))
            stack.callback(at_once, self._nodes, lambda node: self.hands[node].call("settle"))
            stack.callback(self._each, lambda node, _: self.hands[node].call("leave"))
            self._each(lambda node, mine: self.hands[node].call("stand", doors=[self._door(way) for way in mine]))
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def show(self, case: str) -> None:
        """All of them show this from now on."""
        self._each(
            lambda node, mine: self.hands[node].call("show", shown={way.id: self._papers.of(way, case) for way in mine})
        )

    def seen(self, wanted: Iterable[Way], seconds: float = SEEN_SECONDS) -> Mapping[str, Seen]:
        """What came, as soon as each of these ways was taken once."""
        ids = {way.id for way in wanted}

        def ask(node: str, mine: list[Way]) -> Mapping[str, Seen]:
            asked = [way.id for way in mine if way.id in ids]
            found: Mapping[str, Seen] = self.hands[node].call("seen", wanted=asked, seconds=seconds)
            return found

        return {id: [(what, more) for what, more in seen] for part in self._each(ask) for id, seen in part.items()}

    def _each(self, act: Callable[[str, list[Way]], Any]) -> list[Any]:
        mine: dict[str, list[Way]] = {}
        for way in self._ways.values():
            mine.setdefault(way.talk.place, []).append(way)
        return list(at_once(mine, lambda node: act(node, mine[node])).values())

    def _door(self, way: Way) -> dict[str, Any]:
        talk = way.talk
        return {
            "id": way.id,
            "account": talk.account,
            "address": talk.address,
            "port": talk.port,
            "protocol": talk.protocol,
            "shown": self._papers.of(way, OTHER_CA),
        }


def wrong(way: Way, case: str, seen: Seen) -> str:
    """What is wrong with how a client met this; "" where nothing is."""
    told = ", ".join(sorted({f"{what} ({more})" for what, more in seen}))
    if not seen:
        return f"{way.id}: {case}: it never came"
    if case == OWN:
        good = any(what == "believed" or (what, more) == ("left", "after the handshake") for what, more in seen)
        return "" if good else f"{way.id}: {case}: it takes the right certificate for a wrong one: {told}"
    if all(_unbelieved(case, what, more) for what, more in seen):
        return ""
    bad = any(what in {"believed", "plain", "left"} and not _unbelieved(case, what, more) for what, more in seen)
    return f"{way.id}: {case}: {'it does not verify its server' if bad else 'that proves nothing'}: {told}"


def _unbelieved(case: str, what: str, more: str) -> bool:
    """Some look at the name only when the handshake is over; they must say nothing."""
    late = case == OTHER_NAME and more == "after the handshake"
    return what == "refused" or (what == "left" and (late or more == "in the handshake"))
