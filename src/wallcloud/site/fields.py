"""The small types of a site: texts with a shape, addresses, pools, choices. Each refuses with a hint."""

import difflib
import re
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, NetmaskValueError
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from wallcloud.frozen import frozen

OptionScalar = str | int | float | bool
OptionValue = OptionScalar | tuple[OptionScalar, ...]


def refuse(text: str, hint: str = "") -> PydanticCustomError:
    """An error that `explain` shows as it is."""
    return PydanticCustomError("refused", "{text}", {"text": text, "hint": hint})


def short(value: object) -> str:
    """A value as it may stand in a message: one line, at most some 60 characters."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    text = text if text.isprintable() else ascii(text)[1:-1]
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"'


def bare(value: object) -> str:
    """As `short`, for texts without the quotes around them."""
    return short(value).removeprefix('"').removesuffix('"')


def nearest(word: str, known: list[str]) -> str:
    """The known word that was probably meant, or an empty text. Case does not matter, nor `_` for `-`."""
    plain = {name.lower().replace("_", "-"): name for name in reversed(known)}
    found = difflib.get_close_matches(word[:64].lower().replace("_", "-"), list(plain), n=1, cutoff=0.6)
    return plain[found[0]] if found else ""


@frozen
class Pool:
    """A closed range of IPv4 addresses that Neutron hands out, both ends included. Written `FIRST-LAST`."""

    first: IPv4Address
    last: IPv4Address

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def __contains__(self, address: object) -> bool:
        return isinstance(address, IPv4Address) and self.first <= address <= self.last

    def __len__(self) -> int:
        return int(self.last) - int(self.first) + 1


@frozen
class Matches:
    """Annotation of a text: the whole of it matches `pattern`, has at most `longest` characters."""

    pattern: str
    hint: str
    longest: int = 255

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}

    def _check(self, value: str) -> str:
        if len(value) > self.longest:
            raise refuse(f"{short(value)} is longer than {self.longest} characters", self.hint)
        if not re.fullmatch(self.pattern, value, re.ASCII):
            usual = re.sub(r"[ _]+", "-", value.strip().lower())
            meant = f'; did you mean "{usual}"?' if re.fullmatch(self.pattern, usual, re.ASCII) else ""
            raise refuse(f"{short(value)} is not allowed here", self.hint + meant)
        return value


def choose(kind: type[StrEnum], what: str, value: object) -> object:
    """A text as a member of `kind`; members pass. `what` is what a member is called: "role"."""
    if isinstance(value, kind):
        return value
    known = [member.value for member in kind]
    if isinstance(value, str) and value in known:
        return kind(value)
    meant = nearest(value, known) if isinstance(value, str) else ""
    hint = f'did you mean "{meant}"?' if meant else f"one of {', '.join(known)}"
    raise refuse(f"{short(value)} is no {what}", hint)


def address4(value: object) -> object:
    """An IPv4 address from its text."""
    if isinstance(value, IPv4Address):
        return value
    if isinstance(value, str):
        if "/" in value:
            raise refuse(
                f"{short(value)} is not an address alone", f"leave out the prefix length: {bare(value.split('/')[0])}"
            )
        try:
            return IPv4Address(value)
        except AddressValueError as error:
            named = any(character.isalpha() for character in value) and ":" not in value
            form = "an address, not a name" if named else "four numbers from 0 to 255, without leading zeros"
            hint = f"write {form}: 198.18.10.1"
            raise refuse(f"{short(value)} is no IPv4 address", hint) from error
    raise refuse(f"must be an IPv4 address, not {short(value)}", "write it like 198.18.10.1")


def network4(value: object) -> object:
    """An IPv4 network from `ADDRESS/LENGTH`, refusing host bits and masks."""
    if isinstance(value, IPv4Network):
        return value
    if not isinstance(value, str):
        raise refuse(f"must be an IPv4 network, not {short(value)}", "write it like 198.18.10.0/24")
    try:
        network = IPv4Network(value, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        hint = "write it like 198.18.10.0/24"
        if ":" in value:
            hint += "; the IPv6 network of a site's network is its cidr6"
        elif isinstance(error, NetmaskValueError):
            hint = "a prefix length is a number from 0 to 32; 24 is usual"
        raise refuse(f"{short(value)} is no IPv4 network", hint) from error
    return _plain(value, network)


def address6(value: object) -> object:
    """An IPv6 address from its text, without a zone."""
    if isinstance(value, IPv6Address):
        return value
    try:
        if isinstance(value, str) and "%" not in value:
            return IPv6Address(value)
    except AddressValueError:
        pass
    raise refuse(f"{short(value)} is no IPv6 address", "write it like fd00:0:0:10::1, without prefix length or zone")


def network6(value: object) -> object:
    """An IPv6 network from `ADDRESS/LENGTH`, refusing host bits."""
    if isinstance(value, IPv6Network):
        return value
    try:
        # A zone (%eth0) is part of no network; an empty text is refused like any other.
        network = IPv6Network(value if isinstance(value, str) and "%" not in value else "", strict=False)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise refuse(f"{short(value)} is no IPv6 network", "write it like fd00:0:0:10::/64") from error
    return _plain(str(value), network)


def _plain(value: str, network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    address, slash, length = value.partition("/")
    if not slash:
        # The default length is that of one host; the usual one says more.
        usual = 24 if network.version == 4 else 64
        example = network.supernet(new_prefix=usual)
        host = "" if example.network_address == network.network_address else f", a single host like {network}"
        hint = f"a network is written like {example}{host}"
        raise refuse(f"{short(value)} has no prefix length", hint)
    if not (length.isascii() and length.isdigit()):
        raise refuse(f"{short(value)} has a mask where the prefix length belongs", f"write {network}")
    if type(network.network_address)(address) != network.network_address:
        text = f"{short(value)} has host bits set: it is an address in a network, not a network"
        raise refuse(text, f"the network is {network}")
    return network


def pool(value: object) -> object:
    """A pool from `FIRST-LAST`."""
    if isinstance(value, Pool):
        return value
    hint = "write the first and the last address: 198.18.41.10-198.18.41.250"
    if not isinstance(value, str):
        raise refuse(f"must be a range of addresses, not {short(value)}", hint)
    first, dash, last = (part.strip() for part in value.partition("-"))
    try:
        ends = IPv4Address(first), IPv4Address(last)
    except AddressValueError as error:
        if last.isascii() and last.isdigit() and len(last) <= 3:
            hint = f"write the last address whole: {first}-{first.rpartition('.')[0]}.{last}"
        text = "is no range of addresses" if dash or "/" in value else "has no end"
        raise refuse(f"{short(value)} {text}", hint) from error
    if ends[0] > ends[1]:
        raise refuse(f"{short(value)} ends before it begins", f"write {ends[1]}-{ends[0]}")
    return Pool(*ends)


def path_text(value: str) -> str:
    """A path on this computer: not empty, printable, no `~`, which nobody would expand."""
    if not value or not value.isprintable():
        raise refuse(f"{short(value)} is no path", "write it relative to the site file, or absolute")
    if value.startswith("~"):
        raise refuse(f"{short(value)}: ~ is not expanded here", "write the path relative to the site file, or absolute")
    return value


def workers(value: object) -> object:
    """A number of worker processes, or `auto`."""
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 64):
        return value
    raise refuse(f"{short(value)} is no number of workers", "write auto, or a whole number from 1 to 64")


def option_value(value: object) -> object:
    """The value of an option as oslo.config has them: a scalar or a list of scalars, on one line each."""
    if isinstance(value, list | tuple):
        return tuple(_option_scalar(item) for item in value)
    return _option_scalar(value)


def _option_scalar(value: object) -> OptionScalar:
    if value is None:
        raise refuse("an option needs a value", "leave the line out to keep the value that Wallcloud sets")
    if not isinstance(value, str | int | float | bool):
        text = f"an option's value is text, a number, true, false or a list of these, not {short(value)}"
        raise refuse(text, "options are written as component: {group: {option: value}}")
    if isinstance(value, str) and not value.isprintable():
        raise refuse("an option's value holds a line break or a control character", "write it on one line")
    return value


Workers = int | Literal["auto"]
option_schema: JsonSchemaValue = {
    "anyOf": [
        {"type": ["string", "number", "boolean"]},
        {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
    ]
}
