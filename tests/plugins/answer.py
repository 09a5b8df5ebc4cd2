"""A WSGI server's view of an application, and the requests that it gets."""

from collections.abc import Callable
from typing import Any


class Answer:
    """What a WSGI server saw: it sends nothing before `start` and checks the length as a server would."""

    def __init__(self, app: Any, environ: dict[str, Any]) -> None:
        self.starts: list[tuple[str, list[tuple[str, str]]]] = []
        self.written: list[bytes] = []
        body = app(environ, self._start)
        self.text = b"".join([*self.written, *body])
        if hasattr(body, "close"):
            body.close()
        assert len(self.starts) == 1, "start_response must be called once"
        self.status, headers = self.starts[0]
        self.headers = dict(headers)
        if "Content-Length" in self.headers and environ["REQUEST_METHOD"] != "HEAD":
            assert int(self.headers["Content-Length"]) == len(self.text)

    def _start(self, status: str, headers: list[tuple[str, str]], _exc: Any = None) -> Callable[[bytes], object]:
        self.starts.append((status, headers))
        return self.written.append


def request(door: str | None = "public", method: str = "GET", **more: str) -> dict[str, Any]:
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": "/v3/users", "REMOTE_ADDR": "192.0.2.1", **more}
    if door is not None:
        environ["WALLCLOUD_DOOR"] = door
    return environ
