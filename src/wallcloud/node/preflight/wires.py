"""The node's interfaces as packet sockets (packet(7)): lifted for the preflight, then put back as they were."""

import ctypes
import errno
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from select import select

from wallcloud.node import network
from wallcloud.node.preflight.frames import ARP, IPV4, PROBE, Frame, received
from wallcloud.node.run import run

CARRIER_SECONDS = 5.0
"""How long a link may take to come up: copper negotiates for 2 to 4 seconds (IEEE 802.3, clause 28)."""
_SYS = Path("/sys/class/net")
_ETH_P_ALL = 3
_SOL_PACKET, _PACKET_AUXDATA, _VLAN_VALID = 263, 8, 1 << 4
_SO_ATTACH_FILTER = 26
_RTMGRP_LINK = 1
_BUFFER = 8 << 20
# What tcpdump -dd makes of `ether proto 0x88b5 or arp or (udp dst port 68 and ip[0] = 0x45)`: (code, yes, no, value).
_FILTER = (
    (0x28, 0, 0, 12),  # ldh [12]: the EtherType
    (0x15, 6, 0, PROBE),
    (0x15, 5, 0, ARP),
    (0x15, 0, 5, IPV4),
    (0x30, 0, 0, 23),  # ldb [23]: the protocol
    (0x15, 0, 3, 17),
    (0x28, 0, 0, 36),  # ldh [36]: UDP's destination, after a header without options
    (0x15, 0, 1, 68),
    (0x06, 0, 0, 0xFFFF),
    (0x06, 0, 0, 0),
)


class Wire:
    """One interface. Hears with what VLAN a frame came, also of VLANs that the node has no device for yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
            _attach(self._socket)
            self._socket.bind((name, _ETH_P_ALL))
            self._socket.setblocking(False)
            self.mac: bytes = self._socket.getsockname()[4]
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self, frame: bytes) -> str:
        """Sends it; why not, where the card takes none of its size. A frame that is dropped is one not heard."""
        try:
            self._socket.send(frame)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return error.strerror or str(error)
            if error.errno not in (errno.ENOBUFS, errno.ENETDOWN):
                raise
        return ""

    def frames(self) -> Iterator[Frame]:
        """What has come from the wire; not what this computer sent."""
        with suppress(BlockingIOError):
            while True:
                data, extra, _, where = self._socket.recvmsg(0x10000, socket.CMSG_SPACE(20))
                if where[2] != socket.PACKET_OUTGOING and len(data) > 14:
                    yield received(data, _vlan(extra))


@contextmanager
def lifted(mtus: Mapping[str, int]) -> Iterator[None]:
    """The interfaces up and with at least these MTUs; afterwards as they were. One that is missing is left out.

    Without IPv6 on those that were down: nothing of the node's own shall be heard on a wire for the first time.
    """
    with ExitStack() as back:
        there = network.ask()
        for name, mtu in mtus.items():
            found = there.get(name)
            if found is None:
                continue
            if found.mtu < mtu and _ip(name, "mtu", str(mtu)):
                back.callback(_ip, name, "mtu", str(found.mtu))
            if not found.up:
                switch = Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6")
                before = switch.read_text() if switch.exists() else ""
                if before:
                    switch.write_text("1")
                    back.callback(switch.write_text, before)
                _ip(name, "up")
                back.callback(_ip, name, "down")
        yield


def _ip(name: str, *words: str) -> bool:
    """A driver may refuse an MTU: that shows in what does not arrive."""
    return run(("ip", "link", "set", "dev", name, *words), check=False).ok


def carriers(names: Iterable[str]) -> dict[str, bool]:
    """Whether each of the interfaces has a link, waiting for it as long as a link may take to come up."""
    wanted = tuple(names)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as news:
        news.bind((0, _RTMGRP_LINK))  # rtnetlink(7): told of every change of a link from here on
        end = time.monotonic() + CARRIER_SECONDS
        while True:
            found = {name: _carrier(name) for name in wanted}
            left = end - time.monotonic()
            if all(found.values()) or left <= 0 or not select([news], [], [], left)[0]:
                return found
            news.recv(0x10000)


def _carrier(name: str) -> bool:
    try:
        return (_SYS / name / "carrier").read_text().strip() == "1"
    except OSError:  # EINVAL while it is down
        return False


def listen(wires: Iterable[Wire], until: float, hear: Callable[[Wire, Frame], None]) -> None:
    """Gives every frame that comes to `hear`, until that moment (time.monotonic)."""
    open_ones = list(wires)
    while (left := until - time.monotonic()) > 0:
        for wire in select(open_ones, [], [], left)[0]:
            for frame in wire.frames():
                hear(wire, frame)


def _attach(sock: socket.socket) -> None:
    """The kernel drops everything else (socket(7), SO_ATTACH_FILTER): the wire may be a busy one."""
    code = b"".join(struct.pack("HBBI", *each) for each in _FILTER)
    held = ctypes.create_string_buffer(code, len(code))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_FILTER), ctypes.addressof(held)))


def _vlan(extra: Iterable[tuple[int, int, bytes]]) -> int | None:
    """The tag from the socket's auxiliary data (packet(7), struct tpacket_auxdata)."""
    for level, kind, data in extra:
        if (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA):
            status, tag = struct.unpack_from("I12xH", data)
            return tag & 0xFFF if status & _VLAN_VALID else None
    return None
