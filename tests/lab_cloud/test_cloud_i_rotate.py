"""A tenant asks the public door all the time while certificates, passwords and keys are rotated: it notices nothing,
and what was good before is refused."""

import json
import shlex
from pathlib import Path

import pytest
from tests.lab_cloud import tenant
from tests.lab_cloud.cloud import NODES, Cloud

from wallcloud.catalog import components
from wallcloud.deploy import rotation
from wallcloud.deploy.prepare import state_of
from wallcloud.site.load import load

pytestmark = [pytest.mark.root, pytest.mark.lab, pytest.mark.soak]

SECONDS = 120
"""So long a tenant's tools wait for an answer."""
CERTIFICATES = r"""
cd /etc/wallcloud/tls
for f in $(ls *.pem | grep -vx -e ca.pem -e crl.pem); do printf '%s %s\n' $f $(openssl x509 -noout -serial -in $f); done
"""
# Who may ask each listener with TLS on control: node, account, port, how to begin; and whose certificate it shows.
SHOWN = (
    ("control", "root", 443, "", "management-door"),
    ("control", "nova-conductor", 5671, "", "rabbitmq"),
    ("network", "nova-metadata", 3306, "-starttls mysql", "mariadb"),
    ("compute1", "_chrony", 4460, "", "chrony"),
)
TOKEN = """
import json, ssl, sys, urllib.error, urllib.request
given = json.load(sys.stdin)
context = ssl.create_default_context(cafile="/etc/wallcloud/tls/ca.pem")
for user, password in given["pairs"]:
    who = {"user": {"name": user, "domain": {"id": "default"}, "password": password}}
    body = {"auth": {"identity": {"methods": ["password"], "password": who}}}
    ask = urllib.request.Request(given["url"] + "/v3/auth/tokens", json.dumps(body).encode(),
                                 {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(ask, context=context, timeout=60) as answer:
            print(answer.status)
    except urllib.error.HTTPError as error:
        print(error.code)
"""
SQL = """
import glob, json, sys
sys.path[:0] = glob.glob("/opt/wallcloud/env/*/lib/python3*/site-packages")
import pymysql
given = json.load(sys.stdin)
for password, base in given["tries"]:
    files = {"ca": "/etc/wallcloud/tls/ca.pem", "cert": base + ".pem", "key": base + ".key", "check_hostname": True}
    try:
        pymysql.connect(host=given["host"], user="nova-metadata", password=password, ssl=files).close()
        print("in")
    except pymysql.err.OperationalError as error:
        print("revoked" if "revoked" in str(error) else error.args[0])
"""
GREET = """
import json, socket, ssl, sys
given = json.load(sys.stdin)
for base in given["bases"]:
    context = ssl.create_default_context(cafile="/etc/wallcloud/tls/ca.pem")
    context.load_cert_chain(base + ".pem", base + ".key")
    try:
        raw = socket.create_connection((given["host"], given["port"]), 30)
        with context.wrap_socket(raw, server_hostname=given["host"]) as tls:
            tls.sendall(bytes.fromhex(given["greeting"]))
            print("in" if tls.recv(1) else "closed")
    except ssl.SSLEOFError:
        print("refused")  # it hung up before its alert could be read
    except ssl.SSLError as error:
        print("revoked" if "REVOKED" in str(error) else str(error).replace(" ", "_"))
    except ConnectionResetError:
        print("refused")
"""
OLD = "/run/wallcloud-test-old"
# Who shows a certificate to whom: node, account, its certificate, port, and what a client says first.
CLIENTS = (
    ("api", "www-data", "public-door-client", 8443, b"GET /identity/v3 HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("control", "nova-conductor", "nova-conductor", 5671, b"AMQP\0\0\x09\x01"),
)
COOKIES = """
folder=$(mktemp -d); cd "$folder"
while read -r cookie; do
    printf %s "$cookie" >.erlang.cookie; chmod 400 .erlang.cookie
    echo 'io:put_chars("obeyed").' | HOME=$folder erl_call -address 127.0.0.1:25672 -h wallcloud-test \\
        -fetch_stdout -no_result_term -e 2>/dev/null || printf refused
    echo; rm -f .erlang.cookie
done; rm -rf "$folder"
"""
KEYS = "sha256sum /var/lib/keystone/fernet-keys/* /var/lib/keystone/credential-keys/* | cut -c1-64"


def values(cloud: Cloud) -> dict[str, str]:
    """The secrets in use, by their names without a generation."""
    kept = json.loads((cloud.state / "secrets.json").read_text())
    now = rotation.load(state_of(load(cloud.site)))
    return {name: kept[now.used(name).name] for name in {each.partition("#")[0] for each in kept}}


def users(cloud: Cloud) -> dict[str, str]:
    """Who logs in at Keystone now, by the names of their secrets."""
    now = rotation.load(state_of(load(cloud.site)))
    services = {each.user for each in components().values() if each.user}
    names = {user.password: user.account(now.generation(user.password)) for user in services}
    return {**names, "identity-admin": "admin", "identity-demo-demo": "demo"}


def tokens(cloud: Cloud, pairs: list[tuple[str, str]]) -> list[int]:
    """What Keystone answers to each (user, password)."""
    given = {"url": f"https://control.internal.{load(cloud.site).site.domain}/identity", "pairs": pairs}
    told = cloud.on("control", f"exec python3 -I -c {shlex.quote(TOKEN)}", input=json.dumps(given))
    return [int(each) for each in told.split()]


def databases(cloud: Cloud, *tries: tuple[str, str]) -> list[str]:
    """What MariaDB says to nova-metadata with each password and certificate (without its ending)."""
    given = {"host": f"control.internal.{load(cloud.site).site.domain}", "tries": tries}
    become = "setpriv --reuid=nova-metadata --regid=nova-metadata --init-groups"
    return cloud.on("network", f"exec {become} python3 -I -c {shlex.quote(SQL)}", input=json.dumps(given)).split()


def greeted(cloud: Cloud, node: str, account: str, port: int, greeting: bytes, *bases: str) -> list[str]:
    """What a server on control does with a client of each certificate."""
    host = f"control.internal.{load(cloud.site).site.domain}"
    given = {"host": host, "port": port, "greeting": greeting.hex(), "bases": bases}
    become = f"setpriv --reuid={account} --regid={account} --init-groups"
    return cloud.on(node, f"exec {become} python3 -I -c {shlex.quote(GREET)}", input=json.dumps(given)).split()


def keep_old(cloud: Cloud, node: str, account: str, name: str) -> None:
    """As a thief would: a copy of a certificate and its key, before they are replaced."""
    how = f"install -D -o {account} -m 0400 -t {OLD}"
    cloud.on(node, f"{how} /etc/wallcloud/tls/{name}.pem /etc/wallcloud/tls/{name}.key; chmod 755 {OLD}")


def serials(cloud: Cloud) -> dict[tuple[str, str], str]:
    """Of every certificate on every node but the CA's."""
    lines = ((node, line.split()) for node in NODES for line in cloud.on(node, CERTIFICATES).splitlines())
    return {(node, name.removesuffix(".pem")): serial for node, (name, serial) in lines}


def shown(cloud: Cloud, node: str, account: str, address: str, port: int, how: str) -> str:
    """The serial of what a listener shows to an account on a node."""
    become = f"setpriv --reuid={account} --regid={account} --init-groups"
    ask = f"{become} openssl s_client -connect {address}:{port} {how} </dev/null 2>/dev/null"
    return cloud.on(node, f"{ask} | openssl x509 -noout -serial").strip()


def test_a_tenant_notices_no_rotation_and_the_old_is_refused(designed: Cloud) -> None:
    before, names, old = values(designed), users(designed), serials(designed)
    keys = set(designed.on("control", KEYS).split())
    for node, account, name, *_ in (*CLIENTS, ("network", "nova-metadata", "nova-metadata")):
        keep_old(designed, node, account, name)
    site = load(designed.site).site
    address = designed.on("api", "ip -4 -o addr show pub0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'").strip()
    given = {
        "address": address,
        "name": site.domain,
        "ca": (designed.state / "ca/cert.pem").read_text(),
        "user": "demo",
        "password": before["identity-demo-demo"],
        "project": "demo",
        "seconds": SECONDS,
    }
    argv = ("lab", "exec", "office", "--", "python3", "-I", "-c", Path(tenant.__file__).read_text())
    asking = designed.start(*argv, input=json.dumps(given) + "\n")
    asking.until(lambda line: line == "begun", "the tenant's first round")
    rotated = designed.run("rotate", "--json").expect(0, "a rotation")
    asking.close_input()
    told = json.loads(designed.finish(asking).expect(0, "the tenant").stdout.splitlines()[-1])
    print(f"rotate: {rotated.seconds:.1f} s; the tenant: {json.dumps(told, indent=1)}")
    assert told["failed"] == []
    assert told["asked"] > 50
    designed.expect_designed("after a rotation")

    after = values(designed)
    people = {"identity-admin", "identity-demo-demo"}
    assert {name for name in after if after[name] == before[name]} == people
    services = sorted(names.keys() - people)
    assert tokens(designed, [(names[name], before[name]) for name in services]) == [401] * len(services)
    names = users(designed)
    assert tokens(designed, [(names[name], before[name]) for name in services]) == [401] * len(services)
    assert tokens(designed, [(names[name], after[name]) for name in services]) == [201] * len(services)
    secret = "database-nova-metadata@network"
    new_base, old_base = "/etc/wallcloud/tls/nova-metadata", f"{OLD}/nova-metadata"
    tries = ((before[secret], new_base), (after[secret], old_base), (after[secret], new_base))
    assert databases(designed, *tries) == ["1045", "revoked", "in"]
    for node, account, name, port, greeting in CLIENTS:
        bases = (f"{OLD}/{name}", f"/etc/wallcloud/tls/{name}")
        theirs, ours = greeted(designed, node, account, port, greeting, *bases)
        assert theirs in {"revoked", "refused"} and ours == "in", (name, theirs, ours)
        designed.on(node, f"rm -rf {OLD}")
    designed.on("network", f"rm -rf {OLD}")
    cookies = f"{before['rabbitmq-cookie']}\n{after['rabbitmq-cookie']}\n"
    assert designed.on("control", COOKIES, input=cookies).split() == ["refused", "obeyed"]
    assert len(keys & set(designed.on("control", KEYS).split())) < len(keys)

    new = serials(designed)
    assert new.keys() == old.keys() and not set(new.values()) & set(old.values())
    control = designed.on("control", "ip -4 -o addr show mgmt0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'").strip()
    for node, account, port, how, name in SHOWN:
        assert shown(designed, node, account, control, port, how) == new["control", name], name
    assert shown(designed, "api", "root", address, 443, "") == new["api", "public-door"]
    designed.expect_verified("doors")


def test_what_people_hold_is_rotated_where_that_is_asked_for(designed: Cloud, tmp_path: Path) -> None:
    before = values(designed)
    designed.run("rotate", "--users").expect(0)
    after = values(designed)
    pairs = [
        (user, each[name])
        for user, name in (("admin", "identity-admin"), ("demo", "identity-demo-demo"))
        for each in (before, after)
    ]
    assert tokens(designed, pairs) == [401, 201, 401, 201]
    designed.expect_designed("after a rotation of what people hold")
    designed.run("access", "--output", str(tmp_path / "clouds.yaml")).expect(0)
    assert after["identity-demo-demo"] in (tmp_path / "clouds.yaml").read_text()
    designed.expect_verified("doors")


@pytest.mark.parametrize("stage", ["make", "use", "end"])
def test_a_rotation_that_was_killed_is_finished_by_apply(designed: Cloud, stage: str) -> None:
    killed = designed.start("rotate", "--secrets", "--json")
    killed.until(lambda line: f'"stage": "{stage}"' in line, f"stage {stage}")
    killed.until_event("control", "begin")
    killed.end()
    assert "a rotation is unfinished" in designed.run("plan").expect(1).stdout
    designed.apply("after a rotation that was killed")
    designed.expect_designed("after a rotation that was killed")
    kept = json.loads((designed.state / "secrets.json").read_text())
    assert set(values(designed).values()) == set(kept.values()), "one value of each"
    designed.expect_verified("doors")
