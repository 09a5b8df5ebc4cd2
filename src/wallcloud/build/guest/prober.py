"""The prober's line protocol (README.md): a line of words in, a line of JSON out."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

from . import frames, probes
from .about import About
from .ears import Ears

Answer = dict[str, object]
PORT = 7
_LONGEST = 8192
_PATIENCE = 60.0


class Words:
    """One request, taken apart: positional words and `key=value` options; each must be taken, or it is an error."""

    def __init__(self, line: str) -> None:
        words = line.split()
        self._given = [word for word in words if "=" not in word and word != "df"]
        self._options = dict(word.partition("=")[::2] for word in words if "=" in word)
        self._flag = "df" in words

    def next(self, what: str) -> str:
        """The next positional word. Raises ValueError."""
        if not self._given:
            raise ValueError(f"{what} is missing")
        return self._given.pop(0)

    def text(self, name: str, default: str = "") -> str:
        """An option as it is."""
        return self._options.pop(name, default)

    def whole(self, name: str, default: int) -> int:
        """An option that is a whole number. Raises ValueError."""
        return int(self._options.pop(name, default))

    def seconds(self, name: str, default: float) -> float:
        """An option in seconds. Raises ValueError."""
        return float(self._options.pop(name, default))

    def df(self) -> bool:
        """Whether `df` was said."""
        said, self._flag = self._flag, False
        return said

    def done(self) -> None:
        """Raises ValueError for what nobody took."""
        left = [*self._given, *(f"{name}=" for name in self._options), *(["df"] if self._flag else [])]
        if left:
            raise ValueError(f"not understood: {' '.join(left)}")


class Prober:
    """Answers requests; any number at a time."""

    def __init__(self, about: About) -> None:
        self._about = about
        self._ears = Ears()

    def serve(self, ends: socket.socket) -> None:
        """Answers one connection, line by line. Raises OSError when the client leaves."""
        with ends.makefile("rwb") as lines:
            while line := lines.readline(_LONGEST):
                lines.write(json.dumps(self.answer(line.decode(errors="replace"))).encode() + b"\n")
                lines.flush()

    def answer(self, line: str) -> Answer:
        """The answer to a request."""
        verb, _, rest = line.strip().partition(" ")
        if verb == "ask":
            return ask(rest)
        try:
            words = Words(rest)
            prepared = self._prepare(verb, words)
            words.done()
        except ValueError as error:
            return {"ok": False, "error": f"usage: {error}"}
        try:
            return prepared()
        except OSError as error:
            return {"ok": False, "error": error.strerror or str(error)}
        except (ValueError, KeyError) as error:
            return {"ok": False, "error": str(error)}

    def _prepare(self, verb: str, words: Words) -> Callable[[], Answer]:
        """Reads all words of a request, so that a wrong one is told before anything is sent."""
        if verb == "about":
            return self._about.whole
        if verb == "send":
            return _frame(words.next("what to send"), words)
        if verb in ("listen", "heard", "quiet"):
            return self._hearing(verb, words)
        return _probe(verb, words)

    def _hearing(self, verb: str, words: Words) -> Callable[[], Answer]:
        name = words.next("the listener's name")
        if verb == "listen":
            nic, tag, kind = words.text("nic", "eth0"), words.text("tag"), words.text("kind")
            source, mac = words.text("source"), words.text("mac")
            return lambda: self._ears.listen(name, nic, tag, kind, source, mac)
        if verb == "heard":
            least, wait = words.whole("min", 0), words.seconds("wait", 0)
            return lambda: self._ears.heard(name, least, wait)
        return lambda: self._ears.quiet(name)


def ask(rest: str) -> Answer:
    """Asks another guest's prober. A failure on the way there is told as such."""
    address, _, request = rest.strip().partition(" ")
    if not request:
        return {"ok": False, "error": "usage: ask ADDRESS verb …"}
    try:
        with socket.create_connection((address, PORT), 5) as ends, ends.makefile("rwb") as lines:
            ends.settimeout(_PATIENCE)
            lines.write(request.encode() + b"\n")
            lines.flush()
            found = lines.readline()
        answer = json.loads(found)
    except OSError as error:
        return {"ok": False, "error": f"prober of {address}: {probes.why(error)}", "asked": address}
    except ValueError:
        return {"ok": False, "error": f"prober of {address}: hung up", "asked": address}
    return {**answer, "asked": address}


def _probe(verb: str, words: Words) -> Callable[[], Answer]:
    if verb == "ping":
        address, df = words.next("the address"), words.df()
        size, count, wait = words.whole("size", 84), words.whole("count", 1), words.seconds("wait", 1)
        return lambda: probes.ping(address, size, df, count, wait)
    if verb == "tcp":
        address, port = words.next("the address"), int(words.next("the port"))
        wait, source = words.seconds("wait", 3), words.text("source")
        return lambda: probes.tcp(address, port, wait, source)
    if verb == "udp":
        address, port = words.next("the address"), int(words.next("the port"))
        wait, count = words.seconds("wait", 1), words.whole("count", 1)
        size, sport = words.whole("size", 32), words.whole("port", 0)
        return lambda: probes.udp(address, port, wait, count, size, sport)
    if verb == "http":
        address, port = words.next("the address"), words.whole("port", 80)
        path, wait = words.text("path", "/"), words.seconds("wait", 5)
        return lambda: probes.http(address, port, path, wait)
    if verb == "resolve":
        name, server, wait = words.next("the name"), words.next("the server"), words.seconds("wait", 2)
        return lambda: probes.resolve(name, server, wait)
    if verb == "arp":
        address, nic = words.next("the address"), words.text("nic", "eth0")
        wait, count = words.seconds("wait", 1), words.whole("count", 1)
        return lambda: probes.arp(address, nic, wait, count)
    raise ValueError(f"no such verb: {verb}")


def _frame(what: str, words: Words) -> Callable[[], Answer]:
    nic, count, mac = words.text("nic", "eth0"), words.whole("count", 1), words.text("mac")
    if what == "frame":
        text = words.next("the frame")
        return lambda: frames.frame(text, nic, count)
    if what == "arp":
        address, sender, to = words.next("the address"), words.text("sender"), words.text("to")
        op = words.text("op", "request")
        return lambda: frames.arp(address, nic, mac, sender, to, op, count)
    tag, source, to = words.text("tag"), words.text("source"), words.text("to")
    if what == "udp":
        address, port, sport = words.next("the address"), words.whole("port", 9), words.whole("sport", 40000)
        return lambda: frames.udp(address, nic, mac, source, to, tag, port, sport, count)
    if what == "dhcp-offer":
        client, offer = words.text("client"), words.text("offer")
        return lambda: frames.dhcp_offer(nic, mac, source, client, offer, tag, count)
    if what == "dhcp-discover":
        return lambda: frames.dhcp_discover(nic, mac, tag, count)
    if what == "ra":
        prefix = words.text("prefix", "2001:db8:bad::/64")
        return lambda: frames.router_advertisement(nic, mac, source, prefix, tag, count)
    if what == "rs":
        return lambda: frames.router_solicitation(nic, mac, source, tag, count)
    if what == "echo6":
        address = words.next("the address")
        return lambda: frames.echo6(address, nic, mac, source, to, tag, count)
    raise ValueError(f"cannot send {what}")
