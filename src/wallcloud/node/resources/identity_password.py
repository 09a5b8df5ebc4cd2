"""Whether a user's password is the one that the site holds: asked of Keystone, and remembered as a fact about a hash.

Keystone's bcrypt makes each such question cost 0.3 s. Its answer depends on nothing but the stored hash and the
password, so an answer "yes" is noted, and the hash itself is read anew each time: whoever changes the password changes
the hash. A plan notes nothing.
"""

from collections.abc import Mapping
from pathlib import Path

from wallcloud.node import notes
from wallcloud.node.resource import Context, ResourceFailed
from wallcloud.node.resources import mariadb_client
from wallcloud.node.resources.identity_client import Away, IdentityAccess, Refused, Session

NOTES = Path("/run/wallcloud/passwords")


def holds(ctx: Context, session: Session, user_id: str, password: str) -> bool:
    """Whether the user (enabled) can log in with `password`. One attempt at most, so no account is locked out."""
    return ctx.cached(f"identity password {user_id}", lambda: check(ctx, session, user_id, password))


def check(ctx: Context, session: Session, user_id: str, password: str) -> bool:
    """The same, asked now."""
    stored = _hashes(ctx, session.access).get(user_id, "")
    note = notes.digest(user_id.encode(), stored.encode(), password.encode()) if stored else ""
    if note and note in notes.known(NOTES):
        return True
    try:
        session.authenticate({"id": user_id}, password, {"unscoped": {}})
    except Refused:
        return False
    except Away:
        raise ResourceFailed("Keystone went away", tried="log in as a user", hint="apply again") from None
    if note and not ctx.planning:
        notes.remember(NOTES, note)
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
