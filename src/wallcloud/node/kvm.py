"""Whether this node's KVM can run a guest: found by running one for a moment.

/dev/kvm alone says little: on a virtual machine without nested virtualization it may be there and emulate ordinary
64-bit kernels so slowly, or so incompletely, that QEMU starts and its guest never gets anywhere. The guest here is what
a kernel is made of, in 50 bytes: long mode with paging, CPUID, a new CR3, SSE2 (part of x86-64), an interrupt
through an IDT, two million rounds of a loop, and a sum that it tells us through a port. Hardware takes some
milliseconds; an emulating KVM was seen to refuse SSE, and to need three seconds for a million rounds.

It runs in a child that is killed when it takes too long. Nothing is written, no program is needed.
"""

import fcntl
import mmap
import os
import platform
import select
import signal
import struct
import time
from collections.abc import Callable
from contextlib import suppress

DEVICE = "/dev/kvm"
SECONDS = 1.0
ROUNDS = 2_000_000

# ioctl numbers of linux/kvm.h
_CREATE_VM, _VCPU_MMAP_SIZE, _CREATE_VCPU, _SET_TSS, _RUN = 0xAE01, 0xAE04, 0xAE41, 0xAE47, 0xAE80
_SET_MEMORY, _SUPPORTED_CPUID, _SET_CPUID = 0x4020AE46, 0xC008AE05, 0x4008AE90
_SET_REGS, _GET_SREGS, _SET_SREGS = 0x4090AE82, 0x8138AE83, 0x4138AE84
_EXIT_IO, _EXIT_INTERNAL = 2, 17

_GDT, _IDT, _STACK, _CODE, _SIZE = 0x4000, 0x5000, 0x7000, 0x8000, 0x200000
_TABLES = 0x1000
"""Where the page tables begin: one page for each of three levels, mapping the first 2 MiB to themselves."""
_PORT, _VECTOR = 0x80, 0x20
_PROGRAM = (
    "31c0 0fa2"  # xor %eax,%eax; cpuid
    "0f20d8 0f22d8"  # mov %cr3,%rax; mov %rax,%cr3
    "b801000000 660f6ec0"  # mov $1,%eax; movd %eax,%xmm0
    "660fd4c0 66480f7ec3"  # paddq %xmm0,%xmm0; movq %xmm0,%rbx       rbx = 2
    "cd20"  # int $0x20                                               rbx = 3
    "b9{rounds}"  # mov $ROUNDS,%ecx
    "4801cb ffc9 75f9"  # 1: add %rcx,%rbx; dec %ecx; jnz 1b
    "89d8 66ba8000 ef"  # mov %ebx,%eax; mov $0x80,%dx; out %eax,(%dx)
    "f4"  # hlt
)
_HANDLER = "48ffc3 48cf"  # inc %rbx; iretq


def program(rounds: int = ROUNDS) -> bytes:
    """The guest's code."""
    return bytes.fromhex(_PROGRAM.format(rounds=struct.pack("<I", rounds).hex()))


