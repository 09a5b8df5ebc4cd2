"""A restore's own questions: does the backup fit this site, and what would be lost by it; and the state folder."""

from __future__ import annotations

import json
from typing import Any

from wallcloud.deploy.backup_archive import STATE, Archive
from wallcloud.deploy.run import Summary
from wallcloud.deploy.state import StateFolder
from wallcloud.errors import WallcloudError
from wallcloud.site.load import Loaded

_SECRETS, _KEY = "secrets.json", "ca/key.pem"
_ISSUED = "issued.json"
"""Certificates that were signed: of both what is known is kept."""


def check_site(loaded: Loaded, archive: Archive) -> None:
    """Raises WallcloudError where the backup is not of this site, or the site is another than it can be loaded into."""
    manifest, site = archive.manifest, loaded.site
    if manifest.site != site.name:
        raise WallcloudError(
            f"the backup is of the site {manifest.site}, and {loaded.path} is {site.name}'s",
            where=str(archive.path),
            hint="--site names the site file; where there is none, the backup's own is used",
        )
    for key, was, now, why in (
        ("release", manifest.release, site.release, "the databases are that release's"),
        ("image_store: path", manifest.image_store, site.image_store.path, "the images' records say so"),
    ):
        if was != now:
            raise WallcloudError(
                f"the backup was made with `{key}: {was}`, and the site says {now}: {why}",
                where=str(loaded.path),
                hint=f"set `{key}: {was}`, restore, and change it then",
            )


def other_state(state: StateFolder, archive: Archive) -> tuple[str, ...]:
    """What of the state folder would be lost: files, and secrets by their names, that are not the backup's."""
    lost = []
    present = state.kept()
    for name, content in _state(archive).items():
        if name == _SECRETS:
            ours, theirs = _secrets(present.get(name)), _secrets(content)
            lost += [f"secret {each}" for each in ours if each in theirs and ours[each] != theirs[each]]
        elif name != _ISSUED and present.get(name, content) != content:
            lost.append(name)
    return tuple(sorted(lost))


def put_state(state: StateFolder, archive: Archive, *, replaces: bool) -> None:
    """The state folder as the backup has it. Secrets that came later stay, unless what is there is `replaced`."""
    present = state.kept()
    # The key last, as an apply makes them: without it there is no CA yet.
    for name, content in sorted(_state(archive).items(), key=lambda each: each[0] == _KEY):
        if name == _ISSUED or (name == _SECRETS and not replaces):
            both = {**_secrets(content), **_secrets(present.get(name))}
            content = json.dumps(both, indent=1, sort_keys=True).encode()  # noqa: PLW2901 - the same file, with more in it
        if present.get(name) != content:
            state.write(name, content, 0o644 if name == "ca/cert.pem" else 0o600)


def served(plan: Summary) -> tuple[str, ...]:
    """The databases that a plan of the restore finds in its way."""
    return tuple(
        name
        for outcome in plan.outcomes
        for event in outcome.changes
        if event["resource"]["kind"] == "restored-databases"
        for change in event["changes"]
        if change["property"] == "served"
        for name in change["before"] or ()
    )


def _state(archive: Archive) -> dict[str, bytes]:
    return {name: archive.text(STATE + name) for name in archive.under(STATE)}


def _secrets(content: bytes | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(content) if content else {}
    return found
