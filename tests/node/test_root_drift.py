"""Whatever a hand changes is seen in a plan and mended by an apply: one disturbance for each property of each kind."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.node import world
from tests.node.bare import Bare
from tests.node.machine import Machine, machine
from tests.node.world import CA, WORD, Ca, get, put

from wallcloud.frozen import frozen
from wallcloud.node import apt
from wallcloud.node.spec import Spec

pytestmark = [pytest.mark.root, pytest.mark.timeout(180)]

Act = str | Callable[[Machine], None]
ENV = f"/opt/wct/env/{sha256(world.archive()).hexdigest()[:16]}"
ENV_UNIT = f"opt-wct-env-{ENV.rpartition('/')[2]}.mount"
UNIT = "wallcloud-wct.service"
FILE = f"/etc/systemd/system/{UNIT}"
RELOAD = "systemctl daemon-reload"
RESTART = f"systemctl restart {UNIT}"
NICE = "printf '[Service]\\nNice=5\\n'"
HAND = f"mkdir {FILE}.d; {NICE} > {FILE}.d/hand.conf"


@frozen
class Disturbance:
    """A hand's act on resource `name` of `kind`; a plan after it must list `property` of it."""

    kind: str
    property: str
    name: str
    act: Act

    def __str__(self) -> str:
        return f"{self.kind}: {self.property} of {self.name}"


def reissue(ca: Ca = CA, **differently: object) -> Act:
    """Puts a certificate of the same key that differs in one thing."""

    def act(machine: Machine) -> None:
        public = world.public_key_of(get(machine, "/etc/wct/cert.pem"))
        given = {"subject": "wct.example", "names": ("wct.example", "198.18.10.11"), "use": ("server", "client")}
        put(machine, "/etc/wct/cert.pem", ca.sign(public, **{**given, **differently}))  # type: ignore[arg-type]

    return act


def another_key(curve: ec.EllipticCurve) -> Act:
    def act(machine: Machine) -> None:
        key = ec.generate_private_key(curve)
        how = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        put(machine, "/etc/wct/key.pem", key.private_bytes(*how).decode())

    return act


def by_kind(kind: str, name: str, *acts: tuple[str, Act]) -> tuple[Disturbance, ...]:
    return tuple(Disturbance(kind, prop, name, act) for prop, act in acts)


