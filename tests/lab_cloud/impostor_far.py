"""An impostor on a node, in the place of servers that its accounts talk to. Standard library only.

An nftables table of its own turns an account's new connections to a server to a port of this program's, a port for
each door. What comes is met with the certificate that is shown just then, and how it ends is noted:

- `refused` (alert): the client ended the handshake and says that the certificate is why
- `left` (`in the handshake`, `after the handshake`): it hung up without a word
- `believed`: it ended the handshake and went on talking; what it said is counted, and kept nowhere
- `plain`: it spoke without TLS
- `no sense`: anything else, which proves nothing

It ends, and takes away what it put in, when standard input does.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from wallcloud.verify.far import loop

TABLE = "wallcloud-impostor"
_CERTIFICATES_FAULT = {
    "TLSV1_ALERT_UNKNOWN_CA",
    "TLSV1_ALERT_DECRYPT_ERROR",  # a CA of the right name that did not sign it
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
}
_SSL = 0x800
_ABLE = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000
"""MariaDB's flags of a server that knows 4.1's protocol, transactions, and plugins that authenticate."""
_SECONDS = 10.0
_SILENT_SECONDS = 5.0
Outcome = tuple[str, str]


class Plain(Exception):
    """It spoke without TLS."""


class Door:
    """One account's way to one server."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.id: str = given["id"]
        self.account: str = given["account"]
        self.address: str = given["address"]
        self.port: int = given["port"]
        self.protocol: str = given["protocol"]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.shown: ssl.SSLContext | None = None
        self.turn = 0
        self.seen: list[Outcome] = []

    @property
    def here(self) -> int:
        """The port where it is met."""
        port: int = self.listener.getsockname()[1]
        return port


_doors: dict[str, Door] = {}
_restarted: set[str] = set()
_news = threading.Condition()


def _context(protocol: str, shown: list[str] | None) -> ssl.SSLContext | None:
    if not shown:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if protocol == "ntske":
        made.set_alpn_protocols(["ntske/1"])
    files = [os.memfd_create("shown", os.MFD_CLOEXEC) for _ in shown]
    try:
        for file, text in zip(files, shown, strict=True):
            os.write(file, text.encode())
        made.load_cert_chain(*(f"/proc/self/fd/{file}" for file in files))
    finally:
        for file in files:
            os.close(file)
    return made


