"""Open vSwitch's database as `ovs-vsctl --format=json` shows it (RFC 7047 section 5.1), asked once for all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from wallcloud.frozen import frozen
from wallcloud.node.resource import Context
from wallcloud.node.run import run

SOCKET = "/run/openvswitch/db.sock"
_TABLES = (
    ("Open_vSwitch", "_uuid,ovs_version"),
    ("Bridge", "name,datapath_type,fail_mode,ports,controller,other_config"),
    ("Port", "_uuid,name,interfaces,tag,trunks"),
    ("Interface", "_uuid,name,type,mtu_request,error"),
)
Row = Mapping[str, Any]


@frozen
class LivePort:
    """A port with one interface. `kind` is its interface's type ("" is a card); `error` why it could not be opened."""

    name: str
    kind: str
    mtu: int | None
    error: str


@frozen
class LiveBridge:
    """A bridge as the database has it. `fail_mode` "" where it is not set; `ports` without its own of the same name."""

    name: str
    datapath: str
    fail_mode: str
    ports: tuple[LivePort, ...]
    own: LivePort
    controllers: int
    other_config: Mapping[str, str]


def vsctl(*arguments: str) -> None:
    """One transaction, which ovs-vswitchd has carried out when this returns. Raises ResourceFailed."""
    run(("ovs-vsctl", "--timeout=30", *arguments), timeout=40)


def bridges(ctx: Context) -> Mapping[str, LiveBridge] | None:
    """Every bridge by name; None where no server answers."""
    return ctx.cached("ovs-bridges", _bridges)


def _bridges() -> Mapping[str, LiveBridge] | None:
    if not Path(SOCKET).exists():
        return None
    asked = [word for table, columns in _TABLES for word in ("--", f"--columns={columns}", "list", table)]
    done = run(("ovs-vsctl", "--timeout=10", "--no-wait", "--format=json", *asked[1:]), check=False)
    if not done.ok:
        return None
    answers = [_rows(json.loads(line)) for line in done.stdout.splitlines() if line.strip()]
    _, of_bridges, of_ports, of_interfaces = answers
    by_port = {str(row["_uuid"]): row for row in of_ports}
    by_interface = {str(row["_uuid"]): row for row in of_interfaces}
    return {str(row["name"]): _bridge(row, by_port, by_interface) for row in of_bridges}


def _bridge(row: Row, by_port: Mapping[str, Row], by_interface: Mapping[str, Row]) -> LiveBridge:
    name = str(row["name"])
    ports = [_port(by_port[each], by_interface) for each in _set(row["ports"]) if each in by_port]
    return LiveBridge(
        name=name,
        datapath=str(row["datapath_type"]) or "system",
        fail_mode=next(iter(_set(row["fail_mode"])), ""),
        ports=tuple(sorted((port for port in ports if port.name != name), key=lambda port: port.name)),
        own=next((port for port in ports if port.name == name), LivePort(name, "", None, "absent")),
        controllers=len(_set(row["controller"])),
        other_config=cast("Mapping[str, str]", row["other_config"]),
    )


def _port(row: Row, by_interface: Mapping[str, Row]) -> LivePort:
    faces = [by_interface[each] for each in _set(row["interfaces"]) if each in by_interface]
    first: Row = faces[0] if faces else {"type": "", "mtu_request": (), "error": ()}
    mtu = _set(first["mtu_request"])
    odd = [f"{what} {' '.join(_set(row[what]))}" for what in ("tag", "trunks") if _set(row[what])]
    wrong = [*_set(first["error"]), *(["a bond"] if len(faces) > 1 else []), *odd]
    return LivePort(str(row["name"]), str(first["type"]), int(mtu[0]) if mtu else None, ", ".join(wrong))


def _rows(answer: Mapping[str, Any]) -> list[Row]:
    return [dict(zip(answer["headings"], map(_value, row), strict=True)) for row in answer["data"]]


def _value(raw: Any) -> Any:
    """An OVSDB value: ["uuid", x] as its text, ["set", […]] as a tuple, ["map", [[k, v], …]] as a dictionary."""
    if not isinstance(raw, list):
        return raw
    kind, content = raw
    if kind == "set":
        return tuple(_value(each) for each in content)
    return {str(key): str(value) for key, value in content} if kind == "map" else content


def _set(value: Any) -> tuple[str, ...]:
    """A set of one is written as that one (RFC 7047)."""
    return tuple(str(each) for each in value) if isinstance(value, tuple) else (str(value),)
