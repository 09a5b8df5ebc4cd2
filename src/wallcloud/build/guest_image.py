"""The guest image: a test image of Debian's cloud kernel, busybox and a small Python program, in two files.

A kernel and an initramfs, which Nova boots through an image's properties `kernel_id` and `ramdisk_id`; the third file
is the disk that such an image must have, empty. `guest/README.md` says what the guest does and how it is asked.

Raw frames (spoofed ones, which the cloud must stop) need a program: Debian's python3.11-minimal with the few modules
that are really imported adds 4 MB and 0.5 s of boot under TCG, and needs no compiler.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from wallcloud.build import packages
from wallcloud.build.apt import architecture, require_apt, sources
from wallcloud.build.cache import Cache, Result, digest_of, key_of
from wallcloud.build.guest_archive import initramfs, take
from wallcloud.build.run import clean_environment
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.progress import Progress, step

RECIPE = 1
"""Version of how the image is made; counted up when that changes in a way that no file of `guest/` shows."""

MOST = 25_000_000
"""Bytes that kernel and initramfs may have together."""

COMMAND_LINE = "console=ttyS0 quiet panic=5 no_timer_check mitigations=off cryptomgr.notests=1 lsm="
"""For the image's property `os_command_line`. Nova's own works too; the console then shows the kernel's lines."""

MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"),
    *("failover", "net_failover", "virtio_net", "button", "evdev"),
)
_NAMES = ("busybox-static", "libc6", "libexpat1", "libpython3.11-minimal", "libpython3.11-stdlib")
_WANTED = ("linux-image-cloud-amd64", "python3.11-minimal", "zlib1g", *_NAMES)
# What the packages depend on and the guest does not need: said to be there, so that apt leaves it out.
_PRESENT = (
    *(
        "debconf",
        "gcc-12-base",
        "initramfs-tools",
        "kmod",
        "libbz2-1.0",
        "libcrypt1",
        "libdb5.3",
        "libffi8",
        "libgcc-s1",
    ),
    *("liblzma5", "libncursesw6", "libnsl2", "libreadline8", "libsqlite3-0", "libtinfo6", "libtirpc3", "libuuid1"),
    *("linux-base", "media-types"),
)
SOURCE = Path(__file__).parent / "guest"
_PYTHON = "lib/python3.11"
_LIBRARIES = "lib/x86_64-linux-gnu"
_LOADER = f"{_LIBRARIES}/ld-linux-x86-64.so.2"
_DISK = b"Wallcloud's guest: this disk is empty, the guest boots from its kernel and ramdisk.\n".ljust(1 << 20, b"\0")

# Run by the guest's own interpreter: imports the program, then compiles what that loaded. Prints path, size, bytecode.
_COMPILE = """
import sys
import encodings.ascii, encodings.idna, encodings.latin_1, encodings.utf_8
import guest.main
loaded = sorted((name, module.__file__) for name, module in sys.modules.items() if getattr(module, "__file__", None))
import importlib._bootstrap_external as loader, _imp
root = sys.prefix
for name, path in loaded:
    with open(path, "rb") as file:
        source = file.read()
    shown = "/usr" + path[len(root):]
    code = compile(source, shown, "exec", dont_inherit=True, optimize=2)
    data = loader._code_to_hash_pyc(code, _imp.source_hash(loader._RAW_MAGIC_NUMBER, source), False)
    sys.stdout.buffer.write(f"{path[len(root) + 1:]}c {len(data)}\\n".encode() + data)
"""


@frozen
class Guest:
    """Digests of the blobs, and their sizes in bytes."""

    kernel: str
    ramdisk: str
    disk: str
    kernel_size: int
    ramdisk_size: int
    disk_size: int


def key() -> str:
    """The cache's key of the image: its recipe, its own files, this computer's architecture and apt sources."""
    own = {path.name: digest_of(path) for path in sorted(SOURCE.iterdir()) if path.suffix in {".py", ".sh"}}
    return key_of("guest", RECIPE, own, _WANTED, MODULES, architecture(), [digest_of(file) for file in sources()])


def build(cache: Cache, progress: Progress, *, refresh: bool = False) -> Guest:
    """The image; made (packages 33 MB, then some 5 s) if the cache has it not. Raises WallcloudError."""
    found = None if refresh else built(cache)
    if found is not None:
        return found
    require_apt()
    if architecture() != "amd64":
        raise WallcloudError(
            f"the guest image is made for amd64 only, and this computer is {architecture()}", where="this computer"
        )
    with cache.lock(key()):
        if not refresh and (found := built(cache)) is not None:
            return found
        pool = _pool(cache, progress, refresh)
        with step(progress, "guest image"), cache.scratch() as folder:
            debs = {each.name: cache.blob(each.digest) for each in pool.packages}
            kernel, ramdisk = _made(debs, folder)
            if (size := len(kernel) + len(ramdisk)) > MOST:
                raise WallcloudError(f"the guest image became {size / 1e6:.1f} MB; at most {MOST / 1e6:.0f} are fine")
            cache.record(
                key(),
                Result(cache.add_bytes(kernel), (cache.add_bytes(ramdisk), cache.add_bytes(_DISK))),
            )
    made = built(cache)
    if made is None:
        raise WallcloudError("the guest image left the cache as soon as it was made", where=str(cache.path))
    return made


