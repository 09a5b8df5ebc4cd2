"""The parts of the environment's making that need no registry: locks, drops, bytecode and packing."""

import os
import subprocess
from pathlib import Path

import pytest

from wallcloud.build import environment, environment_pack
from wallcloud.build.environment import PYTHON, drop, locked, path_on_node
from wallcloud.build.environment_drops import DROPS, Drop
from wallcloud.build.releases import lock_of, releases
from wallcloud.errors import WallcloudError

SITE = "lib/python3.11/site-packages"


def _make(folder: Path, name: str, text: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _pack(folder: Path, output: Path, shards: int = 2) -> bytes:
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.py"))
    for first in range(shards):
        subprocess.run(
            [PYTHON, "-s", "-P", environment_pack.__file__, "compile", folder],
            input="\n".join(names[first::shards]),
            text=True,
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": "0"},
        )
    subprocess.run(
        [PYTHON, "-s", "-P", environment_pack.__file__, "pack", folder, output], check=True, capture_output=True
    )
    return output.read_bytes()


def _small(folder: Path) -> Path:
    _make(folder, f"{SITE}/one/__init__.py", 'X = {"b", "a", "c"}\nY = lambda v: v in {"p", "q", "r"}\n')
    _make(folder, f"{SITE}/one/two.py", "import one\n\n\ndef f():\n    return one.X\n")
    _make(folder, f"{SITE}/one/template.py", "this is {{ no }} python\n")
    _make(folder, f"{SITE}/one/null.py", "\0")
    _make(folder, "bin/tool", "#!/bin/sh\n").chmod(0o700)
    (folder / "lib64").symlink_to("lib")
    (folder / "bin/python").symlink_to(PYTHON)
    return folder


def test_every_release_locks_its_packages_with_hashes() -> None:
    assert releases() == ("2026.2",)
    for release in releases():
        text = lock_of(release).read_text()
        packages = locked(text)
        assert {
            "keystone",
            "nova",
            "neutron",
            "glance",
            "openstack-placement",
            "designate",
            "octavia",
        } <= packages.keys()
        assert text.count(" \\\n    --hash=sha256:") >= len(packages)
        assert "://" not in text


def test_a_lock_is_read() -> None:
    assert locked(
        "a.B_c==1.0 \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n# x==1\nd==2 ; python_version > '3'\n"
    ) == {
        "a-b-c": "1.0",
        "d": "2",
    }


def test_an_unknown_release_is_a_clear_error() -> None:
    with pytest.raises(WallcloudError) as caught:
        environment.key("2019.1")
    assert caught.value.what == "this Wallcloud does not know the release '2019.1'"
    assert caught.value.hint == "it knows: 2026.2"


def test_where_a_node_has_it() -> None:
    assert path_on_node("0123456789abcdef" + "f" * 48) == "/opt/wallcloud/env/0123456789abcdef"


@pytest.mark.parametrize(
    ("script", "found"), [("echo 3.13", "3.13"), ("echo broken >&2; exit 1", "broken"), (None, "missing")]
)
def test_another_python_is_a_clear_error(tmp_path: Path, script: str | None, found: str) -> None:
    python = tmp_path / "python3"
    if script is not None:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    with pytest.raises(WallcloudError) as caught:
        environment._require_python(python)
    assert caught.value.what == f"{python} must be Python 3.11, as on the nodes; here it is {found}"
    assert caught.value.hint == "run Wallcloud on Debian 12, which has that Python (package python3)"


def test_an_install_that_is_not_the_lock_is_refused(tmp_path: Path) -> None:
    for name in ("a_b-1.0", "c-2", "extra-1"):
        (tmp_path / SITE / f"{name}.dist-info").mkdir(parents=True)
    environment._compare({"a-b": "1.0", "c": "2", "extra": "1"}, tmp_path)
    with pytest.raises(WallcloudError) as caught:
        environment._compare({"a-b": "1.0", "c": "3", "gone": "1"}, tmp_path)
    assert caught.value.output == (
        "c: locked 3, installed 2",
        "extra: locked not, installed 1",
        "gone: locked 1, installed not",
    )


def test_drops_take_files_and_their_records_and_leave_links_alone(tmp_path: Path) -> None:
    cached = _make(tmp_path, "cache/RECORD", "pkg/__init__.py,,\npkg/tests/__init__.py,,\npkg/x.po,,\n")
    env = tmp_path / "env"
    record = env / SITE / "pkg-1.dist-info/RECORD"
    _make(env, f"{SITE}/pkg/__init__.py")
    _make(env, f"{SITE}/pkg/tests/__init__.py")
    _make(env, f"{SITE}/pkg/x.po")
    _make(env, f"{SITE}/kept/tests/__init__.py")
    record.parent.mkdir()
    os.link(cached, record)  # as uv does
    drops = (Drop(f"{SITE}/*/tests", "", keep=(f"{SITE}/kept/tests",)), Drop(f"{SITE}/**/*.po", ""))
    assert drop(env, drops) == 2
    assert record.read_text() == "pkg/__init__.py,,\n"
    assert "tests" in cached.read_text()
    assert sorted(path.name for path in (env / SITE / "pkg").iterdir()) == ["__init__.py"]
    assert (env / SITE / "kept/tests/__init__.py").exists()
    assert drop(env, drops) == 0


def test_each_drop_has_its_reason() -> None:
    assert all(len(each.why) > 3 and not each.pattern.startswith("/") for each in DROPS)


def test_two_builders_make_the_same_bytes(tmp_path: Path) -> None:
    first = _pack(_small(tmp_path / "first"), tmp_path / "first.squashfs")
    second = _small(tmp_path / "another place" / "second")
    for path in second.rglob("*.py"):
        os.utime(path, (1, 1))
    assert _pack(second, tmp_path / "second.squashfs") == first


def test_what_is_in_the_image(tmp_path: Path) -> None:
    _pack(_small(tmp_path / "env"), tmp_path / "env.squashfs")
    listing = subprocess.run(
        ["unsquashfs", "-lln", "-UTC", "-d", "env", tmp_path / "env.squashfs"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line.split(None, 5) for line in listing.splitlines() if line[:1] in "dl-" and len(line.split()) > 5]
    # mode, owner, size, date, time, path (and where a link points)
    assert {(owner, date, time) for _, owner, _, date, time, _ in lines} == {("0/0", "1970-01-01", "00:00")}
    modes = {path: mode for mode, _, _, _, _, path in lines}
    assert f"env/{SITE}/one/__pycache__/two.cpython-311.pyc" in modes
    assert not any("template.cpython" in path for path in modes)
    assert modes["env/bin/tool"] == "-rwxr-xr-x"
    assert modes[f"env/{SITE}/one/two.py"] == "-rw-r--r--"
    assert modes[f"env/{SITE}/one"] == modes["env"] == "drwxr-xr-x"
    assert {path for path, mode in modes.items() if mode.startswith("l")} == {
        "env/lib64 -> lib",
        f"env/bin/python -> {PYTHON}",
    }


def test_bytecode_is_used_wherever_and_whenever_it_is_found(tmp_path: Path) -> None:
    _pack(_small(tmp_path / "env"), tmp_path / "env.squashfs")
    node = tmp_path / "opt/env"
    node.mkdir(parents=True)
    subprocess.run(
        ["unsquashfs", "-q", "-n", "-f", "-d", node, tmp_path / "env.squashfs"], check=True, capture_output=True
    )
    for path in node.rglob("*.py"):
        path.touch()
    code = (
        f"import sys; sys.path.insert(0, {str(node / SITE)!r}); import one.two; print(one.two.f.__code__.co_filename)"
    )
    ran = subprocess.run([PYTHON, "-I", "-v", "-c", code], capture_output=True, text=True, check=True)
    compiled = f"{node}/{SITE}/one/__pycache__/two.cpython-311.pyc"
    assert f"# code object from '{compiled}'" in ran.stderr
    assert "# wrote" not in ran.stderr
    assert ran.stdout.strip() == f"{node}/{SITE}/one/two.py"  # tracebacks name the node's file
