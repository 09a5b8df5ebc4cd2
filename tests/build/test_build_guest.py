"""The guest's parts that need no guest: frames, the prober's words, the archive, the image's place in the cache."""

import gzip
import json
import socket
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wallcloud.build import guest_image
from wallcloud.build.cache import Cache, Result
from wallcloud.build.guest import responder, wire
from wallcloud.build.guest.about import About
from wallcloud.build.guest.prober import Prober, Words
from wallcloud.build.guest_archive import initramfs, take
from wallcloud.errors import WallcloudError

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"


# -- frames


def test_checksum_is_rfc_1071() -> None:
    assert wire.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D  # the example of its section 3
    assert wire.checksum(b"\x01") == wire.checksum(b"\x01\x00")


def test_a_whole_packet_sums_to_nothing() -> None:
    packet = wire.udp("10.0.0.1", "10.0.0.2", 40000, 9, b"odd")
    assert wire.checksum(packet[:20]) == 0
    pseudo = packet[12:20] + struct.pack("!BBH", 0, wire.UDP, len(packet) - 20)
    assert wire.checksum(pseudo + packet[20:]) == 0
    six = wire.icmp6("fe80::1", "ff02::1", 134, wire.router_advertisement("2001:db8::", 64, A, b"tag"))
    assert wire.checksum(six[8:40] + struct.pack("!IHBB", len(six) - 40, 0, 0, wire.ICMP6) + six[40:]) == 0


def test_link_local_is_eui_64() -> None:
    assert wire.link_local("fa:16:3e:01:02:03") == "fe80::f816:3eff:fe01:203"


def test_multicast_is_sent_to_its_own_mac() -> None:
    assert wire.multicast_mac("ff02::1") == "33:33:00:00:00:01"


def test_what_is_made_is_told() -> None:
    seen = wire.describe(wire.ethernet(B, A, wire.IPV4, wire.udp("10.0.0.1", "10.0.0.2", 67, 68, b"x")))
    link = {"source_mac": A, "destination_mac": B, "type": "0x0800", "size": 60}
    upper = {"source": "10.0.0.1", "destination": "10.0.0.2", "protocol": 17, "sport": 67, "dport": 68, "icmp": None}
    assert seen == {**link, **upper}
    seen = wire.describe(wire.ethernet(B, A, wire.ARP, wire.arp(2, A, "10.0.0.1", B, "10.0.0.2")))
    assert (seen["op"], seen["sender_mac"], seen["source"], seen["destination"]) == (2, A, "10.0.0.1", "10.0.0.2")
    six = wire.icmp6("fe80::1", "ff02::1", 134, b"\0" * 12)
    seen = wire.describe(wire.ethernet(B, A, wire.IPV6, six))
    assert (seen["source"], seen["destination"], seen["icmp"]) == ("fe80::1", "ff02::1", [134, 0])


@pytest.mark.parametrize("size", range(60))
def test_cut_frames_are_no_error(size: int) -> None:
    for kind in (wire.ARP, wire.IPV4, wire.IPV6):
        wire.describe(wire.ethernet(B, A, kind, b"\x45" + bytes(50))[:size])


def test_a_later_fragment_has_no_ports() -> None:
    packet = bytearray(wire.udp("10.0.0.1", "10.0.0.2", 67, 68, b"x"))
    packet[6:8] = (100).to_bytes(2, "big")
    assert wire.describe(wire.ethernet(B, A, wire.IPV4, bytes(packet)))["dport"] is None


# -- words


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("", "usage: no such verb: "),
        ("dance", "usage: no such verb: dance"),
        ("ping", "usage: the address is missing"),
        ("ping 127.0.0.1 siez=9", "usage: not understood: siez="),
        ("ping 127.0.0.1 9", "usage: not understood: 9"),
        ("tcp 127.0.0.1 80 df", "usage: not understood: df"),
        ("tcp 127.0.0.1 http", "usage: invalid literal for int() with base 10: 'http'"),
        ("send pigeon 127.0.0.1", "usage: cannot send pigeon"),
        ("ask 127.0.0.1", "usage: ask ADDRESS verb …"),
        ("heard nobody", "nobody listens as nobody"),
    ],
)
def test_wrong_use_is_told(line: str, error: str) -> None:
    assert Prober(About()).answer(line) == {"ok": False, "error": error}


def test_a_path_may_hold_the_sign_of_options() -> None:
    words = Words("10.0.0.1 path=/large?mib=1&kib=2")
    assert (words.next("the address"), words.text("path")) == ("10.0.0.1", "/large?mib=1&kib=2")
    words.done()


# -- answers, over real sockets of this computer


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def _port(of: socket.socket) -> int:
    return int(of.getsockname()[1])