CERTIFICATE = "/etc/wct/cert.pem"
TABLE: tuple[Disturbance, ...] = (
    *by_kind(
        "directory",
        "/srv/wct",
        ("type", "mv /srv/wct /srv/moved && ln -s /tmp /srv/wct"),
        ("owner", "chown daemon /srv/wct"),
        ("group", "chgrp daemon /srv/wct"),
        ("mode", "chmod 777 /srv/wct"),
    ),
    *by_kind(
        "directory",
        "/etc/wct",
        ("strangers", "touch /etc/wct/stranger"),
        ("strangers", "mkdir -p /etc/wct/a/b && touch /etc/wct/a/b/c"),
        ("strangers", "ln -s /nowhere /etc/wct/dangling"),
    ),
    *by_kind(
        "file",
        "/etc/wct/main",
        ("type", "mv /etc/wct/main /tmp/m && ln -s /tmp/m /etc/wct/main"),
        ("type", "rm /etc/wct/main"),
        ("type", "rm /etc/wct/main && mkdir /etc/wct/main"),
        ("content", "echo three >> /etc/wct/main"),
        ("content", ": > /etc/wct/main"),
        ("owner", "chown daemon /etc/wct/main"),
        ("group", "chgrp daemon /etc/wct/main"),
        ("mode", "chmod 4755 /etc/wct/main"),
    ),
    *by_kind("file", "/etc/wct/secret", ("content", "sed -i s/hunter22/hunter23/ /etc/wct/secret")),
    *by_kind(
        "link",
        "/etc/wct/link",
        ("type", "ln -sfn reload /etc/wct/link"),
        ("type", "rm /etc/wct/link"),
        ("type", "cp --remove-destination /etc/wct/main /etc/wct/link"),
    ),
    *by_kind(
        "group",
        "wct-extra",
        ("gid", "sed -i 's/^wct-extra:x:901/wct-extra:x:955/' /etc/group"),
        ("strangers", "usermod -aG wct-extra daemon"),
    ),
    *by_kind(
        "account",
        "wct",
        ("uid", "sed -i 's/^wct:x:900/wct:x:955/' /etc/passwd"),
        ("group", "usermod -g daemon wct"),
        ("home", "sed -i '/^wct:/s,/nonexistent,/root,' /etc/passwd"),
        ("shell", "usermod -s /bin/bash wct"),
        ("groups", "gpasswd -d wct wct-extra"),
        ("groups", "usermod -aG root wct"),
        ("locked", "echo wct:word | chpasswd"),
        ("locked", "usermod -p '' wct"),
    ),
    *by_kind("sysctl", "net.ipv4.ip_forward", ("value", "echo 1 > /proc/sys/net/ipv4/ip_forward")),
    *by_kind(
        "interface-sysctls",
        "every interface",
        ("strangers", "echo 1 > /proc/sys/net/ipv4/conf/card0/forwarding"),
        ("strangers", "echo 1 > /proc/sys/net/ipv4/conf/card0/accept_redirects"),
        ("strangers", "echo 0 > /proc/sys/net/ipv6/conf/card0/disable_ipv6"),
    ),
    *by_kind(
        "interface",
        "card0",
        ("mtu", "ip link set card0 mtu 1300"),
        ("up", "ip link set card0 down"),
        ("addresses", "ip address del 198.18.10.12/24 dev card0"),
        ("addresses", "ip address add 198.18.10.99/24 dev card0"),
        ("addresses", "ip address flush dev card0; ip address add 198.18.10.99/24 dev card0"),
    ),
    *by_kind(
        "interface",
        "card0.7",
        ("link", "ip link del card0.7; ip link add link card0 name card0.7 type vlan id 8"),
        ("link", "ip link del card0.7"),
    ),
    *by_kind(
        "route",
        "198.18.99.0/24",
        ("via", "ip route replace 198.18.99.0/24 via 198.18.10.2"),
        ("via", "ip route del 198.18.99.0/24"),
        ("dev", "ip route replace unreachable 198.18.99.0/24"),
    ),
    *by_kind(
        "ruleset",
        "inet wallcloud",
        ("rules", "nft insert rule inet wallcloud input accept"),
        ("rules", "nft delete element inet wallcloud peers { 198.18.10.0/24 }"),
        ("rules", "nft flush chain inet wallcloud input"),
        ("rules", "nft 'add chain inet wallcloud input { policy accept; }'"),
        ("rules", "nft delete table inet wallcloud"),
        ("confirmed", "mkdir -p /run/wallcloud/firewall; echo > /run/wallcloud/firewall/wallcloud-1-2"),
    ),
    *by_kind(
        "mask",
        "memcached.service nftables.service",
        ("memcached.service", "systemctl unmask memcached.service"),
        ("memcached.service", "systemctl unmask memcached.service && systemctl start memcached.service"),
        ("nftables.service", f"rm /etc/systemd/system/nftables.service && {RELOAD}"),
    ),
    *by_kind(
        "packages",
        "4 packages",
        *((name, f"dpkg --force-depends -r {name} 2>&1") for name in ("memcached", "nftables", "tmux")),
        ("openssl", "dpkg --purge --force-all openssl 2>&1"),
        ("dependencies missing", "dpkg --force-depends -r libnftables1 2>&1"),
        ("older than the pool", "sed -i '/^Package: tmux$/,/^$/s/^Version: .*/Version: 1.0/' /var/lib/dpkg/status"),
        ("interrupted", "sed -i '/^Package: tmux$/,/^$/s/ok installed/ok half-configured/' /var/lib/dpkg/status"),
        ("interrupted", "sed -i '/^Package: tmux$/,/^$/s/ok installed/reinstreq half-installed/' /var/lib/dpkg/status"),
        ("start of daemons", f"echo '{apt.MARK}' > {apt.POLICY}"),
        ("start of daemons", f"echo 'exit 0' > {apt.ASIDE}"),
        ("pool", "rm /var/lib/wallcloud/index/*"),
    ),
    *by_kind(
        "environment",
        ENV,
        ("digest", f"rm {ENV}.squashfs"),
        ("digest", f"printf x | dd of={ENV}.squashfs bs=1 seek=100 conv=notrunc status=none"),
        # The same size and times as before: what tells it is the time of its inode, which nobody sets.
        (
            "digest",
            f"touch -r {ENV}.squashfs /tmp/times; "
            f"printf y | dd of={ENV}.squashfs bs=1 seek=100 conv=notrunc status=none; "
            f"touch -r /tmp/times {ENV}.squashfs",
        ),
        ("mode", f"chmod 644 {ENV}.squashfs"),
        ("mode", f"chown daemon {ENV}.squashfs"),
        ("mounted", f"umount --lazy {ENV}"),
        ("mounted", f"mount -t tmpfs tmpfs {ENV}"),
        ("mounted", f"cp -p {ENV}.squashfs /tmp/copy && mv /tmp/copy {ENV}.squashfs"),
        ("digest", f"mv {ENV}.squashfs /opt/elsewhere && ln -s /opt/elsewhere {ENV}.squashfs"),
        ("unit", f"echo >> /etc/systemd/system/{ENV_UNIT} && {RELOAD}"),
        ("unit", f"ln -sf /dev/null /etc/systemd/system/{ENV_UNIT} && {RELOAD}"),
        ("unit mode", f"chmod 666 /etc/systemd/system/{ENV_UNIT}"),
        (
            "loaded",
            f"sed -i '$a# x' /etc/systemd/system/{ENV_UNIT}; {RELOAD}; sed -i '$d' /etc/systemd/system/{ENV_UNIT}",
        ),
        (
            "drop-ins",
            f"mkdir /etc/systemd/system/{ENV_UNIT}.d; "
            f"printf '[Mount]\\nOptions=suid\\n' > /etc/systemd/system/{ENV_UNIT}.d/x.conf; {RELOAD}",
        ),
        ("enabled", f"systemctl disable --quiet {ENV_UNIT}"),
    ),
    *by_kind(
        "certificate",
        "wct",
        ("key", another_key(ec.SECP256R1())),
        ("key", another_key(ec.SECP384R1())),
        ("key", "rm /etc/wct/key.pem"),
        ("key", "echo nonsense > /etc/wct/key.pem"),
        ("subject", reissue(subject="other.example")),
        ("subject", f"rm {CERTIFICATE}"),
        ("names", reissue(names=("wct.example",))),
        ("use", reissue(use=("server",))),
        ("issuer", reissue(Ca())),
        ("life", reissue(begun_days_ago=21, days=30)),
        ("life", reissue(begun_days_ago=31, days=30)),
        ("life", reissue(begun_days_ago=-2, days=30)),
        ("key owner", "chmod 644 /etc/wct/key.pem"),
        ("key owner", "chown daemon /etc/wct/key.pem"),
        ("key owner", "mv /etc/wct/key.pem /tmp/k && ln -s /tmp/k /etc/wct/key.pem"),
        ("certificate owner", f"chmod 666 {CERTIFICATE}"),
    ),
    *by_kind(
        "certificate",
        "own-ca",
        ("CA owner", "chmod 666 /srv/wct/ca.pem"),
        ("CA owner", "rm /srv/wct/ca.pem"),
        ("issuer", "cp /srv/wct/cert.pem /srv/wct/ca.pem"),
    ),
    *by_kind(
        "unit",
        UNIT,
        ("text", f"echo '# by hand' >> {FILE}"),
        ("text", f"echo '# by hand' >> {FILE}; {RELOAD}; systemctl restart {UNIT}"),
        ("type", f"rm {FILE}; {RELOAD}"),
        ("type", f"systemctl disable --now {UNIT}; rm {FILE}; {RELOAD}"),
        ("owner", f"chown daemon {FILE}"),
        ("group", f"chgrp daemon {FILE}"),
        ("mode", f"chmod 666 {FILE}"),
        ("drop-ins", HAND),
        ("drop-ins", f"{HAND}; {RELOAD}; {RESTART}"),
        ("drop-ins", f"systemctl set-property {UNIT} CPUWeight=50"),
        ("drop-ins", f"systemctl set-property --runtime {UNIT} CPUWeight=50"),
        ("drop-ins", f"d=/etc/systemd/system/wallcloud-.service.d; mkdir $d; {NICE} > $d/a.conf; {RELOAD}"),
        ("loaded", f"echo '# by hand' >> {FILE}; {RELOAD}; sed -i '$d' {FILE}"),
        ("enabled", f"systemctl disable {UNIT}"),
        ("active", f"systemctl stop {UNIT}"),
        ("active", f"systemctl kill -s KILL {UNIT}; sleep 0.2"),
        ("running", f"echo x >> /etc/wct/main; systemctl restart {UNIT}; printf 'one\\ntwo\\n' > /etc/wct/main"),
        ("running", f"rm -r /run/wallcloud/started/{UNIT}"),
        ("running", f"cp {FILE} /tmp/u; sed -i s/infinity/99/ {FILE}; {RELOAD}; {RESTART}; cp /tmp/u {FILE}; {RELOAD}"),
        (
            "running",
            f"{HAND}; {RELOAD}; {RESTART}; rm -r {FILE}.d; {RELOAD}",
        ),
        (
            "ready",
            f"rm /run/wct/ready /run/wallcloud/ready/{UNIT};"
            " systemd-run --quiet --on-active=2 --timer-property=AccuracySec=100ms touch /run/wct/ready",
        ),
    ),
    *by_kind(
        "exclusive-units",
        "wallcloud-*",
        (
            "strangers",
            "printf '[Service]\\nExecStart=/bin/sleep 999\\n[Install]\\nWantedBy=multi-user.target\\n'"
            f" > /etc/systemd/system/wallcloud-old.service; {RELOAD}; systemctl enable --now wallcloud-old.service",
        ),
        (
            "strangers",
            "printf '[Service]\\nExecStart=/bin/false\\n' > /etc/systemd/system/wallcloud-old.service;"
            f" {RELOAD}; systemctl start wallcloud-old.service; rm /etc/systemd/system/wallcloud-old.service; {RELOAD}",
        ),
        ("strangers", "d=/etc/systemd/system/wallcloud-gone.service.d; mkdir $d; touch $d/a.conf"),
    ),
)


