"""Which certificates the CA takes back: those that a rotation replaced (CRL, RFC 5280 section 5).

issued.json holds {serial in hex: {name, made, until}} of every certificate that was signed and is not over, in seconds
since 1970. The list is signed anew only where more is to stand in it, so that an apply with nothing to do changes no
file. It is good for as long as the CA: a list that is too old would have servers refuse everybody.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from cryptography import x509

from wallcloud.catalog.rotation import EVERY, Rotation
from wallcloud.deploy.authority import Authority
from wallcloud.deploy.state import StateFolder
from wallcloud.node.resources.certificate import BACKDATED


def note(state: StateFolder, name: str, pem: str) -> None:
    """Remembers a certificate that was just signed under its name in the design."""
    made = x509.load_pem_x509_certificate(pem.encode())
    now = time.time()
    kept = {serial: each for serial, each in state.issued().items() if each["until"] > now}
    kept[f"{made.serial_number:x}"] = {
        "name": name,
        "made": int(made.not_valid_before_utc.timestamp()) + BACKDATED,
        "until": int(made.not_valid_after_utc.timestamp()),
    }
    state.keep_issued(kept)


def revoked(issued: Mapping[str, Mapping[str, Any]], before: Mapping[str, int]) -> frozenset[str]:
    """The serials of what was made before the moment that `before` has for its name, or for EVERY one."""
    return frozenset(
        serial
        for serial, each in issued.items()
        if each["made"] < max(before.get(EVERY, 0), before.get(str(each["name"]), 0))
    )


def refresh(state: StateFolder, authority: Authority, rotation: Rotation) -> None:
    """Has the list that servers are given hold every certificate that is replaced. One of another CA (a state folder
    was restored) is replaced: servers that cannot verify it refuse everybody."""
    wanted = revoked(state.issued(), rotation.replaced)
    path = state.revocation_list
    listed = authority.listed(path.read_bytes()) if path.exists() else None
    if listed is not None and wanted <= listed:
        return
    state.write(path.name, authority.revocation_list(int(serial, 16) for serial in sorted(wanted)).encode(), 0o644)
