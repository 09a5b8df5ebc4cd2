"""Facts as the design and the catalog read them: what a node said of itself, or what is assumed before it was asked."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator


class _Facts(BaseModel):
    """What a node could not read of itself is None in its JSON: then the default is assumed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _assumed(cls, raw: Any) -> Any:
        return {name: value for name, value in raw.items() if value is not None} if isinstance(raw, dict) else raw


class InterfaceFacts(_Facts):
    """One network interface of a node."""

    mac: str = ""
    mtu: int = 1500
    up: bool = False
    carrier: bool = False
    addresses: tuple[str, ...] = ()


class Clock(_Facts):
    """Whether the node may set its clock: a container shares its host's."""

    adjustable: bool = True


class NodeFacts(_Facts):
    """What only a node knows and the design needs. `assumed` where the node was not asked yet."""

    cores: int = 2
    memory_mib: int = 8192
    virtualization: str = "none"
    kvm: bool = True
    ovs_kernel: bool = True
    clock: Clock = Clock()
    interfaces: dict[str, InterfaceFacts] = {}
    assumed: bool = False

    @classmethod
    def of(cls, raw: dict[str, Any] | None) -> NodeFacts:
        """Facts from a node's JSON, or the assumption of a small server where there are none. Raises ValueError."""
        if raw is None:
            return cls(assumed=True)
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            wrong = [f"{'.'.join(map(str, each['loc'])) or 'facts'}: {each['msg']}" for each in error.errors()]
            raise ValueError("\n".join(wrong)) from error
