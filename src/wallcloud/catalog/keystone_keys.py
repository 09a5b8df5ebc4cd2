"""Keystone's keys: for tokens (Fernet) and for credentials. The first ones, and a new Fernet key each week."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import seed
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import SANDBOX
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource

FERNET = "/var/lib/keystone/fernet-keys"
CREDENTIAL = "/var/lib/keystone/credential-keys"
TOKEN_KEYS, CREDENTIAL_KEYS = "keystone-token-keys", "keystone-credential-keys"
NAMES = (TOKEN_KEYS, CREDENTIAL_KEYS)
"""As `rotate` calls them."""
ACTIVE = 4
"""Fernet keys that are kept: one to come, one that signs, and two before it: one goes at the second change after it
was the first, so also where the week's change follows one by hand at once."""
EXPIRED_WINDOW = 172800
"""Seconds for which services still read a token that is over (`[token] allow_expired_window`, Keystone's default)."""
_OWNERS = ("--keystone-user", "keystone", "--keystone-group", "keystone")
_KINDS = (("fernet", FERNET), ("credential", CREDENTIAL))
_TIMER = """\
[Unit]
Description=Wallcloud: a new key for Keystone's tokens every week

[Timer]
OnCalendar=Sun *-*-* 03:00:00
RandomizedDelaySec=1h
Persistent=true

[Install]
WantedBy=timers.target
"""


def folders(place: Place) -> Iterator[Resource]:
    """Where keys of both kinds are, and in a restore the keys of the backup."""
    for what, path in _KINDS:
        restored = place.seed.keys_in(path) if place.seed else ()
        yield r.Directory(
            path=path,
            owner="keystone",
            group="keystone",
            mode=0o700,
            exclusive=bool(restored),
            component="keystone",
            reason=f"{what} keys are Keystone's alone",
        )
        for each in restored:
            yield r.File(
                path=each,
                content=(seed.key(each),),
                owner="keystone",
                group="keystone",
                mode=0o600,
                component="keystone",
                reason=f"a {what} key of the backup: what was made with it is read again",
            )


def first(place: Place, config: str) -> Iterator[Resource]:
    """The first keys of both kinds, made where they live."""
    for what, path in _KINDS:
        yield r.Task(
            task=f"keystone-{what}-keys",
            argv=(
                f"{place.environment}/bin/keystone-manage",
                *("--config-file", config, f"{what}_setup", *_OWNERS),
            ),
            account="keystone",
            # Key 0 is there in every state of a rotation; key 1 is gone after two.
            creates=f"{path}/0",
            component="keystone",
            reason=f"the first {what} keys, made where they live",
        )


def rotation(place: Place, config: str, lives: int) -> Iterator[Resource]:
    """A new Fernet key each week: a key is kept for a week after it was the first, far longer than any token lives.

    And new keys where `rotate` asks for them. `lives`: seconds for which a token is of use to anybody.
    """
    start = f"{place.environment}/bin/keystone-manage --config-file {config} fernet_rotate {' '.join(_OWNERS)}"
    text = "\n".join(
        [
            "[Unit]",
            "Description=Wallcloud: a new key for Keystone's tokens",
            "[Service]",
            "Type=oneshot",
            "User=keystone",
            "Group=keystone",
            f"ExecStart={start}",
            *(line for line in SANDBOX if not line.startswith(("RestrictAddressFamilies=", "UMask="))),
            "UMask=0077",
            f"ReadWritePaths={FERNET}",
            "PrivateNetwork=yes",
            "RestrictAddressFamilies=AF_UNIX",
            "",
        ]
    )
    why = "Keystone's token keys change every week"
    yield r.Unit(unit="wallcloud-keystone-rotate.service", text=text, component="keystone", reason=why)
    yield r.Unit(unit="wallcloud-keystone-rotate.timer", text=_TIMER, component="keystone", reason=why)
    for keys, folder, verbs, young in (
        (TOKEN_KEYS, FERNET, ("fernet_rotate",), lives),
        # What is kept is encrypted with the new key at once; before that with the last one, should that be undone.
        (CREDENTIAL_KEYS, CREDENTIAL, ("credential_migrate", "credential_rotate", "credential_migrate"), 0),
    ):
        if keys in place.rotation.keys:
            yield r.KeyRotation(
                keys=keys,
                folder=folder,
                since=place.rotation.keys[keys],
                young=young,
                commands=tuple(
                    (f"{place.environment}/bin/keystone-manage", "--config-file", config, verb, *_OWNERS)
                    for verb in verbs
                ),
                account="keystone",
                component="keystone",
                reason="a key that nobody has used before",
            )