def expected(rounds: int = ROUNDS) -> int:
    """What the guest must have computed: 3 and the sum of 1 … `rounds`, in 32 bits."""
    return (3 + rounds * (rounds + 1) // 2) & 0xFFFFFFFF


def why_not(guest: Callable[[], str] | None = None, seconds: float = SECONDS) -> str:
    """Why this node's KVM is no use; empty if a guest ran. Takes `seconds` and a little at most; never raises OSError.

    `guest` runs in the child and says the reason; it is `run` unless a test has another.
    """
    if platform.machine() != "x86_64":
        return f"not tried: this probe knows no guest for {platform.machine()}"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # Nothing of this process's may run on in here, whatever happens.
        try:
            said = _said(guest or run)
            os.write(writing, said.encode(errors="replace")[:500] or b"+")
        finally:
            os._exit(0)
    os.close(writing)
    try:
        heard = os.read(reading, 512) if select.select([reading], [], [], seconds)[0] else None
    finally:
        os.close(reading)
        _end(child)
    if heard is None:
        return f"a guest of a few milliseconds did not end within {seconds:g} s"
    if not heard:
        return "the process that ran the guest died"
    return "" if heard == b"+" else heard.decode(errors="replace")


def _said(guest: Callable[[], str]) -> str:
    try:
        return guest()
    except OSError as error:
        return f"{error.filename or 'KVM'}: {error.strerror}"
    except Exception as error:
        return f"the probe failed: {error!r}"


def _end(child: int) -> None:
    """Kills and reaps it; one that the kernel cannot end is left to it."""
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    end = time.monotonic() + 0.5
    with suppress(ChildProcessError):
        while os.waitpid(child, os.WNOHANG)[0] == 0 and time.monotonic() < end:
            time.sleep(0.002)


def run(code: bytes | None = None, value: int | None = None) -> str:
    """Runs a guest in this process; why it did not answer `value`, or nothing. May hang. Raises OSError."""
    import ctypes  # noqa: PLC0415  (slow to load, and only the child needs it)

    kvm = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    vm = fcntl.ioctl(kvm, _CREATE_VM, 0)
    # Older Intel processors run the guest's start in a task of their own; fcntl takes no argument above 2^31.
    ctypes.CDLL(None).ioctl(vm, ctypes.c_ulong(_SET_TSS), ctypes.c_ulong(0xFFFBD000))
    memory = _memory(program() if code is None else code)
    where = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(vm, _SET_MEMORY, struct.pack("=IIQQQ", 0, 0, 0, len(memory), where))
    cpu = fcntl.ioctl(vm, _CREATE_VCPU, 0)
    shared = mmap.mmap(cpu, fcntl.ioctl(kvm, _VCPU_MMAP_SIZE, 0), mmap.MAP_SHARED)
    _registers(kvm, cpu)
    while True:
        with suppress(InterruptedError):
            fcntl.ioctl(cpu, _RUN, 0)
            break
    return _answer(shared, expected() if value is None else value)


def _memory(code: bytes) -> mmap.mmap:
    memory = mmap.mmap(-1, _SIZE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)

    def put(at: int, content: bytes) -> None:
        memory[at : at + len(content)] = content

    put(_TABLES, struct.pack("<Q", _TABLES + 0x1003))
    put(_TABLES + 0x1000, struct.pack("<Q", _TABLES + 0x2003))
    put(_TABLES + 0x2000, struct.pack("<Q", 0x83))  # present, writable, 2 MiB
    put(_GDT, struct.pack("<QQQ", 0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF))
    put(_CODE, code)
    handler = _CODE + len(code)
    put(handler, bytes.fromhex(_HANDLER))
    put(_IDT + 16 * _VECTOR, struct.pack("<HHBBHII", handler & 0xFFFF, 8, 0, 0x8E, handler >> 16, 0, 0))
    return memory


def _registers(kvm: int, cpu: int) -> None:
    """Long mode: the processor's features as this KVM has them, flat segments, our tables."""
    features = bytearray(8 + 40 * 256)
    struct.pack_into("=I", features, 0, 256)
    fcntl.ioctl(kvm, _SUPPORTED_CPUID, features)
    fcntl.ioctl(cpu, _SET_CPUID, features)
    special = bytearray(312)
    fcntl.ioctl(cpu, _GET_SREGS, special)
    # base, limit, selector, type, present, dpl, db, s, l, g
    code = struct.pack("<QIHBBBBBBBxxx", 0, 0xFFFFFFFF, 8, 11, 1, 0, 0, 1, 1, 1)
    data = struct.pack("<QIHBBBBBBBxxx", 0, 0xFFFFFFFF, 16, 3, 1, 0, 1, 1, 0, 1)
    special[0 : 24 * 6] = code + data * 5
    # After eight segments the GDT, the IDT, then CR0 (PG WP NE ET MP PE), CR2, CR3, CR4 (PAE, SSE), CR8, EFER (LMA LME)
    struct.pack_into("<QH6xQH6x", special, 192, _GDT, 23, _IDT, 16 * (_VECTOR + 1) - 1)
    struct.pack_into("<6Q", special, 224, 0x80010033, 0, _TABLES, 0x620, 0, 0x500)
    fcntl.ioctl(cpu, _SET_SREGS, bytes(special))
    general = [0] * 18  # rax, rbx, rcx, rdx, rsi, rdi, rsp, …, rip, rflags
    general[6], general[16], general[17] = _STACK, _CODE, 2
    fcntl.ioctl(cpu, _SET_REGS, struct.pack("<18Q", *general))


def _answer(shared: mmap.mmap, value: int) -> str:
    (reason,) = struct.unpack_from("=I", shared, 8)
    if reason == _EXIT_INTERNAL:
        return f"KVM cannot run a 64-bit guest (internal error {struct.unpack_from('=I', shared, 32)[0]})"
    if reason != _EXIT_IO:
        return f"KVM stopped a 64-bit guest (exit reason {reason})"
    _, size, port, _, offset = struct.unpack_from("=BBHIQ", shared, 32)
    told = int.from_bytes(shared[offset : offset + size], "little")
    return "" if (port, told) == (_PORT, value) else f"a guest computed {told} where {value} is right"