def _read(stream: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = stream.recv(size - len(found))
        if not more:
            raise ConnectionResetError
        found += more
    return found


def _greet(stream: socket.socket, *, tls: bool) -> None:
    """MariaDB's first packet (protocol 10), and the answer up to where TLS begins. Raises Plain where it does not."""
    able = _ABLE | (_SSL if tls else 0)
    nonce = os.urandom(20).hex().encode()[:20]
    body = b"\x0a5.5.5-10.11.6-MariaDB\x00" + struct.pack("<I", 7) + nonce[:8] + b"\x00"
    body += struct.pack("<HBHHB", able & 0xFFFF, 33, 2, able >> 16, 21) + bytes(10) + nonce[8:] + b"\x00"
    body += b"mysql_native_password\x00"
    stream.sendall(len(body).to_bytes(3, "little") + b"\x00" + body)
    answer = _read(stream, int.from_bytes(_read(stream, 4)[:3], "little"))
    if not int.from_bytes(answer[:4], "little") & _SSL or len(answer) > 32:
        raise Plain(f"logs in, {len(answer)} bytes")


def _met(door: Door, raw: socket.socket, context: ssl.SSLContext | None) -> Outcome | None:
    """How it ended; None for one that said nothing at all. `context` None: a server that has no TLS."""
    raw.settimeout(_SECONDS)
    try:
        if door.protocol == "mysql":
            _greet(raw, tls=context is not None)
        first = raw.recv(1, socket.MSG_PEEK)
        if not first:
            return None
        if first != b"\x16" or context is None:
            raise Plain("speaks")
        tls = context.wrap_socket(raw, server_side=True)
    except Plain as error:
        return "plain", str(error)
    except (ssl.SSLEOFError, ConnectionError):
        return "left", "in the handshake"
    except ssl.SSLError as error:
        return ("refused" if error.reason in _CERTIFICATES_FAULT else "no sense"), str(error.reason)
    except TimeoutError:
        return "no sense", "stands still in the handshake"
    with tls:
        tls.settimeout(_SILENT_SECONDS)
        try:
            said = len(tls.recv(16384))
        except TimeoutError:
            return "believed", "and waits"
        except (ssl.SSLEOFError, ConnectionError):
            said = 0
        except ssl.SSLError as error:
            return ("refused" if error.reason in _CERTIFICATES_FAULT else "no sense"), str(error.reason)
    return ("believed", f"and says {said} bytes") if said else ("left", "after the handshake")


def _meet(door: Door, raw: socket.socket, turn: int, context: ssl.SSLContext | None) -> None:
    with raw:
        try:
            outcome = _met(door, raw, context)
        except OSError as error:
            outcome = "no sense", type(error).__name__
    with _news:
        if outcome and turn == door.turn:
            door.seen.append(outcome)
            _news.notify_all()


def _accept(door: Door) -> None:
    while True:
        try:
            raw, _ = door.listener.accept()
        except OSError:
            return  # it is over
        with _news:
            turn, context = door.turn, door.shown
        threading.Thread(target=_meet, args=(door, raw, turn, context), daemon=True).start()


def _run(*argv: str, input: str = "") -> str:
    """Its standard output. Raises RuntimeError with what it said."""
    done = subprocess.run(argv, input=input, text=True, check=False, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{argv[0]}: {' '.join(done.stderr.split())}")
    return done.stdout


def _nft(script: str) -> None:
    _run("nft", "-f", "-", input=script)


def hear(given: dict[str, Any]) -> Door:
    """One of `stand`'s, to which nobody is turned yet."""
    door = _doors[given["id"]] = Door(given)
    door.shown = _context(door.protocol, given["shown"])
    threading.Thread(target=_accept, args=(door,), daemon=True).start()
    return door


def stand(doors: list[dict[str, Any]]) -> None:
    """Begins to meet these. Each is {id, account, address, port, protocol, shown: [certificate, key] or null (no TLS)}.

    The node's own firewall filters loopback by account, too: what is turned to this program is let in there, by rules
    that bear the table's name.
    """
    for given in doors:
        hear(given)
    turned = [
        f"meta skuid {door.account} ip daddr {door.address} tcp dport {door.port} dnat ip to 127.0.0.1:{door.here}"
        for door in _doors.values()
    ]
    let = [
        f'insert rule inet wallcloud output ip daddr 127.0.0.1 tcp dport {door.here} accept comment "{TABLE}"'
        for door in _doors.values()
    ]
    chain = "type nat hook output priority -100; policy accept;"
    rules = "\n".join(turned)
    _nft(f"table inet {TABLE} {{\nchain output {{\n{chain}\n{rules}\n}}\n}}\n" + "\n".join(let) + "\n")


def show(shown: dict[str, list[str] | None]) -> None:
    """From now on these certificates, door → [certificate, key]; null: no TLS. What was seen is forgotten."""
    with _news:
        for id, pair in shown.items():
            door = _doors[id]
            door.shown = _context(door.protocol, pair)
            door.turn += 1
            door.seen = []


def seen(wanted: list[str], seconds: float) -> dict[str, list[Outcome]]:
    """What was seen at these doors, as soon as something was at each of them, or at the end of `seconds`."""
    end = time.monotonic() + seconds
    with _news:
        while not all(_doors[id].seen for id in wanted) and (left := end - time.monotonic()) > 0:
            _news.wait(left)
        return {id: list(_doors[id].seen) for id in wanted}


def leave() -> None:
    """Takes away all that it put in. What was turned here is reset."""
    subprocess.run(("nft", "delete", "table", "inet", TABLE), check=False, capture_output=True)
    told = _run("nft", "-a", "list", "chain", "inet", "wallcloud", "output")
    handles = re.findall(rf'comment "{TABLE}" # handle (\d+)', told)
    _nft("".join(f"delete rule inet wallcloud output handle {handle}\n" for handle in handles))
    for door in _doors.values():
        door.listener.close()
    _doors.clear()


def cut(account: str, port: int) -> int:
    """Ends the account's connections to this port of any server's; returns how many there were (sock_diag(7))."""
    uid = _run("id", "-u", account).strip()
    argv = ("ss", "-Hnte", "state", "established", f"( dport = :{port} )")
    told = _run(*argv)
    mine = [line.split()[2].rpartition(":")[2] for line in told.splitlines() if f"uid:{uid} " in f"{line} "]
    for source in mine:
        _run("ss", "-K", "-Hnt", f"( sport = :{source} and dport = :{port} )")
    return len(mine)


def restart(unit: str) -> None:
    """Does not wait: what meets an impostor may never get ready."""
    _restarted.add(unit)
    _run("systemctl", "restart", "--no-block", f"wallcloud-{unit}.service")


def settle() -> None:
    """Starts anew what was restarted, with nobody in its way now: what met an impostor may yet die of it."""
    while _restarted:
        _run("systemctl", "restart", f"wallcloud-{_restarted.pop()}.service")


def forget_ready(unit: str) -> None:
    """As if nobody had seen it ready since it started: an apply notes that, and the next plan asks."""
    Path(f"/run/wallcloud/ready/wallcloud-{unit}.service").unlink(missing_ok=True)


def forget_cookies() -> None:
    """chrony asks for keys only where it has no cookies left; it writes those down when it ends."""
    _run("systemctl", "stop", "wallcloud-chrony.service")
    for each in Path("/var/lib/chrony").glob("*.nts"):
        each.unlink()
    restart("chrony")


def ask(address: str, name: str, path: str) -> int:
    """A request with a token that nobody has seen; the answer's status. Certificates are another test's."""
    context = ssl.create_default_context(cafile="/etc/wallcloud/tls/ca.pem")
    with (
        socket.create_connection((address, 443), _SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=name) as tls,
    ):
        tls.settimeout(30)
        connection = http.client.HTTPSConnection(name)
        connection.sock = tls
        connection.request("GET", path, headers={"X-Auth-Token": uuid.uuid4().hex})
        return connection.getresponse().status


def ask_metadata(port: int, config: str, asked: str) -> int:
    """As Neutron's agent (`asked`: X-Instance-ID) or a load balancer's proxy (X-Metadata-Provider), signed."""
    text = Path(config).read_text(encoding="utf-8")
    found = re.search(r"^metadata_proxy_shared_secret *= *(.+)$", text, re.MULTILINE)
    if not found:
        raise LookupError(config)
    id = str(uuid.uuid4())
    signature = hmac.new(found[1].strip().encode(), id.encode(), hashlib.sha256).hexdigest()
    headers = {asked: id, f"{asked}-Signature": signature, "X-Tenant-ID": id, "X-Forwarded-For": "192.0.2.1"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/openstack/latest/meta_data.json", headers=headers)
    return connection.getresponse().status


def plug(port: str, mac: str) -> None:
    """Plugs in what Neutron's agent takes for a VM's new card; it tells the RPC server, and that one tells Nova."""
    name = "impostor"
    argv = ["ovs-vsctl", "--if-exists", "del-port", "br-int", name, "--", "add-port", "br-int", name]
    argv += ["--", "set", "Interface", name, "type=internal", f"external_ids:iface-id={port}"]
    argv += [f"external_ids:attached-mac={mac}", "external_ids:iface-status=active"]
    _run(*argv)


def main() -> None:
    """Serves these kinds, and leaves."""
    kinds = (stand, show, seen, leave, settle, cut, restart, forget_ready, forget_cookies, ask, ask_metadata, plug)
    try:
        loop.serve({kind.__name__: kind for kind in kinds})
    finally:
        if _doors:
            leave()
        os._exit(0)  # threads may wait for whoever came last
