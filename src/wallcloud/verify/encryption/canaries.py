"""The canaries: words of one run that every search must find where they are said in the clear, and nowhere else."""

from __future__ import annotations

import secrets

from wallcloud.frozen import frozen

NAME = "verify-canary"
"""The project, its user, and all that it makes."""
SECRET = ("password", "token", "next-token")
"""Which of them are secrets: these may stand nowhere."""


def word(kind: str) -> str:
    """144 random bits, with characters that are written in another way in a URL and in base64's two alphabets."""
    return f"{kind}+/?={secrets.token_urlsafe(18)}"


@frozen
class Canaries:
    """All of one run, by what carries them."""

    password: str
    """Of a tenant's user: to the doors and Keystone."""
    rpc: str
    """A port's description: by the bus to every agent on network and compute nodes."""
    sql: str
    """A server's metadata: by the bus to its compute, by SQL to nova-metadata on the network node."""
    planted: str
    """Laid where traces are looked for, so that the look proves to see."""
    token: str = ""
    next_token: str = ""

    def said(self) -> dict[str, str]:
        """What may cross no wire in the clear, by name; what is not known yet is not among it."""
        every = {
            "password": self.password,
            "token": self.token,
            "next-token": self.next_token,
            "rpc": self.rpc,
            "sql": self.sql,
        }
        return {name: text for name, text in every.items() if text}
