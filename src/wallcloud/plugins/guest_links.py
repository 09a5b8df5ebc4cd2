"""Keeps the tap devices of guests up, where Open vSwitch's datapath is in user space. Standard library only.

ovs-vswitchd makes a port promiscuous by writing back all of its flags as it read them before (lib/netdev-linux.c,
update_flags). Where libvirt has set the device up in between, it is down again, and its guest without a network for as
long as it runs. The kernel's own datapath writes no flags. Here a device that is down is set up by a change of that one
flag (rtnetlink(7), ifi_change), which cannot undo another's.
"""

import errno
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

PREFIX = "tap"
"""Nova's name for a guest's device begins so (nova/network/model.py, NIC_NAME_LEN)."""
IFF_UP = 1
_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_RTMGRP_LINK = 1
_LAST = (2, 3)  # NLMSG_ERROR, NLMSG_DONE
_DATAGRAM = 1 << 18
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_IFLA_IFNAME = 3
_MESSAGE = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, type, index, flags, change
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type


class Link(NamedTuple):
    """A network device."""

    number: int
    name: str
    up: bool


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each message of one datagram."""
    while len(data) >= _MESSAGE.size:
        length, kind, *_ = _MESSAGE.unpack_from(data)
        if length < _MESSAGE.size:
            return
        yield kind, data[_MESSAGE.size : length]
        data = data[_aligned(length) :]


def links(data: bytes) -> Iterator[Link]:
    """The devices that one datagram tells of: those that are there, new ones, and those that changed."""
    for kind, content in messages(data):
        if kind == _RTM_NEWLINK:
            _, _, number, flags, _ = _LINK.unpack_from(content)
            yield Link(number, _name(content[_LINK.size :]), bool(flags & IFF_UP))


def _name(attributes: bytes) -> str:
    while len(attributes) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(attributes)
        if kind == _IFLA_IFNAME:
            return attributes[_ATTRIBUTE.size : length].rstrip(b"\0").decode(errors="replace")
        attributes = attributes[max(_aligned(length), _ATTRIBUTE.size) :]
    return ""


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def request(kind: int, flags: int, number: int = 0, change: int = 0) -> bytes:
    """One message about a device: `change` are the flags to set."""
    size = _MESSAGE.size + _LINK.size
    return _MESSAGE.pack(size, kind, _NLM_F_REQUEST | flags, 0, 0) + _LINK.pack(0, 0, number, change, change)


def present() -> Iterator[Link]:
    """Every device that is there. On a socket of its own: beside news the kernel may refuse to list them (EBUSY)."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asked:
        asked.send(request(_RTM_GETLINK, _NLM_F_DUMP))
        while True:
            data = asked.recv(_DATAGRAM)
            yield from links(data)
            if any(kind in _LAST for kind, _ in messages(data)):
                return


def main() -> None:
    """Looks at every device once, then at each that changes, for ever."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as news:
        news.bind((0, _RTMGRP_LINK))
        found = present()
        while True:
            for link in found:
                if link.name.startswith(PREFIX) and not link.up:
                    print(f"{link.name} is down: set up", flush=True)
                    news.send(request(_RTM_NEWLINK, 0, link.number, IFF_UP))
            try:
                found = links(news.recv(_DATAGRAM))
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                found = present()  # some news was lost


if __name__ == "__main__":
    main()
