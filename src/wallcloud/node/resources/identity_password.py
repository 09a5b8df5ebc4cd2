"""Whether a user's password is the one that the site holds: asked of Keystone, and remembered as a fact about a hash.

Keystone's bcrypt makes each such question cost 0.3 s. Its answer depends on nothing but the stored hash and the
password, so an answer "yes" is noted as sha256(hash, password) in /run/wallcloud/passwords, and the hash itself is read
anew each time: whoever changes the password changes the hash. Losing the notes costs time only. A plan writes none.
"""

import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from wallcloud.node.resource import Context, ResourceFailed
from wallcloud.node.resources import mariadb_client
from wallcloud.node.resources.identity_client import Away, IdentityAccess, Refused, Session

NOTES = Path("/run/wallcloud/passwords")
_WRITING = threading.Lock()


def holds(ctx: Context, session: Session, user_id: str, password: str) -> bool:
    """Whether the user (enabled) can log in with `password`. One attempt at most, so no account is locked out."""
    return ctx.cached(f"identity password {user_id}", lambda: check(ctx, session, user_id, password))


def check(ctx: Context, session: Session, user_id: str, password: str) -> bool:
    """The same, asked now."""
    stored = _hashes(ctx, session.access).get(user_id, "")
    note = hashlib.sha256(f"{user_id}\0{stored}\0{password}".encode()).hexdigest() if stored else ""
    if note and note in _notes():
        return True
    try:
        session.authenticate({"id": user_id}, password, {"unscoped": {}})
    except Refused:
        return False
    except Away:
        raise ResourceFailed("Keystone went away", tried="log in as a user", hint="apply again") from None
    if note and not ctx.planning:
        _remember(note)
    return True


def _hashes(ctx: Context, access: IdentityAccess) -> Mapping[str, str]:
    """User id → stored hashes; empty where Keystone's database is not on this node or not of that shape."""

    def ask() -> Mapping[str, str]:
        found: dict[str, str] = {}
        database = mariadb_client.identifier(access.database)
        query = (
            f"SELECT u.user_id, p.password_hash FROM {database}.local_user u"  # noqa: S608 - quoted
            f" JOIN {database}.password p ON p.local_user_id = u.id ORDER BY p.id"
        )
        try:
            for user_id, stored in mariadb_client.rows(mariadb_client.execute([query])):
                found[user_id] = found.get(user_id, "") + stored + "\n"
        except (ResourceFailed, ValueError):
            return {}
        return found

    return ctx.cached(f"identity hashes {access.database}", ask)


def _notes() -> frozenset[str]:
    try:
        return frozenset(NOTES.read_text().split())
    except OSError:
        return frozenset()


def _remember(note: str) -> None:
    NOTES.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    beside = NOTES.with_suffix(".new")
    with _WRITING:
        kept = sorted(_notes())[-1000:]
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("\n".join([*kept, note]) + "\n")
        beside.rename(NOTES)
