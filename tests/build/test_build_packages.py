"""The pool of packages, with the real apt over repositories made here."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from wallcloud.build import apt, packages
from wallcloud.build.apt import Version
from wallcloud.build.cache import Cache, digest_of
from wallcloud.build.packages import Pool
from wallcloud.errors import WallcloudError
from wallcloud.progress import Silent


@dataclass(frozen=True)
class Deb:
    """A package to make. `files` is what its payload says, so that two versions differ."""

    name: str
    version: str
    depends: str = ""
    recommends: str = ""
    conflicts: str = ""


@dataclass
class Sources:
    """`etc` stands for /etc/apt. Each `add` is one repository with the release file's fields."""

    folder: Path
    etc: Path = field(init=False)

    def __post_init__(self) -> None:
        self.etc = self.folder / "etc"
        (self.etc / "sources.list.d").mkdir(parents=True)
        for name in ("apt.conf.d", "preferences.d", "trusted.gpg.d", "auth.conf.d"):
            (self.etc / name).mkdir()

    def add(self, repository: str, origin: str, codename: str, *debs: Deb) -> None:
        """Makes or replaces a repository and its line in the sources."""
        folder = self.folder / repository
        folder.mkdir(exist_ok=True)
        stanzas = "\n".join(self._make(folder, deb) for deb in debs)
        (folder / "Packages").write_text(stanzas)
        origin_line = f"Origin: {origin}\n" if origin else ""
        listed = f" {hashlib.sha256(stanzas.encode()).hexdigest()} {len(stanzas.encode())} Packages\n"
        # With no Date apt would take an older file for the newer one.
        (folder / "Release").write_text(
            f"{origin_line}Label: {repository}\nCodename: {codename}\nSuite: {codename}\n"
            f"Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n{listed}"
        )
        (self.etc / "sources.list.d" / f"{repository}.list").write_text(f"deb [trusted=yes] file:{folder} ./\n")

    def _make(self, folder: Path, deb: Deb) -> str:
        architecture = subprocess.run(
            ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
        ).stdout.strip()
        tree = folder / "tree"
        (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
        control = (
            f"Package: {deb.name}\nVersion: {deb.version}\nArchitecture: {architecture}\n"
            "Maintainer: Nobody <nobody@example.org>\n"
            + "".join(
                f"{field}: {value}\n"
                for field, value in (
                    ("Depends", deb.depends),
                    ("Recommends", deb.recommends),
                    ("Conflicts", deb.conflicts),
                )
                if value
            )
            + f"Description: {deb.name} of {folder.name}\n with a second line\n"
        )
        (tree / "DEBIAN/control").write_text(control)
        file = folder / f"{deb.name}_{deb.version.replace(':', '%3a')}.deb"
        subprocess.run(["dpkg-deb", "--build", "-Znone", tree, file], check=True, capture_output=True)
        content = file.read_bytes()
        return (
            f"{control}Filename: ./{file.name}\nSize: {len(content)}\n"
            f"MD5sum: {hashlib.md5(content).hexdigest()}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
        )


STATUS = """\
Package: libc
Status: install ok installed
Architecture: {architecture}
Version: 2.0
Maintainer: Nobody <nobody@example.org>
Description: of the base root
"""


class House:
    """A cache, sources and a base root's status file; `build` is packages.build over them."""

    def __init__(self, folder: Path) -> None:
        self.cache = Cache(folder / "cache")
        self.sources = Sources(folder / "apt")
        self.status = folder / "status"
        self.status.write_text(STATUS.format(architecture=apt.architecture()))

    def build(self, *names: str, refresh: bool = False, **roles: tuple[str, ...]) -> Pool:
        """With `names` for the role control."""
        wanted = {"control": names, **roles} if names else roles
        return packages.build(self.cache, wanted, Silent(), status=self.status, refresh=refresh, etc=self.sources.etc)


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.sources.add(
        "debian",
        "Debian",
        "bookworm",
        Deb("server", "1:1.0-1", depends="common (>= 1), libc", recommends="fancy"),
        Deb("common", "1.5"),
        Deb("fancy", "1"),
        Deb("agent", "3", depends="common"),
        Deb("libc", "2.0"),
        Deb("rude", "1", conflicts="libc"),
    )
    return house


def _versions(pool: Pool) -> list[tuple[str, str]]:
    return [(package.name, package.version) for package in pool.packages]


def test_the_closure_over_the_base_root_without_recommends(house: House) -> None:
    pool = house.build("server", network=("agent",))
    assert _versions(pool) == [("agent", "3"), ("common", "1.5"), ("server", "1:1.0-1")]
    for package in pool.packages:
        blob = house.cache.blob(package.digest)
        assert blob.stat().st_size == package.size
        shown = subprocess.run(["dpkg-deb", "-f", blob, "Package"], capture_output=True, text=True, check=True)
        assert shown.stdout.strip() == package.name
    assert pool.size == sum(house.cache.blob(package.digest).stat().st_size for package in pool.packages)


def test_a_node_can_install_from_the_index_alone(house: House, tmp_path: Path) -> None:
    pool = house.build("server")
    node = tmp_path / "node"
    node.mkdir()
    shutil.copyfile(house.cache.blob(pool.index), node / "Packages")
    for package in pool.packages:
        shutil.copyfile(house.cache.blob(package.digest), node / f"{package.digest}.deb")
    offline = Sources(tmp_path / "node-apt")
    (offline.etc / "sources.list").write_text(f"deb [trusted=yes] file:{node} ./\n")
    # apt's own view of a flat local source; with our pins off, as a node has no Debian repository.
    (tmp_path / "scratch").mkdir()
    reader = apt.Apt(tmp_path / "scratch", house.status, offline.etc)
    (tmp_path / "scratch/preferences").write_text("")
    reader.update(lambda _line: None)
    assert {version.name for version in reader.closure(["server"])} == {"server", "common"}
    versions = [Version(each.name, each.version, each.architecture) for each in pool.packages]
    assert {digest_of(file) for file in reader.download(versions, lambda _name: None)} == {
        package.digest for package in pool.packages
    }


def test_other_repositories_are_never_taken_from(house: House) -> None:
    newer = (Deb("server", "9"), Deb("common", "9"), Deb("only-here", "1"))
    house.sources.add("vendor", "Vendor", "bookworm", *newer)
    house.sources.add("nameless", "", "bookworm", *newer)
    house.sources.add("backports", "Debian Backports", "bookworm-backports", *newer)
    house.sources.add("next", "Debian", "trixie", *newer)
    (house.sources.etc / "preferences.d/vendor").write_text(
        "Package: server common only-here\nPin: release o=Vendor\nPin-Priority: 1001\n"
    )
    assert _versions(house.build("server")) == [("common", "1.5"), ("server", "1:1.0-1")]
    with pytest.raises(WallcloudError) as caught:
        house.build("only-here")
    assert caught.value.what == "apt cannot resolve only-here"
    assert caught.value.hint == (
        "only packages from Debian's own bookworm repositories count: are they in /etc/apt's sources?"
    )
    assert "E: Package 'only-here' has no installation candidate" in caught.value.output


def test_security_updates_are_taken(house: House) -> None:
    house.sources.add("security", "Debian", "bookworm-security", Deb("common", "1.5+deb12u1"))
    assert _versions(house.build("agent")) == [("agent", "3"), ("common", "1.5+deb12u1")]


def test_a_warm_call_asks_nobody_and_refresh_asks_anew(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first = house.build("agent")
    house.sources.add("debian", "Debian", "bookworm", Deb("agent", "4"))
    with monkeypatch.context() as patch:
        patch.setattr(apt.Apt, "__init__", lambda *_: pytest.fail("apt was asked"))
        assert house.build("agent") == first
    assert _versions(house.build("agent", refresh=True)) == [("agent", "4")]
    assert _versions(house.build("agent")) == [("agent", "4")]


def test_what_the_cache_has_is_not_fetched_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.build("agent")
    wanted: list[str] = []

    def download(self: apt.Apt, versions: Iterable[Version], tell: Callable[[str], None]) -> Iterator[Path]:
        wanted.extend(each.name for each in versions)
        return real(self, versions, tell)

    real = apt.Apt.download
    monkeypatch.setattr(apt.Apt, "download", download)
    house.build("server")
    assert wanted == ["server"]


def test_another_base_root_is_another_pool(house: House) -> None:
    before = house.build("server")
    house.status.write_text("")
    assert ("libc", "2.0") in _versions(house.build("server"))
    assert ("libc", "2.0") not in [(each.name, each.version) for each in before.packages]


def test_what_would_remove_from_the_base_root_is_refused(house: House) -> None:
    with pytest.raises(WallcloudError) as caught:
        house.build("rude")
    assert caught.value.what == "apt cannot resolve rude"
    assert "E: Packages need to be removed but remove is disabled." in caught.value.output


def test_a_changed_package_is_refused(house: House) -> None:
    file = house.sources.folder / "debian/common_1.5.deb"
    file.write_bytes(file.read_bytes()[:-1] + b"X")
    with pytest.raises(WallcloudError) as caught:
        house.build("agent")
    assert caught.value.what == "apt could not download the packages"
    assert any("Hash Sum mismatch" in line for line in caught.value.output)


@pytest.mark.parametrize("address", ["file:/nowhere", "http://127.0.0.1:9"])
def test_a_source_that_does_not_answer_is_an_error(house: House, address: str) -> None:
    (house.sources.etc / "sources.list").write_text(f"deb [trusted=yes] {address} ./\n")
    (house.sources.etc / "apt.conf.d/retries").write_text('Acquire::Retries "0";\n')
    with pytest.raises(WallcloudError) as caught:
        house.build("agent")
    assert caught.value.what == "apt could not fetch the lists of packages"
    assert caught.value.hint == "every source in /etc/apt must answer; then try again"


def test_unsigned_repositories_are_refused(house: House) -> None:
    source = house.sources.etc / "sources.list.d/debian.list"
    source.write_text(source.read_text().replace(" [trusted=yes]", ""))
    with pytest.raises(WallcloudError) as caught:
        house.build("agent")
    assert caught.value.what == "apt could not fetch the lists of packages"
    assert any("is not signed" in line for line in caught.value.output)


def test_nothing_of_the_host_is_touched_and_its_hooks_do_not_run(house: House, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (house.sources.etc / "apt.conf.d/99hook").write_text(
        f'APT::Update::Pre-Invoke {{"touch {ran}"; }};\nAPT::Update::Post-Invoke {{"touch {ran}"; }};\n'
        f'APT::Update::Post-Invoke-Success {{"touch {ran}"; }};\n'
    )
    before = {
        file: file.stat().st_mtime_ns for file in tmp_path.rglob("*") if not file.is_relative_to(house.cache.path)
    }
    house.build("agent")
    after = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*") if not file.is_relative_to(house.cache.path)}
    assert before == after
    assert list((house.cache.path / "tmp").iterdir()) == []


def test_without_apt_the_error_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(WallcloudError) as caught:
        house.build("agent")
    assert caught.value.what == (
        "apt-get, apt-cache, dpkg not found: the packages of the nodes come through Debian's apt"
    )
    assert caught.value.hint == "run Wallcloud on Debian 12"


def test_no_names_no_packages(house: House) -> None:
    pool = house.build(compute=())
    assert pool.packages == ()
    assert house.cache.blob(pool.index).read_text() == ""
