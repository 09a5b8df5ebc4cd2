"""Never a traceback: the command as a process of its own, with whatever goes wrong around it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.design.goldens import golden

from wallcloud.cli.main import main

FOLDER = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]


def wallcloud(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "wallcloud", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
    )


def _open_state(here: Path) -> None:
    (here / ".wallcloud").mkdir(mode=0o755)


def _state_is_a_file(here: Path) -> None:
    (here / ".wallcloud").write_text("")


def _broken_facts(here: Path) -> None:
    (here / ".wallcloud/facts").mkdir(parents=True, mode=0o700)
    (here / ".wallcloud/facts/api.json").write_text("{")


def _odd_facts(here: Path) -> None:
    (here / ".wallcloud/facts").mkdir(parents=True, mode=0o700)
    (here / ".wallcloud/facts/api.json").write_text('{"cores": "many"}')


def _bad_site(here: Path) -> None:
    text = (here / "site.yaml").read_text()
    (here / "site.yaml").write_text(text.replace("gateway: 198.18.10.1}", "gateway: 198.18.11.1}"))


def _bad_option(here: Path) -> None:
    text = (here / "site.yaml").read_text()
    (here / "site.yaml").write_text(text.replace("expiration: 7200", "expirations: 7200"))


def _nothing(here: Path) -> None:
    return


CASES: dict[str, tuple[Callable[[Path], None], tuple[str, ...], int]] = {
    "no-site": (_nothing, ("plan", "--site", "absent.yaml"), 2),
    "site-is-a-folder": (_nothing, ("show", "nodes", "--site", "."), 2),
    "new-twice": (_nothing, ("new",), 1),
    "unknown-node": (_nothing, ("plan", "--node", "contrl"), 2),
    "role-without-nodes": (_nothing, ("plan", "--role", "nothing"), 2),
    "not-built": (_nothing, ("plan",), 1),
    "open-state": (_open_state, ("plan",), 1),
    "state-is-a-file": (_state_is_a_file, ("apply",), 1),
    "broken-facts": (_broken_facts, ("show", "limits"), 1),
    "odd-facts": (_odd_facts, ("show", "limits"), 1),
    "bad-site": (_bad_site, ("apply",), 1),
    "bad-option": (_bad_option, ("show", "flows"), 1),
    "no-cloud": (_nothing, ("verify",), 1),
    "mistyped-verb": (_nothing, ("verfy",), 2),
    "part-as-a-word": (_nothing, ("verify", "doors", "reach"), 2),
    "hole-without-mutate": (_nothing, ("verify", "bus-guest"), 2),
    "while-a-part": (_nothing, ("verify", "--while", "true", "--part", "doors", "--keep"), 2),
    "mutate-only": (_nothing, ("verify", "--mutate", "--only", "x", "--html", "y"), 2),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_user_is_told(
    here: Path, case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare, words, status = CASES[case]
    prepare(here)
    monkeypatch.setattr(sys, "argv", ["wallcloud", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (status, ""), said.err
    golden(FOLDER / f"error-{case}.txt", said.err.replace(str(here), "HERE"))


def test_one_place_alone_is_wrong_use(here: Path) -> None:
    (here / ".wallcloud/ca").mkdir(parents=True, mode=0o700)
    (here / ".wallcloud").chmod(0o700)
    (here / ".wallcloud/ca/cert.pem").write_text("x")
    ran = wallcloud("verify", "--office", "somewhere")
    assert ran.returncode == 2
    assert ran.stderr.startswith(
        "error: probes start from two places\n  hint: give both --office HOST and --admin HOST"
    )


def test_verify_makes_no_secrets(here: Path) -> None:
    (here / ".wallcloud/ca").mkdir(parents=True, mode=0o700)
    (here / ".wallcloud/ca/cert.pem").write_text("x")
    ran = wallcloud("verify")
    assert ran.returncode == 1
    assert "or, with real hosts: --office HOST --admin HOST" in ran.stderr
    assert sorted(path.name for path in (here / ".wallcloud").iterdir()) == ["ca"]


@pytest.mark.parametrize("words", ["nodes", "files --json"], ids=["short", "longer than a pipe"])
def test_a_reader_that_goes_away(here: Path, words: str) -> None:
    """As `| head -1`: quiet, and the status says that the answer was cut."""
    command = f"{sys.executable} -m wallcloud show {words}; echo $? >&2"
    with subprocess.Popen(
        ["sh", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        assert started.stderr.read() == "1\n"
    assert here.is_dir()


def test_a_fault_of_ours_is_one_line(here: Path) -> None:
    site = here / "sitecustomize.py"
    site.write_text(
        "import wallcloud.design.compile as it\n"
        "def broken(*_): raise KeyError('who knows')\n"
        "it.compile_site.__globals__['derive'] = broken\n"
    )
    path = f"{ROOT / 'src'}:{here}"
    ran = wallcloud("show", "nodes", PYTHONPATH=path)
    assert ran.returncode == 1
    assert ran.stderr == (
        "error: sitecustomize.py:2: KeyError: 'who knows'\n"
        "  hint: this is a fault of Wallcloud; please report it with what WALLCLOUD_TRACEBACK=1 shows\n"
    )
    ran = wallcloud("show", "nodes", PYTHONPATH=path, WALLCLOUD_TRACEBACK="1")
    assert ran.stderr.startswith("Traceback (most recent call last):\n")


def test_the_overview_loads_nothing_heavy() -> None:
    code = "import sys; sys.argv = ['wallcloud', '--help']\nimport atexit\n"
    code += (
        "atexit.register(lambda: print(sorted({'pydantic', 'rich', 'cryptography', 'ruamel'} & set(sys.modules))))\n"
    )
    code += "from wallcloud.cli.main import main\nmain()"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert ran.stdout.endswith("[]\n")


def test_a_plan_loads_neither_the_lab_nor_what_signs() -> None:
    code = "import sys, wallcloud.cli.converge_verbs\nprint(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    loaded = set(ran.stdout.split())
    assert "pydantic" in loaded
    assert not {"cryptography", "wallcloud.lab", "wallcloud.verify", "xml"} & loaded