def built(cache: Cache) -> Guest | None:
    """What `build` made last, or None where something of it is missing."""
    found = cache.result(key())
    if found is None:
        return None
    ramdisk, disk = found.needs
    kernel_size, ramdisk_size, disk_size = (cache.blob(each).stat().st_size for each in (found.digest, ramdisk, disk))
    return Guest(found.digest, ramdisk, disk, kernel_size, ramdisk_size, disk_size)


def _pool(cache: Cache, progress: Progress, refresh: bool) -> packages.Pool:
    """Debian's packages, by way of the same pool as the nodes'."""
    with cache.scratch() as folder:
        status = folder / "status"
        status.write_text(
            "\n".join(
                f"Package: {name}\nStatus: install ok installed\nArchitecture: {architecture()}\nVersion: 9999\n"
                "Maintainer: nobody\nDescription: not needed in the guest\n"
                for name in _PRESENT
            )
        )
        return packages.build(cache, {"guest": _WANTED}, progress, status=status, refresh=refresh)


def _made(debs: dict[str, Path], folder: Path) -> tuple[bytes, bytes]:
    """Kernel and initramfs out of the packages (name -> file). `folder` is for work."""
    image = next((name for name in debs if re.fullmatch(r"linux-image-\d.*-cloud-amd64", name)), "")
    if lacking := sorted({*_NAMES, "python3.11-minimal", "zlib1g"} - debs.keys()) or ([] if image else ["a kernel"]):
        raise WallcloudError(f"the guest image lacks packages: {', '.join(lacking)}", hint="try again with --refresh")
    kernel_files = take(debs[image], _of_kernel)
    kernel = kernel_files.pop("kernel")
    if lacking := sorted(set(MODULES) - {Path(name).stem for name in kernel_files}):
        raise WallcloudError(f"{image} has no module {', '.join(lacking)}", hint="has a driver moved into the kernel?")
    shared = {
        name: content
        for each in ("libc6", "libexpat1", "zlib1g")
        for name, content in take(debs[each], _of_library).items()
    }
    shared |= take(debs["busybox-static"], lambda path: path if path == "bin/busybox" else None)
    shared |= take(debs["python3.11-minimal"], lambda path: "bin/python3.11" if path == "usr/bin/python3.11" else None)
    library = {
        name: content
        for each in ("libpython3.11-minimal", "libpython3.11-stdlib")
        for name, content in take(debs[each], _of_python).items()
    }
    programs = {f"usr/{name}": content for name, content in _compiled(shared, library, folder).items()}
    scripts = {
        "init": "init.sh",
        "lib/guest/dhcp.sh": "dhcp.sh",
        "bin/probe": "probe.sh",
        "etc/acpi/PWRF/00000080": "power.sh",
    }
    files = {name: (content, 0o644) for name, content in {**kernel_files, **programs}.items()}
    files |= {name: (content, 0o755) for name, content in shared.items()}
    files |= {name: ((SOURCE / script).read_bytes(), 0o755) for name, script in scripts.items()}
    listed = subprocess.run([folder / "bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout
    links = {f"bin/{name}": "busybox" for name in listed.split() if name != "busybox"}
    links["lib64"] = _LIBRARIES
    return kernel, initramfs(files, links, ("dev", "etc", "proc", "run", "sys", "tmp"))


def _compiled(shared: dict[str, bytes], library: dict[str, bytes], folder: Path) -> dict[str, bytes]:
    """The bytecode of our program and of those modules of Python's library that it imports (path under usr -> content).

    The interpreter that runs in the guest does it, so that the two agree whatever Python this is.
    """
    own = {f"{_PYTHON}/guest/{path.name}": path.read_bytes() for path in SOURCE.glob("*.py")}
    placed = {**shared, **{f"usr/{name}": content for name, content in {**library, **own}.items()}}
    for name, content in placed.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for name in ("bin/python3.11", "bin/busybox", _LOADER):
        (folder / name).chmod(0o755)
    argv = (folder / _LOADER, "--library-path", folder / _LIBRARIES, folder / "bin/python3.11", "-B", "-S", "-s")
    environment = clean_environment(PYTHONHOME=str(folder / "usr"), PYTHONHASHSEED="0")
    ran = subprocess.run([*argv, "-c", _COMPILE], capture_output=True, env=environment, check=False)
    if ran.returncode:
        raise WallcloudError(
            "the guest's program could not be compiled", output=tuple(ran.stderr.decode(errors="replace").splitlines())
        )
    found: dict[str, bytes] = {}
    rest = ran.stdout
    while rest:
        head, _, rest = rest.partition(b"\n")
        name, _, size = head.decode().rpartition(" ")
        found[name], rest = rest[: int(size)], rest[int(size) :]
    return found


def _of_kernel(path: str) -> str | None:
    if path.startswith("boot/vmlinuz-"):
        return "kernel"
    module = re.fullmatch(r"(?:usr/)?lib/modules/.*/([^/]+)\.ko", path)
    return f"lib/modules/{module[1]}.ko" if module and module[1] in MODULES else None


def _of_library(path: str) -> str | None:
    name = path.rpartition("/")[2]
    return f"{_LIBRARIES}/{name}" if name in _SHARED and f"{_LIBRARIES}/" in path else None


def _of_python(path: str) -> str | None:
    return path.removeprefix("usr/") if path.startswith(f"usr/{_PYTHON}/") and path.endswith(".py") else None


_SHARED = frozenset({"ld-linux-x86-64.so.2", "libc.so.6", "libexpat.so.1", "libm.so.6", "libz.so.1"})
