"""A certificate whose key is born on the node (openssl(1)); the request goes up, the signed certificate comes back.

What openssl tells of a certificate, its key and its CA follows from their bytes: it is noted (three programs for each
of dozens, by every plan), and the bytes are read anew each time. A plan notes nothing.
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node import files, notes, x509
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, SignRequest, State, Value, changed
from wallcloud.node.resources.file import File
from wallcloud.node.run import run

NOTES = Path("/run/wallcloud/certificates")
RENEWED = 2 / 3
"""After so much of its life an apply renews a certificate."""
BACKDATED = 300
"""Certificates begin so many seconds before they are made: nodes' clocks may be behind the deployer's."""


@frozen
class _Told:
    """What the certificate and its private key are, and whether the site's CA signed it."""

    found: x509.Found
    key: str
    issued: bool


@frozen(kw_only=True)
class Certificate(Resource):
    """Key (EC P-256), certificate and the CA's certificate, PEM, at three paths.

    `subject` is the common name, `names` DNS names and IP addresses, `use` of "server" and "client", `days` the life;
    renewed with a new key when two thirds are past, where it was made before `made_since` (seconds since 1970), or
    anything differs. `owner`, `group`: the key's, mode 0640. Where
    a File of the spec owns `ca_path`, its text is the CA that counts; else what came back with the certificate.
    """

    kind: ClassVar[str] = "certificate"
    name: str = ""
    key_path: str
    cert_path: str
    ca_path: str
    subject: str
    names: tuple[str, ...]
    use: tuple[str, ...]
    owner: str = "root"
    group: str = "root"
    days: int = 365
    made_since: int = 0

    def paths(self) -> tuple[str, ...]:
        return (self.key_path, self.cert_path, self.ca_path)

    def desired(self, ctx: Context) -> State:
        return {
            "key": "EC P-256, of the certificate",
            "subject": self.subject,
            "names": tuple(sorted(self.names)),
            "use": tuple(sorted(self.use)),
            "issuer": "the site's CA",
            "life": "good",
            "key owner": f"{self.owner}:{self.group} 0640",
            "certificate owner": "root:root 0644",
            **({} if self._ca_file(ctx) else {"CA owner": "root:root 0644"}),
        }

    def read(self, ctx: Context) -> State | None:
        if files.status(self.cert_path) is None and files.status(self.key_path) is None:
            return None
        state: dict[str, Value] = {
            "key owner": _owner(self.key_path),
            "certificate owner": _owner(self.cert_path),
            "CA owner": _owner(self.ca_path),
        }
        told = self._told(ctx)
        if told is None:
            return {**state, "key": "without a certificate"}
        return {
            **state,
            "key": told.key,
            "subject": told.found.subject,
            "names": tuple(told.found.names),
            "use": tuple(told.found.use),
            "issuer": "the site's CA" if told.issued else "another",
            "life": _life(told.found, time.time(), self.made_since),
        }

    def _told(self, ctx: Context) -> _Told | None:
        """What openssl says of the three; None where there is no certificate."""
        ca = self._ca(ctx)
        try:
            texts = (Path(self.cert_path).read_bytes(), Path(self.key_path).read_bytes(), ca.encode())
            # What a later version wants to know is another fact.
            asked = " ".join(each.name for each in (*fields(x509.Found), *fields(_Told)))
            fact = notes.digest(*texts, asked.encode())
        except OSError:
            fact = ""
        noted = notes.known(NOTES).get(fact)
        if noted is not None:
            said = json.loads(noted)
            return _Told(x509.Found(**said.pop("found")), **said)
        found = x509.read(self.cert_path)
        if found is None:
            return None
        told = _Told(found, self._key(found), x509.verified(self.cert_path, ca))
        if fact and not ctx.planning:
            notes.remember(NOTES, fact, json.dumps(asdict(told)))
        return told

    def _key(self, found: x509.Found) -> str:
        public = x509.public_key(self.key_path)
        if public is None:
            return "none"
        if not x509.is_p256(public):
            return "another kind"
        return "EC P-256, of the certificate" if public == found.public else "of another certificate"

    def _ca(self, ctx: Context) -> str:
        file = self._ca_file(ctx)
        if file is not None:
            return ctx.fill(file.content)
        try:
            return Path(self.ca_path).read_text()
        except OSError:
            return ""

    def _ca_file(self, ctx: Context) -> File | None:
        files_of_spec = (each for each in ctx.resources if isinstance(each, File))
        return next((each for each in files_of_spec if each.path == self.ca_path), None)

    def alters(self, changes: tuple[Change, ...]) -> tuple[str, ...]:
        if not _renews(changes):
            return ()
        return self.paths() if changed(changes, "issuer") else (self.key_path, self.cert_path)

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        if _renews(changes):
            self._renew(ctx)
        files.own(self.key_path, self.owner, self.group, 0o640)
        files.own(self.cert_path, "root", "root", 0o644)
        if self._ca_file(ctx) is None:
            files.own(self.ca_path, "root", "root", 0o644)

    def _renew(self, ctx: Context) -> None:
        """Makes a new key beside, has it signed, then renames key and certificate to their places."""
        beside = files.temporary(self.key_path)
        files.discard(beside)
        if not Path(beside).parent.is_dir():
            raise ResourceFailed(f"the directory of {self.key_path} does not exist", tried=f"make a key at {beside}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.close(descriptor)  # openssl keeps the mode of a file that is there
        try:
            run(("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", beside))
            csr = run(
                ("openssl", "req", "-new", "-key", beside, "-config", "/dev/stdin"),
                x509.request(self.subject, self.names, self.use),
            ).stdout
            signed = ctx.sign(SignRequest(self.name, csr, self.subject, self.names, self.use, self.days))
            files.own(beside, self.owner, self.group, 0o640)
            if self._ca_file(ctx) is None and (not _is_file(self.ca_path) or self._ca(ctx) != signed.ca):
                files.write(self.ca_path, signed.ca.encode(), "root", "root", 0o644)
            files.place(beside, self.key_path)
            files.write(self.cert_path, signed.pem.encode(), "root", "root", 0o644)
        finally:
            files.discard(beside)


def _renews(changes: tuple[Change, ...]) -> bool:
    """Whether more is wrong than owners and modes."""
    return any(not each.property.endswith(" owner") or " 0" not in str(each.before) for each in changes)


def _life(found: x509.Found, now: float, made_since: int) -> str:
    """ "good" in the first two thirds of it."""
    if now < found.since:
        return "not begun"
    if now > found.until:
        return "over"
    if found.since + BACKDATED < made_since:
        return "begun before the rotation"
    return "good" if now < found.since + (found.until - found.since) * RENEWED else "two thirds past"


def _is_file(path: str) -> bool:
    found = files.status(path)
    return found is not None and files.type_of(found, path) == "file"


def _owner(path: str) -> str:
    found = files.status(path)
    if found is None:
        return "absent"
    if files.type_of(found, path) != "file":
        return files.type_of(found, path)
    of: Mapping[str, str] = files.owner_of(found)
    return f"{of['owner']}:{of['group']} {of['mode']}"
