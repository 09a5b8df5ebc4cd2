"""Handshakes as one account: each try speaks its protocol until the server says yes or no. Standard library only.

Standard input is one JSON line `[{id, protocol, address, port, name, …}, …]`, standard output one JSON line
`[{id, outcome, detail}, …]`. Keys and passwords come in by standard input alone and live in memory: OpenSSL wants
files, so they are in ones without a name (memfd_create(2)). Of a try:

- `protocol`: `https`, `amqps`, `mysql`, `ntske`; `http` {path, headers, wanted} on the node itself; `itself`
- `trust`: the CA that the client trusts (PEM); `name`: whom it expects
- `own`: `[certificate, key]`, paths that this account must be able to read; or `shown`: the same as PEM; or neither
- `tls`: the version to speak (`1.1`, `1.2`), else the newest; `plain`: speak the protocol without TLS
- `path` (https), `vhost` (amqps), `user`, `password`, `database` (mysql)

Outcomes: `accepted`; `not authorised` (the server verified the handshake and then says no); `refused` (it ends the
handshake, or does not speak); `not verified` (the client does not believe the server); `answered` (it speaks without
TLS); `names others` (`exact`, and the certificate is for more than `name`); `unreadable` (own key or certificate);
`silent`; `unreachable`; `cannot try` (this OpenSSL does not).
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SECONDS = 10.0
_AT_ONCE = 8
_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
Try = dict[str, Any]
Outcome = tuple[str, str]
Stream = socket.socket


class No(Exception):
    """The server's own no, in its protocol."""


class Answered(Exception):
    """It spoke its protocol without TLS."""


class Others(Exception):
    """The certificate names more than the server."""


