"""A bundle has what support needs, and no secret: whatever a node gives, whatever the site says."""

import base64
import json
import stat
import tarfile
import time
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result
from tests.deploy.far import Far
from tests.deploy.health import design_of, well

from wallcloud.cli.main import wallcloud
from wallcloud.deploy.authority import Authority
from wallcloud.deploy.bundle.archive import Archive, redactor_of
from wallcloud.deploy.bundle.collecting import order
from wallcloud.deploy.prepare import state_of
from wallcloud.design.compile import Design
from wallcloud.errors import WallcloudError

ODD = 'a"b/c+d e&f?'
GIVES = """\
message = hear()
if message["op"] == "status":
    say("status", answer=json.loads({answer!r}))
    finish()
if message["op"] == "facts":
    say("facts", facts={{}})
    spec = hear()["spec"]
    say("begin", count=0)
    change = {{"property": "content", "before": None, "after": None, "secret": False, "diff": "-{secret}"}}
    done(outcome="planned", name="/etc/x", changes=[change], consequence="restarts x")
    finish(planned=1)

def member(name, text, note="", marks=0):
    data = text.encode()
    say("member", name=name, note=note, marks=marks)
    print(json.dumps({{"event": "data", "bytes": len(data)}}), flush=True)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()

{gives}
say("left-out", name="files/etc/wallcloud/tls/x.key", why="it is a key")
finish()
"""


@pytest.fixture
def design(far: Far) -> Design:
    return design_of(far.loaded)


@pytest.fixture
def secrets(far: Far, design: Design) -> dict[str, str]:
    """The state of a cloud that was applied; one secret is odd, as an operator's own may be."""
    state = state_of(far.loaded)
    state.make()
    Authority.open(state, "played")
    made = state.secrets({name for node in design.specs for name in design.secret_names(node)} - {"site-ca"})
    made["identity-admin"] = ODD
    state.write("secrets.json", json.dumps(made).encode())
    return made


def give(far: Far, design: Design, node: str, gives: str, secret: str = "") -> None:
    answer = json.dumps(asdict(well(design)[node]))
    far.plays(node, GIVES.format(answer=answer, gives=gives, secret=secret))


def bundle(far: Far, *words: str) -> Result:
    argv = ["bundle", "x.tar.gz", "--site", str(far.loaded.path), *words]
    return CliRunner().invoke(wallcloud, argv, catch_exceptions=False)


