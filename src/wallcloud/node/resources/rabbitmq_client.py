"""Talking to the node's RabbitMQ over Erlang's distribution with `erl_call`: one call reads all, in some 10 ms.

`rabbitmqctl` would start an Erlang of its own for each question (0.5 s and 0.65 s of processor time, measured); the
management plugin would need a password and a listener. erl_call reads the cookie from $HOME, takes the expression on
stdin and connects to the distribution port itself, without asking epmd.
"""

import base64
import itertools
import json
import os
import threading
from collections.abc import Mapping
from typing import Any

from wallcloud.frozen import frozen
from wallcloud.node.resource import Context, ResourceFailed
from wallcloud.node.run import Output, run, tail

HOME = "/var/lib/wallcloud-rabbitmq"
DISTRIBUTION = "127.0.0.1:25672"
CALL = ("erl_call", "-address", DISTRIBUTION, "-fetch_stdout", "-no_result_term", "-e")
# A server takes one connection of a name, and erl_call's own name is always the same.
_ONE = threading.Lock()
_TURNS = itertools.cycle(range(8))
ACTOR = '<<"wallcloud">>'
"""Named in RabbitMQ's own log as the one who acted."""

# erl_call ends with 0 and says nothing when the expression fails, so the expression reports on itself. Base64: what
# erl_call prints is latin-1.
ENVELOPE = """try {body} of Result -> io:put_chars(["ok ", base64:encode(rabbit_json:encode(Result))])
catch Class:Reason ->
  io:put_chars(["error ", base64:encode(unicode:characters_to_binary(io_lib:format("~tp:~tp", [Class, Reason])))])
end.
"""

# the table itself: rabbit_runtime_parameters:list() leaves policies out
READ = """case rabbit:is_running() of false -> #{running => false}; true -> #{running => true,
  vhosts => rabbit_vhost:list_names(),
  parameters => [#{vhost => V, parameter => <<C/binary, "/", N/binary>>}
    || {runtime_parameters, {V, C, N}, _} <- rabbit_misc:dirty_read_all(rabbit_runtime_parameters)],
  users => [begin
      Name = proplists:get_value(user, U),
      {ok, Record} = rabbit_auth_backend_internal:lookup_user(Name),
      #{user => Name, tags => proplists:get_value(tags, U), limits => maps:keys(internal_user:get_limits(Record)),
        password => internal_user:get_password_hash(Record) =/= <<>>}
    end || U <- rabbit_auth_backend_internal:list_users()],
  permissions => [maps:from_list(P) || P <- rabbit_auth_backend_internal:list_permissions()],
  topics => [maps:from_list(P) || P <- rabbit_auth_backend_internal:list_topic_permissions()]} end"""


@frozen
class Account:
    """One account. `permissions`: vhost → (configure, write, read); `topics`: vhosts with topic permissions."""

    tags: tuple[str, ...]
    password: bool
    limits: tuple[str, ...]
    permissions: Mapping[str, tuple[str, str, str]]
    topics: tuple[str, ...]


@frozen
class Bus:
    """All that Wallcloud reads of a broker. `parameters`: vhost → its policies, limits and other parameters."""

    vhosts: tuple[str, ...]
    parameters: Mapping[str, tuple[str, ...]]
    accounts: Mapping[str, Account]


def bus(ctx: Context) -> Bus | None:
    """What the broker holds, read once until something is applied; None where none answers (yet)."""
    return ctx.cached("rabbitmq", _read)


def evaluate(expression: str) -> Any:
    """Evaluates Erlang in the broker and returns its result as JSON decodes it (None where it has no such form).
    Raises ResourceFailed with Erlang's own error."""
    result = _call(expression)
    if not _spoke(result):
        raise ResourceFailed(
            "RabbitMQ does not answer",
            tried=" ".join(CALL),
            output=tail(result.stdout + result.stderr),
            hint="is wallcloud-rabbitmq.service running?",
        )
    return _result(expression, result)


def act(*expressions: str) -> None:
    """Evaluates calls that return ok, one after the other."""
    evaluate("begin " + ", ".join(f"ok = {each}" for each in expressions) + ", true end")


def binary(text: str) -> str:
    """`text` as an Erlang binary, byte by byte: nothing in it can end the literal."""
    return "<<" + ",".join(str(byte) for byte in text.encode()) + ">>"


def parse(answer: Mapping[str, Any]) -> Bus:
    """The result of READ."""
    vhosts = tuple(sorted(answer["vhosts"]))
    accounts = {each["user"]: each for each in answer["users"]}
    return Bus(
        vhosts,
        {
            vhost: tuple(sorted(each["parameter"] for each in answer["parameters"] if each["vhost"] == vhost))
            for vhost in vhosts
        },
        {
            name: Account(
                tags=tuple(sorted(each["tags"])),
                password=each["password"],
                limits=tuple(sorted(each["limits"])),
                permissions={
                    grant["vhost"]: (grant["configure"], grant["write"], grant["read"])
                    for grant in answer["permissions"]
                    if grant["user"] == name
                },
                topics=tuple(sorted({grant["vhost"] for grant in answer["topics"] if grant["user"] == name})),
            )
            for name, each in accounts.items()
        },
    )


def _read() -> Bus | None:
    result = _call(READ)
    if not _spoke(result):
        return None  # no erl_call, no cookie, no node, or a node that is coming up or going down
    answer = _result(READ, result)
    return parse(answer) if answer["running"] else None


def _call(expression: str) -> Output:
    with _ONE:
        # The broker may not have done with the last connection yet. Few names: it never forgets one (atoms).
        name = ("-h", f"wallcloud-{os.getpid() % 1000}-{next(_TURNS)}")
        return run((*CALL, *name), ENVELOPE.format(body=expression), 30, environment={"HOME": HOME}, check=False)


def _spoke(result: Output) -> bool:
    return result.ok and result.stdout.startswith(("ok ", "error "))


def _result(expression: str, result: Output) -> Any:
    kind, _, payload = result.stdout.strip().partition(" ")
    text = base64.b64decode(payload).decode()
    if kind != "ok":
        raise ResourceFailed("RabbitMQ refused", tried=expression, output=(text,))
    return json.loads(text)
