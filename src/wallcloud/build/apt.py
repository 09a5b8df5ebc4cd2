"""Debian's own apt, asked in folders of our own: it never touches this computer's packages or lists.

Sources, keys and proxies are the host's as they stand (`/etc/apt`), and signatures are checked as ever. Lists, locks,
downloads and the status file that it resolves over are in one scratch folder. Works without root.

Only Debian's packages are taken, although the host may know other repositories (a vendor's, backports): these would
reach the nodes' root accounts. apt calls this pinning: a release file names its `Origin` and `Codename` under the
repository's signature; everything not `Debian` and `bookworm*` gets priority -1, *never to be installed*
(apt_preferences(5)). The host's own preferences are left out, as they could raise a priority again.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wallcloud.build.run import LAST_LINES, Ran, clean_environment, must, stream
from wallcloud.errors import WallcloudError

CODENAME = "bookworm"

_PREFERENCES = f"""\
Package: *
Pin: release o=Debian,n={CODENAME}*
Pin-Priority: 500

Package: *
Pin: release a=now
Pin-Priority: 100

Package: *
Pin: release o=*
Pin-Priority: -1

Package: *
Pin: origin *
Pin-Priority: -1
"""

_CONFIGURATION = """\
Dir::Etc::preferences "{folder}/preferences";
Dir::Etc::preferencesparts "{folder}/empty";
Dir::State "{folder}/state";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/dpkg/status";
Dir::Cache "{folder}/cache";
Dir::Cache::archives "{folder}/archives";
Dir::Cache::pkgcache "pkgcache.bin"; // container images turn both off, which triples the time of each question
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Acquire::GzipIndexes "false";
Dir::Log "{folder}/log";
#clear APT::Architectures;
APT::Architectures {{ "{architecture}"; }};
APT::Architecture "{architecture}";
APT::Sandbox::User "root"; // the download helpers keep our uid: _apt cannot enter a user's cache folder
APT::Update::Error-Mode "any"; // a list that did not come (security!) is an error, not a warning
Acquire::Languages "none";
// the host's hooks would act on the host's own folders
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
"""

# `Inst libc6 [2.36-8] (2.36-9 Debian:12.15/oldstable [amd64]) []`: what a simulated installation would install.
_INST = re.compile(r"^Inst (\S+) (?:\[[^]]*\] )?\((\S+) [^)]*\[(\w+)\]\)")
_GET = re.compile(r"^Get:\d+ \S+ \S+ (\S+) \S+ (\S+) ")

Stanza = dict[str, str]


@dataclass(frozen=True, order=True)
class Version:
    """One version of one package."""

    name: str
    version: str
    architecture: str


class Apt:
    """apt over `folder` (an empty scratch folder); `status` is the dpkg status file to resolve over."""

    def __init__(self, folder: Path, status: Path, etc: Path = Path("/etc/apt")) -> None:
        self._folder = folder
        # apt reads the file of APT_CONFIG, then what Dir::Etc has (the host's), then that of --config-file.
        self._environment = clean_environment(APT_CONFIG=str(folder / "first.conf"))
        (folder / "first.conf").write_text(f'Dir::Etc "{etc}";\n')
        self._configuration = folder / "apt.conf"
        for name in ("state", "lists/partial", "dpkg", "cache", "archives/partial", "log", "empty", "downloads"):
            (folder / name).mkdir(parents=True)
        # A copy: apt makes its lock beside the status file, and the base root is immutable.
        shutil.copyfile(status, folder / "dpkg" / "status")
        (folder / "preferences").write_text(_PREFERENCES)
        self._configuration.write_text(_CONFIGURATION.format(folder=folder, architecture=architecture()))

    def update(self, on_line: Callable[[str], None]) -> None:
        """Fetches the lists of all sources. Raises WallcloudError."""
        ran = self._run(("apt-get", "update"), on_line)
        must("apt could not fetch the lists of packages", "every source in /etc/apt must answer; then try again", ran)

    def closure(self, names: Iterable[str]) -> tuple[Version, ...]:
        """What installing `names` without Recommends would install on the base root. Raises WallcloudError."""
        lines: list[str] = []
        argv = ("apt-get", "--simulate", "--yes", "--no-install-recommends", "--no-remove", "install", *names)
        must(
            f"apt cannot resolve {' '.join(names)}",
            f"only packages from Debian's own {CODENAME} repositories count: are they in /etc/apt's sources?",
            self._run(argv, lines.append),
        )
        found = (_INST.match(line) for line in lines)
        return tuple(Version(*match.groups()) for match in found if match)

    def stanzas(self, versions: Iterable[Version]) -> dict[Version, Stanza]:
        """The repositories' own signed description of each version. Raises WallcloudError if one has none."""
        wanted = set(versions)
        lines: list[str] = []
        argv = ("apt-cache", "show", *sorted(f"{each.name}={each.version}" for each in wanted))
        must("apt does not know its own packages", "try again with --refresh", self._run(argv, lines.append))
        found: dict[Version, Stanza] = {}
        for stanza in stanzas_in("\n".join(lines)):
            version = Version(stanza["Package"], stanza["Version"], stanza["Architecture"])
            if version in wanted and "SHA256" in stanza:
                found.setdefault(version, stanza)
        if missing := sorted(wanted - found.keys()):
            raise WallcloudError(
                "Debian's lists have no SHA-256 for these packages",
                output=tuple(f"{each.name} {each.version}" for each in missing[:LAST_LINES]),
            )
        return found

    def download(self, versions: Iterable[Version], on_package: Callable[[str], None]) -> Iterator[Path]:
        """Fetches the packages; yields their files. `on_package` hears each name. Raises WallcloudError."""
        folder = self._folder / "downloads"

        def tell(line: str) -> None:
            if match := _GET.match(line):
                on_package(match[1])

        argv = ("apt-get", "download", *sorted(f"{each.name}={each.version}" for each in versions))
        ran = self._run(argv, tell, folder)
        must("apt could not download the packages", "if the mirror did not answer, try again", ran)
        yield from sorted(folder.glob("*.deb"))

    def _run(self, argv: tuple[str, ...], on_line: Callable[[str], None], cwd: Path | None = None) -> Ran:
        program, *rest = argv
        return stream(
            (program, f"--config-file={self._configuration}", *rest),
            on_line,
            env=self._environment,
            cwd=cwd or self._folder,
        )


def require_apt() -> None:
    """Raises WallcloudError where this computer has no apt."""
    if missing := [program for program in ("apt-get", "apt-cache", "dpkg") if shutil.which(program) is None]:
        raise WallcloudError(
            f"{', '.join(missing)} not found: the packages of the nodes come through Debian's apt",
            where="this computer",
            hint="run Wallcloud on Debian 12",
        )


def architecture() -> str:
    """dpkg's name of this computer's architecture, for example `amd64`."""
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


def sources(etc: Path = Path("/etc/apt")) -> tuple[Path, ...]:
    """The files that say where the host's apt fetches from (sources.list(5))."""
    parts = etc / "sources.list.d"
    files = (etc / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources")))
    return tuple(file for file in files if file.is_file())


def stanzas_in(text: str) -> Iterator[Stanza]:
    """Reads deb822 text (deb822(5)): stanzas of `Field: value`, continuation lines kept with their line breaks."""
    for block in re.split(r"\n\s*\n", text):
        stanza: Stanza = {}
        field = ""
        for line in block.splitlines():
            if line[:1] in {" ", "\t"} and field:
                stanza[field] += "\n" + line
            elif ":" in line:
                field, _, value = line.partition(":")
                stanza[field] = value.strip()
        if stanza:
            yield stanza
