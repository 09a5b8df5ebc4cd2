"""The real guest image, two of them booted under QEMU without KVM: what they say, answer, send and hear.

Guest 0 runs its user-data, which makes it a DHCP server on the wire between the two; guest 1 gets that wire's address
from it, has user-data that is no script, and is booted with Nova's own command line.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.build.guests import NOVA_LINE, Guest, booted, mac

from wallcloud.build import guest_image
from wallcloud.build.cache import Cache
from wallcloud.build.tools import prerequisites
from wallcloud.progress import Silent

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]

SCRIPT = b"""#!/bin/sh
ip addr add 10.9.0.1/24 dev eth1
cat >/run/udhcpd.conf <<END
start 10.9.0.50
end 10.9.0.50
interface eth1
lease_file /run/leases
option subnet 255.255.255.0
option mtu 1400
option dns 10.9.0.1
option domain wire.example
option staticroutes 10.7.0.0/16 10.9.0.1
option lease 600
END
: >/run/leases
udhcpd /run/udhcpd.conf
netstat -lntu | awk 'NR > 2 { print "listens", $1, $4 }'
echo "offloads $(cat /sys/module/virtio_net/parameters/csum /sys/module/virtio_net/parameters/gso | tr -d '\\n')"
probe tcp 10.9.0.1 9
echo "status $?"
exit 3
"""
PLAIN = b"hello: world\nnot a script\n"
META = "/openstack/latest/meta_data.json"
USER = "/openstack/latest/user_data"
PEER = "10.9.0.50"


def _metadata(name: str) -> bytes:
    return json.dumps(
        {"hostname": name, "uuid": f"uuid-of-{name}", "public_keys": {"mine": "ssh-ed25519 AAAA"}}
    ).encode()


@pytest.fixture(scope="module")
def image() -> guest_image.Guest:
    prerequisites(("qemu-system-x86_64",), Silent())
    return guest_image.build(Cache(), Silent())


@pytest.fixture(scope="module")
def guests(image: guest_image.Guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Guest, Guest]]:
    folder = tmp_path_factory.mktemp("guests")
    with booted(Cache(), image, folder, 0, {META: _metadata("vm0"), USER: SCRIPT}) as zero:
        zero.line("user-data exit")
        with booted(Cache(), image, folder, 1, {META: _metadata("vm1"), USER: PLAIN}, NOVA_LINE) as one:
            one.line("wallcloud-guest: ready")
            one.line("wallcloud-guest: eth1")
            yield zero, one


def test_another_builder_gets_the_same_image(image: guest_image.Guest, tmp_path: Path) -> None:
    assert guest_image.build(Cache(tmp_path), Silent()) == image


def test_it_is_small(image: guest_image.Guest) -> None:
    assert image.kernel_size + image.ramdisk_size <= 25_000_000
    assert image.disk_size == 1 << 20


def test_it_is_in_user_space_soon(guests: tuple[Guest, Guest]) -> None:
    """Processor time, as this computer may be busy: all that QEMU used until the first line, its firmware included."""
    for guest in guests:
        at = guest.line("user space after")
        assert 0 < guest.cpu[at] <= 5, f"{guest.cpu[at]} s of CPU: {guest.lines[at]}"


def test_the_console_tells_how_it_went(guests: tuple[Guest, Guest]) -> None:
    zero, one = guests
    for guest, name, size in ((zero, "vm0", len(SCRIPT)), (one, "vm1", len(PLAIN))):
        said = [line[line.index("wallcloud-guest:") :] for line in guest.lines if "wallcloud-guest:" in line]
        expected = (
            r"wallcloud-guest: test image, open to whoever reaches it; user space after [\d.]+ s",
            r"wallcloud-guest: eth0 52:54:00:00:0\d:00 169\.254\.2\.15/16 mtu 1500 after [\d.]+ s",
            rf"wallcloud-guest: metadata hostname={name} uuid=uuid-of-{name} keys=1 after [\d.]+ s",
            rf"wallcloud-guest: user-data size={size} sha256=[0-9a-f]{{64}}",
            r"wallcloud-guest: ready after [\d.]+ s",
        )
        for pattern in expected:
            assert [line for line in said if re.fullmatch(pattern, line)], (pattern, said)
        assert not [line for line in said if "not loaded" in line or "starting it again" in line]


def test_user_data_that_is_a_script_runs(guests: tuple[Guest, Guest]) -> None:
    zero, _ = guests
    assert "wallcloud-guest: user-data exit 3" in zero.lines
    assert 'user-data> {"ok": false, "error": "refused"}' in zero.lines
    assert "user-data> status 1" in zero.lines
    assert zero.ask("about")["user_data"]["exit"] == 3


def test_nothing_else_listens(guests: tuple[Guest, Guest]) -> None:
    zero, _ = guests
    listens = {line.removeprefix("user-data> listens ") for line in zero.lines if "> listens " in line}
    udhcpd = {"udp 0.0.0.0:67"}  # which the script itself has started
    assert listens - udhcpd == {"tcp 0.0.0.0:7", "tcp 0.0.0.0:80", "udp 0.0.0.0:7"}


def test_the_card_makes_whole_checksums(guests: tuple[Guest, Guest]) -> None:
    zero, _ = guests
    assert "user-data> offloads NN" in zero.lines


def test_other_user_data_is_shown_only(guests: tuple[Guest, Guest]) -> None:
    _, one = guests
    assert {"user-data| hello: world", "user-data| not a script"} <= set(one.lines)
    assert not [line for line in one.lines if "user-data> " in line or "user-data exit" in line]
    assert one.ask("about")["user_data"]["exit"] is None


def test_it_knows_what_it_was_given(guests: tuple[Guest, Guest]) -> None:
    _, one = guests
    known = one.ask("about")
    assert (known["ok"], known["hostname"], known["uuid"]) == (True, "vm1", "uuid-of-vm1")
    assert known["keys"] == {"mine": "ssh-ed25519 AAAA"}
    assert known["metadata"] == json.loads(_metadata("vm1"))
    assert known["user_data"] == {"digest": hashlib.sha256(PLAIN).hexdigest(), "size": len(PLAIN), "exit": None}
    assert known["ready"] <= known["uptime"]
    eth1 = known["interfaces"][1]
    assert (eth1["name"], eth1["mac"], eth1["mtu"]) == ("eth1", mac(1, 1), 1400)
    assert eth1["addresses"][0] == "10.9.0.50/24"
    lease = known["dhcp"]["eth1"]
    assert (lease["server"], lease["dns"], lease["mtu"]) == ("10.9.0.1", ["10.9.0.1"], 1400)
    assert (lease["domain"], lease["lease"], lease["routes"]) == ("wire.example", 600, "10.7.0.0/16 10.9.0.1")


def test_http(guests: tuple[Guest, Guest]) -> None:
    zero, one = guests
    status, body = one.get("/")
    said = json.loads(body)
    assert (status, said["hostname"], said["uuid"], said["address"]) == (200, "vm1", "uuid-of-vm1", "169.254.2.15")
    assert said["boot"] != json.loads(zero.get("/")[1])["boot"]
    assert one.get("/user-data") == (200, PLAIN)
    assert one.get("/user-data-digest") == (200, hashlib.sha256(PLAIN).hexdigest().encode() + b"\n")
    assert one.get("/large?mib=2")[1] == bytes(i % 251 for i in range(2 << 20))
    answer = zero.ask(f"http {PEER} path=/user-data")
    assert (answer["ok"], answer["body"]) == (True, PLAIN.decode())


def test_probes_tell_yes_from_no(guests: tuple[Guest, Guest]) -> None:
    zero, one = guests
    assert zero.ask(f"ping {PEER} count=3")["received"] == 3
    assert zero.ask("ping 10.9.0.99 wait=0.3")["ok"] is False
    assert zero.ask(f"tcp {PEER} 80") == {"ok": True}
    assert zero.ask(f"tcp {PEER} 81") == {"ok": False, "error": "refused"}
    assert zero.ask("tcp 10.9.0.99 80 wait=0.3") == {"ok": False, "error": "timeout"}
    assert zero.ask(f"udp {PEER} 7")["ok"] is True
    assert zero.ask(f"udp {PEER} 8") == {"ok": False, "sent": 1, "received": 0, "from": None, "error": "refused"}
    assert zero.ask(f"arp {PEER} nic=eth1") == {"ok": True, "macs": [mac(1, 1)]}
    assert zero.ask("arp 10.9.0.99 nic=eth1 wait=0.3") == {"ok": False, "macs": []}
    assert one.ask("resolve a.example 10.9.0.1") == {"ok": False, "error": "refused", "addresses": [], "rcode": None}
    relayed = zero.ask(f"ask {PEER} about")
    assert (relayed["hostname"], relayed["asked"]) == ("vm1", PEER)
    assert zero.ask("ask 10.7.7.7 about")["ok"] is False


def test_dont_fragment_is_meant(guests: tuple[Guest, Guest]) -> None:
    _, one = guests  # whose MTU is 1400
    assert one.ask("ping 10.9.0.1 size=1400 df")["ok"] is True
    assert one.ask("ping 10.9.0.1 size=1401 df") == {"ok": False, "error": "Message too long"}
    assert one.ask("ping 10.9.0.1 size=4000")["ok"] is True


BAD = "02:ba:d0:00:00:01"
FRAMES: dict[str, tuple[str, dict[str, object]]] = {
    "udp": (f"send udp {PEER}", {"source": "10.9.0.1", "destination": PEER, "dport": 9, "source_mac": mac(0, 1)}),
    "udp-broadcast": ("send udp 255.255.255.255 port=5", {"dport": 5, "destination_mac": "ff:ff:ff:ff:ff:ff"}),
    "udp-mac": (f"send udp {PEER} mac={BAD}", {"source_mac": BAD, "source": "10.9.0.1"}),
    "udp-ip": (f"send udp {PEER} source=10.9.0.66", {"source_mac": mac(0, 1), "source": "10.9.0.66"}),
    "offer": ("send dhcp-offer", {"sport": 67, "dport": 68, "source": "10.9.0.1"}),
    "discover": ("send dhcp-discover", {"sport": 68, "dport": 67, "source": "0.0.0.0"}),
    "ra": ("send ra", {"icmp": [134, 0], "destination": "ff02::1", "source": "fe80::5054:ff:fe00:1"}),
    "rs": ("send rs", {"icmp": [133, 0], "destination": "ff02::2"}),
    "ra-mac": (f"send ra mac={BAD}", {"icmp": [134, 0], "source_mac": BAD}),
    "echo6": ("send echo6 ff02::1", {"icmp": [128, 0]}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_heard_by_its_tag(guests: tuple[Guest, Guest], name: str) -> None:
    zero, one = guests
    line, expected = FRAMES[name]
    for guest in guests:
        for tag in (name, f"not-{name}"):
            assert guest.ask(f"listen {tag} tag=<{tag}> nic=eth1") == {"ok": True}
    assert zero.ask(f"{line} nic=eth1 tag=<{name}>")["ok"] is True
    heard = one.ask(f"heard {name} min=1 wait=10")
    assert [{key: frame[key] for key in expected} for frame in heard["frames"]] == [expected]
    assert one.ask(f"heard not-{name}")["frames"] == []  # and it has heard: the total counts this frame too
    assert one.ask(f"heard not-{name}")["total"] >= 1
    answers = zero.ask(f"heard {name}")["frames"]  # errors and echoes quote the tag; its own it does not hear
    assert [frame for frame in answers if frame["source_mac"] in (mac(0, 1), BAD)] == []
    for guest in guests:
        for tag in (name, f"not-{name}"):
            assert guest.ask(f"quiet {tag}") == {"ok": True}
    assert one.ask(f"heard {name}")["ok"] is False


def test_a_claimed_address_is_heard(guests: tuple[Guest, Guest]) -> None:
    zero, one = guests
    one.ask("listen claims kind=arp source=10.9.0.77 nic=eth1")
    assert zero.ask(f"send arp 10.9.0.77 mac={BAD} op=reply nic=eth1")["ok"] is True
    frame = one.ask("heard claims min=1 wait=10")["frames"][0]
    assert (frame["source_mac"], frame["sender_mac"], frame["op"]) == (BAD, BAD, 2)


def test_a_router_advertisement_is_believed(guests: tuple[Guest, Guest]) -> None:
    """That it makes an address shows that it is whole, so that a cloud which stops it stops a real one."""
    zero, one = guests
    one.ask("listen solicited kind=icmp6 nic=eth1")
    assert zero.ask("send ra prefix=2001:db8:77::/64 nic=eth1")["ok"] is True
    one.ask("heard solicited min=1 wait=5")
    addresses = [each for nic in one.ask("about")["interfaces"] for each in nic["addresses"]]
    assert "2001:db8:77:0:5054:ff:fe00:101/64" in addresses


def test_last_of_all_the_power_button_ends_it(guests: tuple[Guest, Guest]) -> None:
    _, one = guests
    one.power_button()
    assert one.process.wait(30) == 0
