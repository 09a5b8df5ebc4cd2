"""HTTPS to an API of OpenStack: verified, kept connections to a host, JSON both ways, files in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias
from urllib.parse import urlsplit

from wallcloud.frozen import frozen
from wallcloud.node.resource import ResourceFailed

if TYPE_CHECKING:  # ssl and http.client take 30 ms to import: only on the node that asks
    from http.client import HTTPSConnection

JSON: TypeAlias = Mapping[str, Any]
Body: TypeAlias = JSON | list[JSON] | Path | None
"""What is sent: JSON, or the bytes of a file."""
SECONDS = 60
AWAY = {404, 502, 503, 504}
"""What a front end answers while no service is behind it (a service's own answer carries JSON)."""


class Away(Exception):
    """Nothing answers there, or nothing that is the service, or one that is broken; the text says which."""


@frozen
class Answer:
    """Status, headers (small letters) and the decoded body ({} where it is no JSON object); `json` says which."""

    status: int
    headers: Mapping[str, str]
    body: JSON
    json: bool


@dataclass
class Client:
    """Connections to the host of `url` (its path does not matter), kept until they break. `ca` is a file.

    Threads may share a client: each takes a connection that nobody uses, or makes another.
    """

    url: str
    ca: str
    _idle: "list[HTTPSConnection]" = field(default_factory=list, repr=False)

    def send(
        self, method: str, url: str, body: Body = None, headers: Mapping[str, str] | None = None, token: str = ""
    ) -> Answer:
        """One request; `url` is whole and on this host. Raises Away, and ResourceFailed where the server is not whom
        the CA vouches for. A status is never an error here, unless it is a front end's (AWAY without JSON)."""
        from http.client import HTTPException  # noqa: PLC0415
        from ssl import SSLCertVerificationError  # noqa: PLC0415

        sent = {**(headers or {}), **({"X-Auth-Token": token} if token else {})}
        for again in (True, False):
            connection = self._kept() if again else None
            fresh = connection is None
            try:
                connection = connection or self._connect()
                answer = self._exchange(connection, method, url, body, sent)
                self._idle.append(connection)
                break
            except (HTTPException, ConnectionError) as error:
                # A kept connection that the server closed meanwhile: once more on a new one.
                if fresh:
                    raise Away(str(error)) from error
            except SSLCertVerificationError as error:
                raise ResourceFailed(
                    f"{urlsplit(self.url).hostname} shows a certificate that the site's CA does not vouch for",
                    tried=f"{method} {url.partition('?')[0]}",
                    output=(error.verify_message,),
                    hint=f"the CA is in {self.ca}",
                ) from error
            except OSError as error:  # no CA file, no such name, no route, too slow
                raise Away(str(error)) from error
        gone = method == "DELETE" and answer.status == 404  # Glance says so in HTML
        if answer.status in AWAY and not answer.json and not gone:
            raise Away(f"status {answer.status}")
        return answer

    def _exchange(
        self, connection: "HTTPSConnection", method: str, url: str, body: Body, headers: Mapping[str, str]
    ) -> Answer:
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
        if isinstance(body, Path):
            with body.open("rb") as file:
                connection.request(method, target, file, {**sent, **_length(file)})
        else:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, target, data, sent)
        with connection.getresponse() as response:
            text = response.read()
        try:
            decoded = json.loads(text)
        except ValueError:
            decoded = None
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, decoded if isinstance(decoded, dict) else {}, isinstance(decoded, dict))

    def _connect(self) -> "HTTPSConnection":
        from http.client import HTTPSConnection  # noqa: PLC0415
        from ssl import create_default_context  # noqa: PLC0415

        parts, trust = urlsplit(self.url), create_default_context(cafile=self.ca)
        return HTTPSConnection(parts.hostname or "", parts.port or 443, timeout=SECONDS, context=trust)

    def _kept(self) -> "HTTPSConnection | None":
        try:
            return self._idle.pop()
        except IndexError:
            return None


def _length(file: BinaryIO) -> dict[str, str]:
    import os  # noqa: PLC0415

    return {"Content-Length": str(os.fstat(file.fileno()).st_size), "Content-Type": "application/octet-stream"}