def _read(stream: Stream, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = stream.recv(size - len(found))
        if not more:
            raise ConnectionResetError("closed")
        found += more
    return found


def _as_file(text: str) -> str:
    """A path of a file in memory that only this process has."""
    descriptor = os.memfd_create("shown", os.MFD_CLOEXEC)
    os.write(descriptor, text.encode())
    return f"/proc/self/fd/{descriptor}"


def _show(to: ssl.SSLContext, shown: list[str]) -> None:
    paths = [_as_file(text) for text in shown]
    try:
        to.load_cert_chain(paths[0], paths[1])
    finally:
        for path in paths:
            os.close(int(path.rpartition("/")[2]))


def context(one: Try) -> ssl.SSLContext:
    """As the try says. Raises PermissionError or FileNotFoundError for own files that cannot be read."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=one["trust"])
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if one.get("tls"):
        # Debian's own setting (security level 2) would not let it say what the server must refuse.
        made.set_ciphers("ALL:@SECLEVEL=0")
        made.minimum_version = made.maximum_version = _VERSIONS[one["tls"]]
    if one["protocol"] == "ntske":
        made.set_alpn_protocols(["ntske/1"])
    own, shown = one.get("own"), one.get("shown")
    if own:
        for path in own:
            Path(path).read_bytes()  # OpenSSL's own error would not say which
        made.load_cert_chain(own[0], own[1])
    elif shown:
        _show(made, shown)
    return made


def _secured(raw: Stream, one: Try) -> ssl.SSLSocket:
    return context(one).wrap_socket(raw, server_hostname=one["name"])


def _https(raw: Stream, one: Try) -> str:
    stream: Stream = raw if one.get("plain") else _secured(raw, one)
    stream.sendall(f"GET {one['path']} HTTP/1.1\r\nHost: {one['name']}\r\nConnection: close\r\n\r\n".encode())
    head = b""
    while b"\r\n" not in head:
        more = stream.recv(4096)
        if not more:
            raise ConnectionResetError("closed")
        head += more
    line = head.partition(b"\r\n")[0].decode(errors="replace")
    status = int(line.split()[1]) if line.startswith("HTTP/") else 0
    if one.get("plain"):
        if 0 < status < 400:
            raise Answered(line)
        raise ConnectionResetError(line)
    if not 200 <= status < 400:
        raise No(line)
    return _told(stream, one)


def _http(raw: Stream, one: Try) -> str:
    """Without TLS, on the node itself: a 200 that holds `wanted`."""
    lines = [f"GET {one['path']} HTTP/1.0", *(f"{name}: {value}" for name, value in one["headers"].items())]
    raw.sendall("\r\n".join([*lines, "", ""]).encode())
    whole = b""
    while more := raw.recv(65536):
        whole += more
    line = whole.partition(b"\r\n")[0].decode(errors="replace")
    if line.split()[1:2] != ["200"] or one["wanted"].encode() not in whole:
        raise No(line)
    return line


def _told(stream: Stream, one: Try) -> str:
    """The version, and exactly whom the certificate names. Raises Others where `exact` and it names somebody else."""
    if not isinstance(stream, ssl.SSLSocket):
        return ""
    seen = stream.getpeercert() or {}
    names = sorted(str(each[1]) for each in seen.get("subjectAltName", ()))
    if one.get("exact") and names != [one["name"]]:
        raise Others(" ".join(names))
    return f"{stream.version()} {' '.join(names)}"


def _frame(kind: int, channel: int, body: bytes) -> bytes:
    return struct.pack(">BHI", kind, channel, len(body)) + body + b"\xce"


def _method(stream: Stream) -> tuple[int, int, bytes]:
    """Class, method and arguments of the next method frame (AMQP 0-9-1, 4.2.3)."""
    kind, _, size = struct.unpack(">BHI", _read(stream, 7))
    body = _read(stream, size + 1)
    if kind != 1:
        return 0, 0, body
    return (*struct.unpack(">HH", body[:4]), body[4:-1])


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _long(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def _amqp_closed(arguments: bytes) -> No:
    (code,) = struct.unpack(">H", arguments[:2])
    return No(f"{code} {arguments[3 : 3 + arguments[2]].decode(errors='replace')}")


def _amqps(raw: Stream, one: Try) -> str:
    stream: Stream = raw if one.get("plain") else _secured(raw, one)
    stream.sendall(b"AMQP\x00\x00\x09\x01")
    family, method, arguments = _method(stream)
    if (family, method) != (10, 10):
        raise ConnectionResetError("no Connection.Start")
    if one.get("plain"):
        raise Answered("Connection.Start")
    # With this capability a refused login is said aloud (RabbitMQ, "Authentication failure notifications").
    able = _short("authentication_failure_close") + b"t\x01"
    properties = _long(_short("capabilities") + b"F" + _long(able))
    start_ok = properties + _short("EXTERNAL") + _long(b"") + _short("en_US")
    stream.sendall(_frame(1, 0, struct.pack(">HH", 10, 11) + start_ok))
    family, method, arguments = _method(stream)
    if (family, method) == (10, 50):
        raise _amqp_closed(arguments)
    stream.sendall(_frame(1, 0, struct.pack(">HH", 10, 31) + arguments))  # Tune-Ok: as the server proposes
    stream.sendall(_frame(1, 0, struct.pack(">HH", 10, 40) + _short(one["vhost"]) + b"\x00\x00"))
    family, method, arguments = _method(stream)
    if (family, method) == (10, 50):
        raise _amqp_closed(arguments)
    told = _told(stream, one)
    stream.sendall(_frame(1, 0, struct.pack(">HHH", 10, 50, 200) + _short("") + b"\x00\x00\x00\x00"))
    _method(stream)
    return told


_LONG_PASSWORD, _WITH_DB, _PROTOCOL_41, _SSL = 1, 8, 0x200, 0x800
_SECURE, _PLUGIN = 0x8000, 0x80000
_NATIVE = "mysql_native_password"


def scramble(password: str, nonce: bytes) -> bytes:
    """mysql_native_password: SHA1(p) xor SHA1(nonce + SHA1(SHA1(p)))."""
    first = hashlib.sha1(password.encode()).digest()  # noqa: S324 - the protocol's
    mask = hashlib.sha1(nonce + hashlib.sha1(first).digest()).digest()  # noqa: S324
    return bytes(a ^ b for a, b in zip(first, mask, strict=True))


def _packet(stream: Stream) -> tuple[int, bytes]:
    head = _read(stream, 4)
    return head[3], _read(stream, int.from_bytes(head[:3], "little"))


def _put(stream: Stream, number: int, body: bytes) -> None:
    stream.sendall(len(body).to_bytes(3, "little") + bytes([number]) + body)


def _judge_mysql(body: bytes, one: Try) -> None:
    if body[:1] == b"\xff":
        (code,) = struct.unpack("<H", body[1:3])
        said = f"{code} {body[3:].decode(errors='replace')}"
        # 3159: only encrypted connections are taken at all, before any name is looked at.
        if one.get("plain") and "insecure transport" in said:
            raise ConnectionResetError(said)
        raise No(said)


def _mysql(raw: Stream, one: Try) -> str:
    _, greeting = _packet(raw)
    if greeting[:1] == b"\xff":
        raise ConnectionRefusedError(greeting[3:].decode(errors="replace"))
    end = greeting.index(b"\x00", 1)
    nonce = greeting[end + 5 : end + 13] + greeting[end + 32 : end + 44]
    able = int.from_bytes(greeting[end + 14 : end + 16], "little")
    stream: Stream = raw
    flags = _LONG_PASSWORD | _PROTOCOL_41 | _SECURE | _PLUGIN | _WITH_DB
    head = struct.pack("<IIB23x", flags, 1 << 24, 33)
    number = 1
    if not one.get("plain"):
        if not able & _SSL:
            raise ConnectionRefusedError("the server offers no TLS")
        head = struct.pack("<IIB23x", flags | _SSL, 1 << 24, 33)
        _put(raw, number, head)
        stream = _secured(raw, one)
        number += 1
    answer = scramble(one["password"], nonce)
    login = one["user"].encode() + b"\x00" + bytes([len(answer)]) + answer
    _put(stream, number, head + login + one["database"].encode() + b"\x00" + _NATIVE.encode() + b"\x00")
    number, body = _packet(stream)
    if body[:1] == b"\xfe" and len(body) > 1:  # another nonce, or another way, which a password cannot answer
        way, _, other = body[1:].partition(b"\x00")
        if way.decode() != _NATIVE:
            raise No(f"asks for {way.decode()}")
        _put(stream, number + 1, scramble(one["password"], other.rstrip(b"\x00")))
        number, body = _packet(stream)
    _judge_mysql(body, one)
    if one.get("plain"):
        raise Answered("logged in")
    _put(stream, 0, b"\x03SELECT 1")
    _judge_mysql(_packet(stream)[1], one)
    told = _told(stream, one)
    _put(stream, 0, b"\x01")
    return told


def _ntske(raw: Stream, one: Try) -> str:
    """RFC 8915, 4: next protocol NTPv4, AEAD_AES_SIV_CMAC_256, end; good where cookies come back."""
    stream: Stream = raw if one.get("plain") else _secured(raw, one)
    stream.sendall(bytes.fromhex("80010002000080040002000f80000000"))
    cookies = 0
    while True:
        kind, size = struct.unpack(">HH", _read(stream, 4))
        body = _read(stream, size)
        if one.get("plain"):
            if kind & 0x7FFF in {0, 1, 4, 5}:
                raise Answered("records")
            raise ConnectionResetError("no records")
        kind &= 0x7FFF
        if kind == 2:
            raise No(f"error {int.from_bytes(body, 'big')}")
        cookies += kind == 5
        if kind == 0:
            break
    if not cookies:
        raise No("no cookie")
    return _told(stream, one)


_SPEAK: dict[str, Callable[[Stream, Try], str]] = {
    "https": _https,
    "amqps": _amqps,
    "mysql": _mysql,
    "ntske": _ntske,
    "http": _http,
}
_OURS = {"NO_PROTOCOLS_AVAILABLE", "UNSUPPORTED_PROTOCOL", "NO_CIPHERS_AVAILABLE", "INTERNAL_ERROR", "NO_CIPHER_MATCH"}
_EARLY = (FileNotFoundError, PermissionError)


def itself(one: Try) -> str:
    """A handshake of this OpenSSL with itself, in memory: whether it can speak the version at all."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.set_ciphers("ALL:@SECLEVEL=0")
    server.minimum_version = server.maximum_version = _VERSIONS[one["tls"]]
    _show(server, one["shown"])
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = context({**one, "shown": None}).wrap_bio(back, there, server_hostname=one["name"])
    far = server.wrap_bio(there, back, server_side=True)
    for end in (near, far) * 4:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return str(near.version())


def attempt(one: Try) -> Outcome:
    """One try, judged."""
    if one["protocol"] == "itself":
        try:
            return "accepted", itself(one)
        except ssl.SSLError as error:
            return "cannot try", str(error.reason)
    speak = _SPEAK.get(one["protocol"])
    if speak is None:
        return "cannot try", "nobody has taught verify this server's protocol"
    try:
        raw = socket.create_connection((one["address"], one["port"]), SECONDS)
    except TimeoutError:
        return "silent", ""
    except OSError as error:
        return "unreachable", str(error.strerror)
    with raw:
        try:
            return "accepted", speak(raw, one)
        except No as no:
            return "not authorised", str(no)
        except Answered as answer:
            return "answered", str(answer)
        except Others as names:
            return "names others", str(names)
        except _EARLY as error:
            return "unreadable", f"{error.filename}: {error.strerror}"
        except ssl.SSLCertVerificationError as error:
            return "not verified", error.verify_message
        except ssl.SSLError as error:
            reason = str(error.reason or error)
            return ("cannot try" if reason in _OURS else "refused"), reason
        except TimeoutError:
            return "silent", "connected"
        except ConnectionError as error:
            return "refused", str(error.strerror or error)
        except (struct.error, ValueError, IndexError) as error:
            return "no sense", f"{type(error).__name__}: {error}"


def attempts(tries: list[Try]) -> list[dict[str, str]]:
    """Every try, several at once, in their order."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(attempt, tries)
        return [
            {"id": one["id"], "outcome": outcome, "detail": detail}
            for one, (outcome, detail) in zip(tries, found, strict=True)
        ]


def main() -> None:
    """Reads, tries, answers."""
    sys.stdout.write(json.dumps(attempts(json.loads(sys.stdin.readline()))) + "\n")
