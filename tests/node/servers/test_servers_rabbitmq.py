"""What RabbitMQ says is read exactly, and no name can end an Erlang literal."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.bare import Bare

from wallcloud.node.resource import ResourceFailed
from wallcloud.node.resources import rabbitmq_client as client
from wallcloud.node.resources.rabbitmq import BusAccount, BusVhost, ExclusiveBusAccounts
from wallcloud.node.run import Output

FRESH = {
    "running": True,
    "vhosts": ["/"],
    "parameters": [],
    "users": [{"user": "guest", "tags": ["administrator"], "limits": [], "password": True}],
    "permissions": [{"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
    "topics": [],
}


def answer(monkeypatch: pytest.MonkeyPatch, kind: str, text: str) -> None:
    said = f"{kind} {base64.b64encode(text.encode()).decode()}"
    monkeypatch.setattr(client, "run", lambda *_, **__: Output(0, said, ""))


def test_a_fresh_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "ok", json.dumps(FRESH))
    spec = Bare(BusVhost(vhost="nova"), BusAccount(account="nova", vhost="nova"))
    assert ExclusiveBusAccounts().read(spec) == {"strangers": ("guest",), "vhosts": ("/",)}
    assert ExclusiveBusAccounts(keep=("guest",), vhosts=("/",)).compare(spec) == ()
    assert BusVhost(vhost="nova").read(spec) is None
    assert BusVhost(vhost="/").compare(spec) == ()
    changes = BusAccount(account="guest", vhost="nova").compare(spec)
    assert {each.property: each.before for each in changes} == {
        "configure": None,
        "write": None,
        "read": None,
        "elsewhere": ("/",),
        "tags": ("administrator",),
        "password": True,
    }


@pytest.mark.parametrize(
    "said",
    [
        Output(127, "", "erl_call: not found"),
        Output(1, "", 'erl_call: failed to connect to node with address "127.0.0.1:25672"'),
        Output(1, "", "<ERROR> get_cookie: can't open cookie file"),
        Output(0, "", ""),
    ],
)
def test_no_broker_is_absent(monkeypatch: pytest.MonkeyPatch, said: Output) -> None:
    monkeypatch.setattr(client, "run", lambda *_, **__: said)
    assert BusVhost(vhost="nova").read(Bare()) is None
    with pytest.raises(ResourceFailed) as failed:
        BusVhost(vhost="nova").apply(Bare(), ())
    assert failed.value.what == "RabbitMQ does not answer"
    assert failed.value.hint == "is wallcloud-rabbitmq.service running?"


def test_a_broker_that_is_coming_up_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "ok", '{"running": false}')
    assert BusVhost(vhost="nova").read(Bare()) is None


def test_erlang_errors_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "error", "error:undef")
    with pytest.raises(ResourceFailed) as failed:
        client.act("nonsense:f()")
    assert (failed.value.what, failed.value.output) == ("RabbitMQ refused", ("error:undef",))
    assert failed.value.tried == "begin ok = nonsense:f(), true end"


def test_the_expression_ends_as_erlang_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full stop counts only before white space; without it erl_call says nothing at all."""
    sent: list[str] = []

    def run(argv: object, expression: str, *_: object, **__: object) -> Output:
        sent.append(expression)
        return Output(0, "ok dHJ1ZQ==", "")

    monkeypatch.setattr(client, "run", run)
    assert client.evaluate("true") is True
    assert sent[0].endswith("end.\n")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_literal_holds_numbers_only(text: str) -> None:
    literal = client.binary(text)
    assert set(literal) <= set("<>,0123456789")
    assert bytes(int(each) for each in literal[2:-2].split(",") if each) == text.encode()
