"""The report for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from wallcloud.verify.expectation import Part, Seen

MOST = 20
"""Failures of one part that are shown one by one; of more, pairs of source and target are."""


def as_text(parts: Sequence[Part]) -> str:
    """What a terminal shows: each failure with what it means (or pairs, where many fail), then the sums."""
    lines: list[str] = []
    for part in parts:
        if len(part.failed) <= MOST:
            for seen in part.failed:
                lines += _one(seen)
        else:
            lines += _grouped(part)
    for part in parts:
        negative = sum(seen.probe.negative for seen in part.seen)
        met = len(part.seen) - len(part.failed)
        lines.append(
            f"{part.name}: {met} of {len(part.seen)} expectations hold, {negative} say what must not pass, "
            f"{part.seconds:.1f} s"
        )
    failed = sum(len(part.failed) for part in parts)
    if failed:
        lines.append(f"{failed} failed: the cloud is not as the site says. Next: wallcloud plan")
    else:
        lines.append("the cloud does what the site says, and nothing else of what was tried")
    return "\n".join(lines)


def _one(seen: Seen) -> list[str]:
    detail = f" ({seen.detail})" if seen.detail else ""
    lines = [
        f"FAILED {seen.probe.id}: expected {seen.probe.expected}, saw {seen.outcome}{detail}",
        f"    from {seen.probe.place}: {seen.probe.why}",
    ]
    if seen.probe.repeat:
        lines.append(f"    by hand: {seen.probe.repeat}")
    return lines


def _grouped(part: Part) -> list[str]:
    """The pairs with most failures first, each with its first failure; the whole list is in the other reports."""
    pairs: dict[tuple[str, str], list[Seen]] = {}
    for seen in part.failed:
        pairs.setdefault((seen.probe.source or seen.probe.place, seen.probe.target), []).append(seen)
    lines = []
    ordered = sorted(pairs.items(), key=lambda pair: -len(pair[1]))
    for (source, target), failed in ordered[:MOST]:
        where = f"from {source} to {target}" if target else f"from {source}"
        lines.append(f"FAILED {part.name}: {len(failed)} {where}, such as:")
        lines += [f"    {line}" for line in _one(failed[0])]
    if rest := ordered[MOST:]:
        count = sum(len(failed) for _, failed in rest)
        lines.append(f"FAILED {part.name}: {count} more between {len(rest)} other pairs")
    lines.append(f"    each of the {len(part.failed)}: wallcloud verify --part {part.name} --json FILE, or --html FILE")
    return lines
