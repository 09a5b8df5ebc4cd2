"""The impostor of these tests tells clients that verify from those that do not: each is met once, on this computer."""

import re
import socket
import ssl
from collections.abc import Callable
from functools import cache

import pytest
from tests.design.world import designed
from tests.lab_cloud import impostor_far
from tests.lab_cloud.impostor import CLIENTS, NO_TLS, OTHER_CA, OTHER_NAME, OWN, Way, wrong
from tests.lab_cloud.impostor_far import Door
from tests.verify.certificates import another_ca

from wallcloud.design.certificates import client_certificates
from wallcloud.verify.encryption.far.shake import attempt
from wallcloud.verify.encryption.rogue import Pair, Rogue
from wallcloud.verify.encryption.talks import Talk, talks

NAME = "control.internal.cloud.example"
Client = Callable[[Door], object]


@cache
def cas() -> tuple[Rogue, Rogue]:
    """The site's, and another of its name; made when they are needed, for they live for minutes."""
    return Rogue(another_ca()), Rogue(another_ca())


def shown(case: str) -> Pair | None:
    site, other = cas()
    match case:
        case "own":
            return site.sign(NAME, (NAME,), server=True)
        case "other-ca":
            return other.sign(NAME, (NAME,), server=True)
        case "other-name":
            return site.sign("api", ("api",), server=True)
        case "client's":
            return site.sign(NAME, (NAME,))
        case _:
            return None


def verifying(door: Door) -> None:
    one = {"address": "127.0.0.1", "port": door.here, "name": NAME, "trust": cas()[0].pem, "protocol": door.protocol}
    attempt({**one, "path": "/", "user": "a", "password": "b", "database": "c"})


def _talk(door: Door, context: ssl.SSLContext, says: bytes) -> None:
    raw = socket.create_connection(("127.0.0.1", door.here))
    with raw, context.wrap_socket(raw, server_hostname=NAME) as tls:
        if says:
            tls.sendall(says)
            tls.recv(1)


def believing(door: Door) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _talk(door, context, b"AMQP\0\0\x09\x01")


def nameless(door: Door) -> None:
    """It knows the CA, and takes every name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=cas()[0].pem)
    _talk(door, context, b"AMQP\0\0\x09\x01")


def late(door: Door) -> None:
    """It looks at the name when the handshake is over, and hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=cas()[0].pem)
    _talk(door, context, b"")


def plain(door: Door) -> None:
    one = {"address": "127.0.0.1", "port": door.here, "name": NAME, "protocol": door.protocol, "plain": True}
    attempt({**one, "path": "/", "user": "a", "password": "b", "database": "c"})


def old(door: Door) -> None:
    """It knows no version that the impostor speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    _talk(door, context, b"x")


def silent(door: Door) -> None:
    socket.create_connection(("127.0.0.1", door.here)).close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("client", "protocol", "case", "met", "fault"),
    [
        (verifying, "https", OTHER_CA, "refused (TLSV1_ALERT_DECRYPT_ERROR)", ""),
        (verifying, "https", OTHER_NAME, "refused (SSLV3_ALERT_BAD_CERTIFICATE)", ""),
        (verifying, "https", CLIENTS, "refused (SSLV3_ALERT_UNSUPPORTED_CERTIFICATE)", ""),
        (verifying, "https", OWN, "believed (and says bytes)", ""),
        (verifying, "mysql", OTHER_CA, "refused (TLSV1_ALERT_DECRYPT_ERROR)", ""),
        (verifying, "mysql", OWN, "believed (and says bytes)", ""),
        (verifying, "ntske", OWN, "believed (and says bytes)", ""),
        (verifying, "mysql", NO_TLS, "left (in the handshake)", ""),
        (believing, "amqps", OTHER_CA, "believed (and says bytes)", "does not verify"),
        (believing, "amqps", OTHER_NAME, "believed (and says bytes)", "does not verify"),
        (believing, "amqps", CLIENTS, "believed (and says bytes)", "does not verify"),
        (nameless, "amqps", OTHER_CA, "refused (TLSV1_ALERT_DECRYPT_ERROR)", ""),
        (nameless, "amqps", OTHER_NAME, "believed (and says bytes)", "does not verify"),
        (late, "https", OTHER_NAME, "left (after the handshake)", ""),
        (late, "https", OWN, "left (after the handshake)", ""),
        (believing, "https", OWN, "believed (and says bytes)", ""),
        (plain, "https", OTHER_CA, "plain (speaks)", "does not verify"),
        (plain, "mysql", NO_TLS, "plain (logs in, bytes)", "does not verify"),
        (plain, "mysql", OWN, "plain (logs in, bytes)", "takes the right certificate for a wrong one"),
        (old, "https", OTHER_CA, "no sense (UNSUPPORTED_PROTOCOL)", "that proves nothing"),
        (silent, "https", OTHER_CA, "", "it never came"),
    ],
)
def test_clients_are_told_apart(client: Client, protocol: str, case: str, met: str, fault: str) -> None:
    given = {"id": "it", "account": "", "address": "", "port": 0, "protocol": protocol, "shown": shown(case)}
    door = impostor_far.hear(given)
    try:
        client(door)
    except OSError:
        pass  # as it should be: that is what is judged
    finally:
        seen = impostor_far.seen(["it"], 5 if met else 0)["it"]
        door.listener.close()
    assert ", ".join(f"{what} ({re.sub(r'[0-9]+ bytes', 'bytes', more)})" for what, more in seen) == met
    talk = Talk("a@control", "control", "a", "b", "control", "management", "", 1, protocol, NAME, True, False)
    said = wrong(Way(talk), case, seen)
    assert fault in said and bool(said) == bool(fault)


def test_every_protocol_is_met() -> None:
    """One that `test_cloud_j_impostor` does not know would be left out by all of its tests."""
    spoken = {talk.protocol for talk in talks(designed()) if talk.account}
    assert spoken == {"amqps", "https", "mysql", "ntske"}


def test_no_clients_certificate_bears_a_servers_name() -> None:
    """chrony's library takes it for the server's own: it does not look at what a certificate is for."""
    design = designed()
    names = {name for spec in design.specs.values() for each in client_certificates(spec) for name in each.names}
    assert names and not names & {talk.name for talk in talks(design)}


def test_what_is_hung_up_before_the_name_is_seen_is_no_proof() -> None:
    """Without an alert, in the handshake: only beside the right certificate, which the client must believe."""
    talk = Talk("a@control", "control", "a", "b", "control", "management", "", 1, "ntske", NAME, True, False)
    seen = [("left", "in the handshake")]
    assert not wrong(Way(talk), OTHER_CA, seen)
    assert "takes the right certificate for a wrong one" in wrong(Way(talk), OWN, seen)
    assert "does not verify" in wrong(Way(talk), OTHER_CA, [*seen, ("believed", "and says 8 bytes")])
    assert "does not verify" in wrong(Way(talk), OTHER_CA, [("left", "after the handshake")])