def test_tcp_tells_open_from_closed(listening: socket.socket) -> None:
    prober = Prober(About())
    assert prober.answer(f"tcp 127.0.0.1 {_port(listening)}") == {"ok": True}
    port = _port(listening)
    listening.close()
    assert prober.answer(f"tcp 127.0.0.1 {port}") == {"ok": False, "error": "refused"}


def test_udp_tells_an_answer_from_none() -> None:
    prober = Prober(About())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        line = f"udp 127.0.0.1 {_port(other)} wait=0.05"
        assert prober.answer(line)["error"] == "timeout"
        threading.Thread(target=lambda: [other.sendto(*other.recvfrom(99)) for _ in range(2)]).start()
        assert prober.answer(line.replace("0.05", "5"))["ok"] is True
    assert prober.answer(line)["error"] == "refused"


def _asked(listener: socket.socket, request: bytes) -> tuple[bytes, bytes]:
    def serve() -> None:
        ends, _ = listener.accept()
        with ends:
            responder.serve(ends, About())

    threading.Thread(target=serve, daemon=True).start()
    whole = b""
    with socket.create_connection(listener.getsockname()) as ends:
        ends.sendall(request)
        while piece := ends.recv(65536):
            whole += piece
    head, _, body = whole.partition(b"\r\n\r\n")
    return head, body


def test_a_large_body_is_what_it_is_said_to_be(listening: socket.socket) -> None:
    head, body = _asked(listening, b"GET /large?mib=1 HTTP/1.0\r\n\r\n")
    assert b"Content-Length: 1048576" in head
    assert body == bytes(i % 251 for i in range(1 << 20))


def test_the_short_answer(listening: socket.socket) -> None:
    head, body = _asked(listening, b"GET / HTTP/1.0\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 ")
    assert json.loads(body)["guest"] == "wallcloud"


@pytest.mark.parametrize(
    ("request_line", "status"),
    [("GET /user-data", 404), ("GET /nothing", 404), ("POST /", 405), ("GET /large?mib=x", 400)],
)
def test_what_is_not_there(listening: socket.socket, request_line: str, status: int) -> None:
    head, _ = _asked(listening, f"{request_line} HTTP/1.0\r\n\r\n".encode())
    assert head.startswith(f"HTTP/1.0 {status} ".encode())


# -- the archive


def test_an_entry_is_of_the_newc_form() -> None:
    """That the kernel reads it, test_build_guest_boot.py shows."""
    made = gzip.decompress(initramfs({"init": (b"#!x", 0o755)}, {}, ()))
    fields = ["070701", *(f"{each:08X}" for each in (1, stat.S_IFREG | 0o755, 0, 0, 1, 0, 3, 0, 0, 0, 0, 5, 0))]
    head = "".join(fields).encode() + b"init\0"
    assert made.startswith(head + b"\0" * (-len(head) % 4) + b"#!x\0" + b"070701")
    assert len(made) % 4 == 0


def test_the_same_input_gives_the_same_archive() -> None:
    one = initramfs({"b": (b"1", 0o644), "a": (b"2", 0o644)}, {}, ("x", "y"))
    assert one == initramfs({"a": (b"2", 0o644), "b": (b"1", 0o644)}, {}, ("y", "x"))


def test_links_in_a_package_stand_for_their_files(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text("Package: x\nVersion: 1\nArchitecture: all\nMaintainer: n\nDescription: x\n")
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "usr/lib/libz.so.1.2").write_bytes(b"z")
    (tree / "usr/lib/libz.so.1").symlink_to("libz.so.1.2")
    (tree / "usr/lib/other").write_bytes(b"o")
    deb = tmp_path / "x.deb"
    subprocess.run(["dpkg-deb", "--build", "-Znone", tree, deb], check=True, capture_output=True)
    assert take(deb, lambda path: "lib/z" if path == "usr/lib/libz.so.1" else None) == {"lib/z": b"z"}
    deb.write_bytes(deb.read_bytes()[:200])
    with pytest.raises(WallcloudError):
        take(deb, lambda _: None)


# -- the cache


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert guest_image.built(cache) is None
    blobs = [cache.add_bytes(each) for each in (b"kernel", b"ramdisk.", b"disk")]
    cache.record(guest_image.key(), Result(blobs[0], tuple(blobs[1:])))
    assert guest_image.built(cache) == guest_image.Guest(blobs[0], blobs[1], blobs[2], 6, 8, 4)
    cache.blob(blobs[1]).unlink()
    assert guest_image.built(cache) is None


def test_a_change_of_the_program_is_another_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = guest_image.key()
    for file in guest_image.SOURCE.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(guest_image, "SOURCE", tmp_path)
    assert guest_image.key() == before
    (tmp_path / "init.sh").write_text("#!/bin/busybox sh\n")
    assert guest_image.key() != before
