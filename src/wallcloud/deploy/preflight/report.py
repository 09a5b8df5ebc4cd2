"""What a node answered: validated, since a node is not believed before it is known."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Distribution(_Told):
    """As /etc/os-release says."""

    id: str = ""
    version: str = ""


class Clock(_Told):
    """`unix`: seconds since 1970, as the node read them while it told its facts."""

    unix: float


class Interface(_Told):
    """One network interface."""

    mac: str
    mtu: int
    addresses: tuple[str, ...] = ()


class Host(_Told):
    """The facts that a preflight judges. None: the node could not read it."""

    distribution: Distribution | None = None
    architecture: str | None = None
    hostname: str | None = None
    virtualization: str | None = None
    """As systemd-detect-virt(1) says."""
    memory_mib: int | None = None
    kvm: bool | None = None
    kvm_reason: str | None = None
    clock: Clock | None = None
    interfaces: dict[str, Interface] | None = None


class Socket(_Told):
    """One that listens. `unit`: systemd's, empty where it is none's."""

    protocol: str
    address: str
    port: int
    program: str
    unit: str


class Heard(_Told):
    """What came from the wires and what stands on the disk; legs by their numbers."""

    links: dict[str, bool]
    refused: dict[int, str]
    heard: tuple[tuple[int, int, int], ...]
    """(leg here, leg that sent it, bytes)"""
    holders: tuple[tuple[int, str, str], ...]
    """(leg here, address, MAC)"""
    offers: tuple[tuple[int, str, str], ...]
    """(leg here, DHCP server, MAC)"""
    sockets: tuple[Socket, ...]
    free_mib: dict[str, int]
    apt: tuple[int, str] | None
    """(process id, program) that holds the package database"""
    settled: bool
    """Whether Wallcloud has been there before."""


class Report(_Told):
    """All of one node. `ahead`: seconds that its clock is ahead of the deployer's, as far as a session tells."""

    host: Host
    heard: Heard
    ahead: float | None

    @classmethod
    def of(cls, facts: dict[str, Any], heard: dict[str, Any], ahead: float | None) -> Report:
        """From the node's two events. Raises ValueError."""
        return cls(host=Host.model_validate(facts), heard=Heard.model_validate(heard), ahead=ahead)