def content(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        names = [each for each in tar.getnames() if each.startswith("x/")]
        assert names == tar.getnames(), "all in one folder"
        return {each.removeprefix("x/"): tar.extractfile(each).read() for each in names}  # type: ignore[union-attr]


@pytest.fixture(autouse=True)
def here(far: Far, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(far.folder)
    return far.folder


def test_what_is_in_it(far: Far, design: Design, secrets: dict[str, str], here: Path) -> None:
    give(far, design, "control", "member('journal.txt', 'a line\\n', note='cut', marks=2)", secrets["metadata-proxy"])
    ran = bundle(far, "--node", "control", "--node", "api", "--since", "2h")
    assert ran.exit_code == 1 and "api: cannot be reached by SSH" in ran.stderr, ran.output
    assert stat.S_IMODE((here / "x.tar.gz").stat().st_mode) == 0o600
    inside = content(here / "x.tar.gz")
    assert inside.keys() == {
        *("manifest.json", "versions.json", "site.yaml", "status.json", "plan.json", "nodes/control/journal.txt"),
        *("specs/control.json", "specs/api.json", "facts/control.json"),
    }
    manifest = json.loads(inside["manifest.json"])
    assert {each["name"] for each in manifest["members"]} == inside.keys() - {"manifest.json"}
    assert {"name": "nodes/control/journal.txt", "size": 7, "marks": 2, "note": "cut"} in manifest["members"]
    assert manifest["left_out"] == [
        {"name": "nodes/control/files/etc/wallcloud/tls/x.key", "why": "it is a key"},
        {"name": "nodes/api/", "why": "cannot be reached by SSH"},
    ]
    assert manifest["nodes_away"] == {"api": "cannot be reached by SSH"}
    assert json.loads(inside["status.json"])["lost"] == {"api": "cannot be reached by SSH"}
    (plan,) = json.loads(inside["plan.json"])
    assert (plan["node"], plan["planned"]) == ("control", 1)
    assert plan["changes"][0]["properties"] == ["content"] and plan["changes"][0]["consequence"] == "restarts x"
    asked = next(each for each in far.heard("control") if each["op"] == "bundle")
    assert abs(asked["since"] - (time.time() - 7200)) < 60 and asked["journal"] == 8 << 20
    left = [path.name for path in here.iterdir() if "tar.gz" in path.name]
    assert left == ["x.tar.gz"]


def test_no_secret_is_in_it(far: Far, design: Design, secrets: dict[str, str], here: Path) -> None:
    """Planted in the journal in every form, in a file's name, in the site."""
    key = (far.loaded.state / "ca" / "key.pem").read_text()
    planted = [
        *secrets.values(),
        *map(quote, secrets.values()),
        *(base64.b64encode(f"user:{each}".encode()).decode() for each in secrets.values()),
        *(each.encode().hex() for each in secrets.values()),
        json.dumps(ODD),
        f"mysql+pymysql://u:{ODD}@h",
        key,
    ]
    journal = "\n".join(planted)
    give(far, design, "control", f"member('journal.txt', {journal!r})")
    site = far.loaded.path
    site.write_text(f"{site.read_text()}\n# the admin's password is {ODD}\n")
    ran = bundle(far, "--node", "control")
    assert ran.exit_code == 0, ran.output
    inside = content(here / "x.tar.gz")
    every = b"\n".join(inside.values())
    for each in planted:
        assert each.strip().encode() not in every
    assert not redactor_of(state_of(far.loaded)).holds(every)
    assert "«secret identity-admin»" in inside["site.yaml"].decode()
    assert all(f"«secret {name}»".encode() in every for name in secrets)
    marks = {each["name"]: each["marks"] for each in json.loads(inside["manifest.json"])["members"]}
    assert marks["nodes/control/journal.txt"] >= len(secrets) * 4


@pytest.mark.parametrize("where", ["content", "name"])
def test_what_cannot_be_marked_is_refused(
    far: Far, design: Design, secrets: dict[str, str], here: Path, where: str
) -> None:
    """Told is the place, not the secret; and there is no file, not even a hidden one."""
    value = secrets["metadata-proxy"]
    spread = f"{value[:30]}\n{value[30:]}"
    member = f"member('odd.txt', {spread!r})" if where == "content" else f"member('odd.{value}', 'fine')"
    give(far, design, "control", member)
    ran = bundle(far, "--node", "control")
    assert ran.exit_code == 1 and "the bundle is not written: a secret would be in it" in ran.stderr
    assert "nodes/control/odd." in ran.stderr and value not in ran.output
    assert not [path for path in here.iterdir() if "tar.gz" in path.name]


def test_the_archive_itself_is_the_gate(far: Far, secrets: dict[str, str], here: Path) -> None:
    """Whoever adds: no caller needs to have cleaned before."""
    with (here / "y.tar.gz").open("wb") as file:
        archive = Archive(file, "y", redactor_of(state_of(far.loaded)))
        archive.add("a", f"x {ODD} y".encode())
        with pytest.raises(WallcloudError, match="a secret would be in it"):
            archive.add("b", base64.encodebytes(b"x" * 50 + ODD.encode()))


def test_what_a_node_is_told(far: Far, design: Design, secrets: dict[str, str]) -> None:
    told = order(design, "control", since=0.0, journal=5)
    text = json.dumps(told)
    assert not [name for name, value in secrets.items() if value in text]
    assert {"/etc/wallcloud/tls/mariadb.key", "/var/lib/keystone/fernet-keys"} <= {*told["keys"]}
    assert "/var/lib/wallcloud-rabbitmq/.erlang.cookie" in told["keys"]
    assert "/etc/wallcloud/tls/ca.pem" not in told["keys"] and "/etc/keystone/keystone.conf" in told["files"]
    assert "/var/lib/keystone/fernet-keys" not in order(design, "compute1", since=0.0, journal=5)["keys"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../../x", "a/../../b"])
def test_a_member_stays_in_its_nodes_folder(
    far: Far, design: Design, secrets: dict[str, str], here: Path, name: str
) -> None:
    give(far, design, "control", f"member({name!r}, 'x')")
    ran = bundle(far, "--node", "control")
    assert ran.exit_code == 1 and "what the node gave is not understood" in ran.stderr
    assert not (here / "x.tar.gz").exists()


def test_a_file_that_is_there_stays(far: Far, secrets: dict[str, str], here: Path) -> None:
    (here / "x.tar.gz").write_text("mine")
    ran = bundle(far)
    assert ran.exit_code == 1 and "there is such a file already" in ran.stderr
    assert (here / "x.tar.gz").read_text() == "mine" and far.calls() == []
