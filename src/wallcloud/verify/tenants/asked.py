"""One request that an API must refuse or grant, and how its answer is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wallcloud.frozen import frozen
from wallcloud.verify.hands import Trouble
from wallcloud.verify.tenants.client import Client
from wallcloud.verify.tenants.ledger import Check, Outcome

Body = dict[str, Any] | None


@frozen
class Asked:
    """One request. `make` is called when it is tried: ids are not known before. What it makes is taken away at once."""

    id: str
    expected: int
    why: str
    method: str
    service: str
    make: Callable[[], tuple[str, Body]]
    negative: bool = True

    def check(self, place: str, client: Client) -> Check:
        """As an expectation that this client tries."""
        return Check(
            f"refused/{self.id}" if self.negative else f"granted/{self.id}",
            place,
            f"status {self.expected}",
            self.why,
            _status(client, self),
            negative=self.negative,
        )


def _status(client: Client, asked: Asked) -> Callable[[], Outcome]:
    def act() -> Outcome:
        path, body = asked.make()
        answer = client.request(asked.method, asked.service, path, body)
        if asked.method == "POST" and answer.status < 300 and isinstance(answer.body, dict) and "action" not in path:
            made = answer.body if "id" in answer.body else next(iter(answer.body.values()), {})
            if isinstance(made, dict) and "id" in made:
                client.gone(asked.service, f"{path}/{made['id']}")
        return f"status {answer.status}", answer.message if answer.status >= 400 else ""

    return act


def plain(path: str, body: Body = None) -> Callable[[], tuple[str, Body]]:
    """What to ask is known already."""
    return lambda: (path, body)


def late(path: Callable[[], str]) -> Callable[[], tuple[str, Body]]:
    """A path that is known when it is asked for."""
    return lambda: (path(), None)


def known(value: str | None) -> str:
    """Raises Trouble where there is none."""
    if not value:
        raise Trouble("what this is about was never made")
    return value


def id_of(thing: dict[str, Any] | None) -> str:
    """The id of what an API made. Raises Trouble where it never did."""
    return known(str(thing["id"]) if thing else None)


def subnet_of(flat: dict[str, Any] | None) -> str:
    """The first subnet of a network. Raises Trouble where it has none."""
    return known(str(flat["subnets"][0]) if flat and flat["subnets"] else None)
