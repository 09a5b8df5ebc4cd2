"""Handshakes with a real TLS server on this computer: what each certificate, trust and version meets."""

import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.verify.certificates import another_ca

from wallcloud.verify.encryption.far.shake import Try, attempt, scramble
from wallcloud.verify.encryption.rogue import Pair, Rogue

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
NAME = "control.internal.cloud.example"
CLIENT = "nova-compute@compute1"


@cache
def site() -> Rogue:
    """A CA. Made when it is first needed: it lives for minutes, and this file is read long before its tests run."""
    return Rogue(another_ca())


@cache
def other() -> Rogue:
    """A second CA of the same name."""
    return Rogue(another_ca())


def loaded(context: ssl.SSLContext, pair: Pair) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("cert", "key")]
        for path, text in zip(paths, pair, strict=True):
            path.write_text(text)
        context.load_cert_chain(paths[0], paths[1])


class Server:
    """Speaks HTTP over TLS, and lets in who shows a certificate of its CA with the name CLIENT."""

    def __init__(self, *, mutual: bool = True) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        loaded(self.context, site().sign(NAME, (NAME,), server=True))
        self.context.load_verify_locations(cadata=site().pem)
        self.context.verify_mode = ssl.CERT_REQUIRED if mutual else ssl.CERT_NONE
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            with raw:
                try:
                    with self.context.wrap_socket(raw, server_side=True) as stream:
                        stream.recv(4096)
                        good = self.context.verify_mode is ssl.CERT_NONE or CLIENT in str(stream.getpeercert())
                        stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n" if good else b"HTTP/1.1 403 Forbidden\r\n\r\n")
                except OSError:
                    continue


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.listener.close()


def met(server: Server, **more: Any) -> str:
    one: Try = {"protocol": "https", "address": "127.0.0.1", "port": server.port, "name": NAME, "trust": site().pem}
    outcome, detail = attempt({**one, "path": "/", **more})
    assert "PRIVATE" not in detail
    return outcome


def test_each_certificate_meets_what_it_deserves(server: Server) -> None:
    mine = site().sign(CLIENT, ("compute1",))
    assert met(server, shown=mine, exact=True) == "accepted"
    assert met(server, shown=mine) == "accepted"
    assert met(server) == "refused", "TLS 1.3 lets a client without a certificate shake hands, and refuses it then"
    assert met(server, shown=other().sign(CLIENT, ("compute1",))) == "refused"
    assert met(server, shown=Rogue.alone(CLIENT, ("compute1",))) == "refused"
    assert met(server, shown=site().sign("nobody@nowhere.invalid", ("nowhere.invalid",))) == "not authorised"
    assert met(server, shown=mine, trust=other().pem) == "not verified"
    assert met(server, shown=mine, name="elsewhere.example") == "not verified"
    assert met(server, shown=mine, tls="1.1") == "refused"
    assert met(server, plain=True) == "refused"


def test_a_server_that_lets_anybody_in_is_seen() -> None:
    lax = Server(mutual=False)
    assert met(lax) == "accepted"
    assert met(lax, shown=other().sign(CLIENT, ("compute1",))) == "accepted"
    lax.context.set_ciphers("ALL:@SECLEVEL=0")
    lax.context.minimum_version = ssl.TLSVersion.TLSv1
    assert met(lax, tls="1.1") == "accepted"
    lax.listener.close()


def test_a_server_of_another_ca_or_name_is_seen() -> None:
    """What must not be verified is, where the server is not the design's: those expectations can fail too."""
    wrong = Server(mutual=False)
    loaded(wrong.context, other().sign("elsewhere.example", ("elsewhere.example", NAME), server=True))
    assert met(wrong) == "not verified"
    assert met(wrong, trust=other().pem) == "accepted"
    assert met(wrong, trust=other().pem, name="elsewhere.example") == "accepted"
    assert met(wrong, trust=other().pem, exact=True) == "names others"
    wrong.listener.close()


def test_what_speaks_without_tls_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            raw, _ = listener.accept()
            with raw:
                raw.recv(100)
                raw.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        one: Try = {"protocol": "https", "address": "127.0.0.1", "port": listener.getsockname()[1], "name": NAME}
        assert attempt({**one, "trust": site().pem, "path": "/", "plain": True})[0] == "answered"


def test_own_files_that_the_account_cannot_read(server: Server, tmp_path: Path) -> None:
    assert met(server, own=[str(tmp_path / "cert"), str(tmp_path / "key")]) == "unreadable"


def test_the_prober_can_speak_what_servers_must_refuse() -> None:
    pair = other().sign("itself", ("itself",), server=True)
    for version in ("1.1", "1.2", "1.3"):
        one: Try = {"protocol": "itself", "tls": version, "shown": pair, "trust": other().pem, "name": "itself"}
        assert attempt(one) == ("accepted", f"TLSv{version}")


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    one: Try = {
        "protocol": "https",
        "address": "127.0.0.1",
        "port": port,
        "name": NAME,
        "trust": site().pem,
        "path": "/",
    }
    assert attempt(one)[0] == "unreachable"


def test_the_scramble_is_mysql_native_password() -> None:
    """A vector of PyMySQL's own function (pymysql._auth.scramble_native_password)."""
    assert scramble("secret", bytes(range(20))).hex() == "21b3ff405f32cbe4aafff291396046ea29fa3a4d"
