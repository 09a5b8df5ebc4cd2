"""What `wallcloud build` says."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from wallcloud.build import whole
from wallcloud.build.cache import Cache
from wallcloud.build.guest_image import Guest
from wallcloud.build.whole import Built
from wallcloud.cli.build_verb import Summary, build, told
from wallcloud.errors import WallcloudError

SUMMARY = Summary(
    release="2026.2",
    environment="0123456789abcdef" * 4,
    environment_size=187_654_321,
    environment_on_node="/opt/wallcloud/env/0123456789abcdef",
    packages="fedcba9876543210" * 4,
    packages_count=165,
    packages_size=112_572_416,
    guest_kernel="00112233445566778899" + "0" * 44,
    guest_ramdisk="99887766554433221100" + "0" * 44,
    guest_size=19_920_102,
    seconds=27.04,
    cache="/root/.cache/wallcloud",
)


def test_for_people() -> None:
    assert told(SUMMARY) == (
        "release      2026.2\n"
        "environment  0123456789abcdef  188 MB, on nodes /opt/wallcloud/env/0123456789abcdef\n"
        "packages     fedcba9876543210  113 MB in 165 packages\n"
        "guest image  9988776655443322  20 MB, kernel 0011223344556677\n"
        "in           /root/.cache/wallcloud\n"
        "took         27.0 s. Next: wallcloud plan"
    )


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Cache()


def test_for_programs(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    index = cache.add_bytes(b"Package: a\nVersion: 1\nArchitecture: all\nSize: 5\nSHA256: aa\n")
    asked: list[tuple[str, bool]] = []

    def fake(_cache: object, release: str, _names: object, _progress: object, *, refresh: bool) -> Built:
        asked.append((release, refresh))
        return Built(cache.add_bytes(b"environment"), index, Guest("aa", "bb", "cc", 14, 6, 1))

    monkeypatch.setattr(whole, "build", fake)
    ran = CliRunner().invoke(build, ["--json", "--refresh"])
    assert ran.exit_code == 0, ran.output
    said = json.loads(ran.stdout)
    assert (said["packages"], said["packages_count"], said["packages_size"]) == (index, 1, 5)
    assert (said["environment_size"], said["cache"]) == (11, str(cache.path))
    assert (said["guest_kernel"], said["guest_ramdisk"], said["guest_size"]) == ("aa", "bb", 20)
    assert asked == [("2026.2", True)]


def test_a_failure_is_told_with_its_output(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Built:
        raise WallcloudError("apt cannot resolve x", hint="do this", output=("E: no",))

    monkeypatch.setattr(whole, "build", fail)
    ran = CliRunner().invoke(build, [])
    assert ran.exit_code == 1
    assert ran.stderr == "error: apt cannot resolve x\n  | E: no\n  hint: do this\n"


def test_an_unknown_release_is_wrong_use() -> None:
    ran = CliRunner().invoke(build, ["--release", "2019.1"])
    assert ran.exit_code == 2
    assert "'2019.1' is not '2026.2'" in ran.stderr
