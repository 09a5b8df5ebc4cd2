"""What was seen of each probe, from what the ears of every node heard. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wallcloud.verify.reach.matrix import DELIVERED, DROPPED, KEPT, Shot

Interfaces = Mapping[str, Mapping[str, frozenset[str]]]
"""Node → network → its interfaces on that wire."""
_LOOPBACK = "lo"
_ANSWERS = ("syn-ack", "reply")


class Note(NamedTuple):
    """That a packet of a probe was heard: `way` is in, out or inner, `interface` empty for the inner ear."""

    node: str
    kind: str
    way: str
    interface: str


Heard = Mapping[int, tuple[Note, ...]]
"""By the number of the probe."""


def gather(records: Mapping[str, Iterable[tuple[int, str, str, str]]]) -> Heard:
    """What the ears of each node told, by probe."""
    found: dict[int, dict[Note, None]] = defaultdict(dict)
    for node, heard in records.items():
        for number, kind, ear, _ in heard:
            way, _, interface = ear.partition(" ")
            found[number][Note(node, kind, way, interface)] = None
    return {number: tuple(notes) for number, notes in found.items()}


def outcome(shot: Shot, error: str, notes: tuple[Note, ...], interfaces: Interfaces) -> tuple[str, str]:
    """What became of it, and a detail. `error` is what met the sender."""
    strayed = _strayed(shot, notes, interfaces)
    if strayed:
        return "heard on another wire", ", ".join(strayed)
    if shot.outside:
        return _outside(shot, error, notes)
    inside = any(note.node == shot.lands and note.way == "inner" and note.kind == "probe" for note in notes)
    arrived = _arrived(shot, notes, interfaces)
    if shot.tunnel and (inside or arrived):
        return DELIVERED, ""
    if inside:
        return _inside(shot, notes)
    if shot.how == "as" and shot.sender in interfaces:
        return _of_account(shot, error, notes, arrived)
    if arrived:
        return DROPPED, ""
    return "never arrived", error


def _of_account(shot: Shot, error: str, notes: tuple[Note, ...], arrived: bool) -> tuple[str, str]:
    """The outer ear hears what leaves before the sending call returns: what it did not hear never left."""
    out = [note.interface for note in notes if note.node == shot.sender and note.way == "out" and note.kind == "probe"]
    if not out:
        return KEPT, error
    where = f"by {', '.join(sorted(set(out)))}"
    return ("left, and dropped there" if arrived else "left"), where


def _inside(shot: Shot, notes: tuple[Note, ...]) -> tuple[str, str]:
    answers = {note.kind for note in notes if note.node == shot.lands and note.way == "out" and note.kind != "probe"}
    if answers & {*_ANSWERS}:
        return DELIVERED, ""
    if answers:
        return "let in, nobody listens", ", ".join(sorted(answers))
    # UDP owes no answer.
    return (DELIVERED if shot.protocol == "udp" else "let in, unanswered"), ""


def _outside(shot: Shot, error: str, notes: tuple[Note, ...]) -> tuple[str, str]:
    own = [note for note in notes if note.node == shot.sender]
    if any(note.way == "in" and note.kind in _ANSWERS for note in own):
        return DELIVERED, ""
    out = sorted({note.interface for note in own if note.way == "out" and note.kind == "probe"})
    return ("left, unanswered", f"by {', '.join(out)}") if out else (KEPT, error)


def _arrived(shot: Shot, notes: tuple[Note, ...], interfaces: Interfaces) -> bool:
    """Heard coming in next to the wall that shall stop it; where no wire leads there, at whatever node it came by."""
    for note in notes:
        if note.kind == "probe" and note.way == "in" and note.interface != _LOOPBACK:
            if not shot.lands:
                return True
            if note.node == shot.lands and note.interface in interfaces[shot.lands].get(shot.network, ()):
                return True
    return False


def _strayed(shot: Shot, notes: tuple[Note, ...], interfaces: Interfaces) -> list[str]:
    """Interfaces that heard it and are not on its wire."""
    found = set()
    for note in notes:
        if note.kind != "probe" or note.way == "inner":
            continue
        if (
            shot.how == "as"
            and note.node == shot.sender
            and (shot.outside or not shot.network or shot.expected == KEPT)
        ):
            continue  # that it left is what is judged
        if not shot.network and note.way == "in" and shot.sender not in interfaces:
            continue  # a place's, by whatever wire its router chose
        if note.interface not in interfaces[note.node].get(shot.network, ()):
            found.add(f"{note.interface} of {note.node}")
    return sorted(found)
