"""What runs on a node: one request in, events out. The loader (deploy) has read this program from stdin before."""

import gc
import os
import signal
import sys
from typing import Any, BinaryIO

from wallcloud.node.session import Session


def main() -> None:
    """Serves one session on stdin and the original stdout; whatever else prints goes to stderr. Exits."""
    gc.set_threshold(50_000)  # a session makes many objects and few cycles
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.umask(0o022)
    status = serve(sys.stdin.buffer, events)
    try:
        events.flush()
    except OSError:
        status = status or 1
    os._exit(status)  # the reader thread may sit in read(2) for ever


def serve(source: BinaryIO, events: BinaryIO) -> int:
    """One session. Returns the exit status: 0 fine, 1 failed, 3 cancelled, 4 locked."""
    session = Session(source, events)
    try:
        request = session.request()
        if request is not None and request.get("op") == "facts":
            _facts(session)
            # The deployer compiles with the facts, then plans or applies in the same session: one round trip.
            request = session.request()
        if request is not None and request.get("op") == "preflight":
            from wallcloud.node.preflight.exchange import preflight  # noqa: PLC0415

            if not preflight(request, session):
                return 3
            request = session.request()
        if request is None:
            return 0
        if request.get("op") == "backup":
            from wallcloud.node.backup import backup  # noqa: PLC0415

            return backup(request, session)
        if request.get("op") == "status":
            from wallcloud.node.status.answer import status  # noqa: PLC0415

            return status(request, session)
        if request.get("op") == "bundle":
            from wallcloud.node.bundle import bundle  # noqa: PLC0415

            return bundle(request, session)
        if request.get("op") in {"plan", "apply"}:
            return _converge(request, session)
        raise ValueError(f"no such request: {request.get('op')}")
    except ValueError as error:
        _broken(session, str(error))
        return 1


def _facts(session: Session) -> None:
    from wallcloud.node.facts import facts  # noqa: PLC0415 - a plan needs none of it

    session.emit("facts", facts=facts())
    _load()  # while the deployer compiles with them


def _load() -> None:
    """Everything that a plan needs."""
    import wallcloud.node.converge  # noqa: PLC0415
    import wallcloud.node.resources  # noqa: PLC0415, F401 - fills the registry


def _converge(request: dict[str, Any], session: Session) -> int:
    _load()
    from wallcloud.node.converge import converge  # noqa: PLC0415
    from wallcloud.node.lock import Lock  # noqa: PLC0415
    from wallcloud.node.spec import from_json  # noqa: PLC0415

    planning = request["op"] == "plan"
    spec = from_json(request["spec"])
    secrets = request.get("secrets") or {}
    if not planning:
        lock = Lock(str(request.get("operator", "")))
        holder = lock.take()
        if holder is not None:
            session.emit("locked", holder=holder)
            return 4
        session.listen(lock.stopping, request.get("silence"))
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda *_: session.stop("cancelled"))
    outcome = converge(spec, secrets, session, planning=planning)
    if outcome == "ok" and not planning:
        session.forget_blobs()
    return {"ok": 0, "failed": 1}.get(outcome, 3)


def _broken(session: Session, why: str) -> None:
    session.emit(
        "failed",
        index=-1,
        resource={"kind": "session", "name": "", "component": ""},
        what=why,
        tried="read the request",
        output=[],
        hint="do both ends run the same version of Wallcloud?",
    )
    session.emit("finished", outcome="failed", applied=0, unchanged=0, planned=0, seconds=0.0)


if __name__ == "__main__":
    main()
