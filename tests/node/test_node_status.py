"""How a node asks what it has: in time, each question for itself, and nothing is started by being asked."""

import base64
import io
import json
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.node.world import Ca

from wallcloud.node import systemd
from wallcloud.node.context import Run
from wallcloud.node.resource import ResourceFailed
from wallcloud.node.resources import Certificate, CloudAccess, IdentityAccess, Unit, mariadb_client, rabbitmq_client
from wallcloud.node.run import Output
from wallcloud.node.secret import Secret
from wallcloud.node.session import Session
from wallcloud.node.spec import Spec, to_json
from wallcloud.node.status import host, servers
from wallcloud.node.status.answer import status
from wallcloud.node.status.asking import Asking
from wallcloud.node.status.cloud import Cloud
from wallcloud.node.status.model import AccountUse, CertificateHealth, DatabaseHealth, Queue, Silence

INSTALL = "[Install]\nWantedBy=multi-user.target\n"


def unit(name: str, *ready: str) -> Unit:
    return Unit(unit=f"wallcloud-{name}.service", text=INSTALL, ready=ready or None, component=name)


def says(monkeypatch: pytest.MonkeyPatch, **active: str) -> None:
    """systemd, as it tells of units by their component."""
    monkeypatch.setattr(
        systemd,
        "show",
        lambda *names: tuple(
            systemd.Status(name, "loaded", active.get(name[10:-8], "inactive"), "running") for name in names
        ),
    )