@pytest.fixture(scope="module")
def spec() -> Spec:
    return world.spec(world.pool().index)


@pytest.fixture(scope="module")
def here(spec: Spec) -> Iterator[Machine]:
    with machine("drift") as made:
        world.deployer(made)
        world.wires(made)
        yield made


def test_a_bare_machine_is_brought_up(here: Machine, spec: Spec) -> None:
    here.converged(spec, word=WORD)
    assert here.run("systemctl is-active memcached.service", check=False) == "inactive"
    assert here.run("ls -A /usr/sbin/policy-rc.d 2>/dev/null | wc -l") == "0"
    assert here.run("ls -A /var/cache/wallcloud/blobs /var/cache/wallcloud/apt/pool | grep deb | wc -l") == "0"


@pytest.mark.parametrize("disturbance", TABLE, ids=str)
def test_a_hand_is_seen_and_mended(here: Machine, spec: Spec, disturbance: Disturbance) -> None:
    if disturbance.name == "card0.7" and not world.vlans():
        pytest.skip("this kernel has no VLANs")
    if isinstance(disturbance.act, str):
        here.run(disturbance.act)
    else:
        disturbance.act(here)
    plan = here.plan(spec, word=WORD)
    assert plan.outcome == "ok", plan.failure()
    assert disturbance.property in plan.changed().get(disturbance.name, []), plan.changed()
    assert WORD not in str(plan.events)
    here.converged(spec, word=WORD)


def test_the_nodes_own_policy_came_back(here: Machine) -> None:
    """The last disturbance left it aside, as a kill does."""
    assert here.run(f"cat {apt.POLICY}; rm {apt.POLICY}") == "exit 0"


def test_no_property_is_without_a_disturbance(spec: Spec) -> None:
    tried: dict[str, set[str]] = defaultdict(set)
    properties: dict[str, set[str]] = defaultdict(set)
    for each in TABLE:
        tried[each.kind].add(each.property)
    context = Bare(*spec.resources, word=WORD)
    for resource in (*spec.resources, *world.VLAN):
        properties[resource.kind] |= set(resource.desired(context))
    assert dict(properties) == dict(tried)