def test_each_question_is_for_itself() -> None:
    def refuse() -> None:
        raise ResourceFailed("MariaDB refused", output=("ERROR 1045",))

    def wait() -> int:
        time.sleep(30)
        return 1

    asking = Asking(seconds=0.3)
    questions = [
        asking.begin("a", "one", lambda: 7),
        asking.begin("b", "two", refuse),
        asking.begin("c", "three", wait),
        asking.begin("d", "four", lambda: 1 // 0),
        asking.begin("e", "five", lambda: None),
    ]
    begun = time.monotonic()
    assert [asking.answer(each) for each in questions] == [7, None, None, None, None]
    assert time.monotonic() - begun < 3
    assert asking.silent == [
        Silence("b", "two", "MariaDB refused: ERROR 1045"),
        Silence("c", "three", "no answer within 0.3 s"),
        Silence("d", "four", "ZeroDivisionError: integer division or modulo by zero"),
        Silence("e", "five", "no answer"),
    ]


def test_units_are_asked_where_they_run_and_only_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    says(monkeypatch, well="active", ill="active", plain="active", late="active")
    touched = tmp_path / "touched"
    asking = Asking(seconds=1)
    units = host.Units(
        [
            unit("well", "true"),
            unit("ill", "sh", "-c", "echo first; echo status 503; exit 1"),
            unit("plain"),
            unit("stopped", "touch", str(touched)),
            unit("late", "sleep", "20"),
            Unit(unit="wallcloud-x@.service", text=INSTALL, component="template"),
            Unit(unit="wallcloud-timed.service", text="[Service]\nType=oneshot\n", component="timed"),
        ],
        asking,
    )
    found = {each.component: each for each in units.health()}
    assert {name: each.answers for name, each in found.items()} == {
        "well": True,
        "ill": False,
        "plain": None,
        "stopped": None,
        "late": False,
        "timed": None,
    }
    assert not touched.exists(), "asking could start it"
    assert found["ill"].said == "status 503" and found["late"].said == "no answer within 1 s"
    assert {name for name, each in found.items() if each.well} == {"well", "plain", "timed"}
    assert asking.silent == [], "that is told with the unit"
    assert [units.run(name) for name in ("well", "stopped", "timed", "nobody")] == [True, False, False, False]


def test_an_api_whose_service_is_stopped_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket would start it. Without Keystone no other is asked, either."""
    identity = IdentityAccess(url="https://127.0.0.1:1/identity/v3", ca="/none", password=Secret("p"))
    urls = {name: f"https://127.0.0.1:1/{name}" for name in ("image", "compute", "network", "placement")}
    access = CloudAccess(identity=identity, **urls)
    serves = {name: f"{name}-api" for name in ("identity", *urls)}
    for stopped, silent in (("compute-api", ["compute-api"]), ("identity-api", None)):
        asking = Asking()
        ctx = Run(Spec("n", "r", ()), {"p": "x"}, Session(io.BytesIO(), io.BytesIO()), planning=True)
        asked: list[str] = []

        def begin(what: str, component: str, ask: object, into: list[str] = asked) -> None:
            into.append(component)

        monkeypatch.setattr(asking, "begin", begin)
        Cloud(ctx, access, set(), serves, {*serves.values()}.difference({stopped}).__contains__, asking)
        whose = [each.component for each in asking.silent]
        assert whose == (silent or ["network-api", "network-api", "compute-api", "placement-api", "image-api"])
        assert {each.why for each in asking.silent} == {f"{stopped} does not run"}
        assert not {*asked} & {*whose} and len(asked) + len(whose) == 5


def test_certificates(tmp_path: Path) -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    (tmp_path / "x.pem").write_text(Ca().sign(public, "x", ("x",), ("server",), begun_days_ago=10, days=30))

    def told(name: str) -> CertificateHealth:
        path = str(tmp_path / name)
        return host.certificate(
            Certificate(name=name, key_path="", cert_path=path, ca_path="", subject="x", names=(), use=())
        )

    life = told("x.pem").life
    assert life and life.until - life.since == 30 * 86400 and abs(time.time() - life.since - 10 * 86400) < 60
    assert told("none.pem").life is None
    (tmp_path / "odd.pem").write_text("odd")
    assert told("odd.pem").life is None


def test_each_file_system_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    found = host.disks([str(tmp_path / "a"), str(tmp_path), "/proc", "/no such folder"])
    assert [each.path for each in found] == ["/proc", str(tmp_path)]
    assert 0 < found[1].free <= found[1].size
    all_, free = host.memory()
    assert 0 < free < all_


def test_mariadb(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(argv: object, sql: str, *_: object, **__: object) -> Output:
        rows = "249\t37\t61\nkeystone@localhost\t3\nnova-metadata@198.18.10.13\t1\n"
        return Output(0, "compute1\tactive\t2\n\terror\t1\n" if "instances" in sql else rows, "")

    monkeypatch.setattr(mariadb_client, "run", said)
    accounts = (AccountUse("keystone@localhost", 3), AccountUse("nova-metadata@198.18.10.13", 1))
    assert servers.database() == DatabaseHealth(37, 61, 249, accounts)
    assert [each.user for each in accounts] == ["keystone", "nova-metadata"]
    assert [(each.host, each.state, each.count) for each in servers.servers()] == [
        ("compute1", "active", 2),
        ("", "error", 1),
    ]


@pytest.mark.parametrize(("running", "alarms"), [(True, ("memory",)), (False, ("it is not up", "memory"))])
def test_rabbitmq(monkeypatch: pytest.MonkeyPatch, running: bool, alarms: tuple[str, ...]) -> None:
    queue = {"vhost": "nova", "name": "conductor", "messages": 3, "consumers": 1, "expires": False}
    answer = {
        "running": running,
        "alarms": ["memory"],
        "down": [],
        "connections": 42,
        "limit": 58892,
        "memory": 155189248,
        "memory_limit": 1506 << 20,
        "queues": [queue],
    }
    text = f"ok {base64.b64encode(json.dumps(answer).encode()).decode()}"
    monkeypatch.setattr(rabbitmq_client, "run", lambda *_, **__: Output(0, text, ""))
    found = servers.bus()
    assert (found.alarms, found.memory, found.memory_limit) == (alarms, 148, 1506)
    assert found.queues == (Queue("nova", "conductor", 3, 1, False),)


def test_the_whole_answer_of_a_node_with_little(monkeypatch: pytest.MonkeyPatch) -> None:
    says(monkeypatch, one="active")
    heard = io.BytesIO()
    session = Session(io.BytesIO(), heard)
    spec = to_json(Spec("n", "r", (unit("one", "true"), unit("two"))))
    assert status({"op": "status", "spec": spec, "secrets": {}, "apis": {}}, session) == 0
    told, finished = map(json.loads, heard.getvalue().splitlines())
    assert (told["event"], finished["event"]) == ("status", "finished")
    assert [(each["component"], each["answers"]) for each in told["answer"]["units"]] == [("one", True), ("two", None)]
    assert told["answer"]["cloud"] is None and told["answer"]["silent"] == []
    assert [each["path"] for each in told["answer"]["disks"]][:1] == ["/"]
