"""Virtual hosts and accounts of the node's RabbitMQ. Accounts log in by certificate (EXTERNAL) and have no password."""

from typing import ClassVar

from wallcloud.frozen import frozen
from wallcloud.node.resource import Change, Context, Resource, ResourceFailed, State
from wallcloud.node.resources import rabbitmq_client as client
from wallcloud.node.resources.rabbitmq_client import ACTOR, act, binary

BACKEND = "rabbit_auth_backend_internal"


@frozen(kw_only=True)
class BusVhost(Resource):
    """A virtual host: the wall between services. It has no policy, limit or other parameter of its own."""

    kind: ClassVar[str] = "bus-vhost"
    vhost: str

    @property
    def name(self) -> str:
        return self.vhost

    def desired(self, ctx: Context) -> State:
        return {"parameters": ()}

    def read(self, ctx: Context) -> State | None:
        bus = client.bus(ctx)
        return {"parameters": bus.parameters[self.vhost]} if bus and self.vhost in bus.vhosts else None

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        bus, vhost = client.bus(ctx), binary(self.vhost)
        if bus is None or self.vhost not in bus.vhosts:
            act(f"rabbit_vhost:add({vhost}, {ACTOR})")
            return
        cut = [each.partition("/") for each in bus.parameters[self.vhost]]
        act(
            *(
                f"rabbit_runtime_parameters:clear_any({vhost}, {binary(component)}, {binary(name)}, {ACTOR})"
                for component, _, name in cut
            )
        )


@frozen(kw_only=True)
class BusAccount(Resource):
    """An account of one vhost, named as the common name of its certificate. `configure`, `write` and `read` are
    regular expressions on names of queues and exchanges."""

    kind: ClassVar[str] = "bus-account"
    account: str
    vhost: str
    configure: str = ".*"
    write: str = ".*"
    read_: str = ".*"

    @property
    def name(self) -> str:
        return f"{self.account}@{self.vhost}"

    def desired(self, ctx: Context) -> State:
        return {
            "configure": self.configure,
            "write": self.write,
            "read": self.read_,
            "elsewhere": (),
            "topics": (),
            "tags": (),
            "limits": (),
            "password": False,
        }

    def read(self, ctx: Context) -> State | None:
        bus = client.bus(ctx)
        found = bus.accounts.get(self.account) if bus else None
        if found is None:
            return None
        configure, write, read = found.permissions.get(self.vhost, (None, None, None))
        return {
            "configure": configure,
            "write": write,
            "read": read,
            "elsewhere": tuple(sorted(found.permissions.keys() - {self.vhost})),
            "topics": found.topics,
            "tags": found.tags,
            "limits": found.limits,
            "password": found.password,
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        bus, user, vhost = client.bus(ctx), binary(self.account), binary(self.vhost)
        found = bus.accounts.get(self.account) if bus else None
        rights = ", ".join(binary(each) for each in (self.configure, self.write, self.read_))
        steps: list[str] = []
        if found is None or found.password or found.tags:
            # an empty hash from the start: there is no moment at which the account has a password
            steps.append(f'{BACKEND}:put_user(#{{name => {user}, password_hash => <<>>, tags => <<"">>}}, {ACTOR})')
        steps.append(f"{BACKEND}:set_permissions({user}, {vhost}, {rights}, {ACTOR})")
        if found:
            others = found.permissions.keys() - {self.vhost}
            steps += [f"{BACKEND}:clear_permissions({user}, {binary(each)}, {ACTOR})" for each in sorted(others)]
            steps += [f"{BACKEND}:clear_topic_permissions({user}, {binary(each)}, {ACTOR})" for each in found.topics]
            steps += [f"{BACKEND}:clear_user_limits({user}, {binary(each)}, {ACTOR})" for each in found.limits]
        act(*steps)


@frozen(kw_only=True)
class ExclusiveBusAccounts(Resource):
    """No account and no vhost but those in `keep` and `vhosts` and those that the spec names: guest and "/" go.

    A vhost that still holds messages is refused: they would be lost.
    """

    kind: ClassVar[str] = "exclusive-bus-accounts"
    keep: tuple[str, ...] = ()
    vhosts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "bus accounts"

    def desired(self, ctx: Context) -> State:
        return {"strangers": (), "vhosts": ()}

    def read(self, ctx: Context) -> State | None:
        bus = client.bus(ctx)
        if bus is None:
            return None
        kept = {*self.keep, *(each.account for each in ctx.resources if isinstance(each, BusAccount))}
        places = {*self.vhosts, *(each.vhost for each in ctx.resources if isinstance(each, BusVhost))}
        return {
            "strangers": tuple(sorted(bus.accounts.keys() - kept)),
            "vhosts": tuple(sorted(set(bus.vhosts) - places)),
        }

    def apply(self, ctx: Context, changes: tuple[Change, ...]) -> None:
        state = self.read(ctx)
        if state is None:
            raise ResourceFailed("RabbitMQ does not answer", hint="is wallcloud-rabbitmq.service running?")
        strangers, vhosts = state["strangers"], state["vhosts"]
        if isinstance(strangers, tuple) and strangers:
            act(
                *(f"{BACKEND}:delete_user({binary(each)}, {ACTOR})" for each in strangers),
                # an account that is deleted keeps its open connections
                *(CLOSE.format(account=binary(each), reason=REASON) for each in strangers),
            )
        for vhost in vhosts if isinstance(vhosts, tuple) else ():
            self._remove(vhost)

    def _remove(self, vhost: str) -> None:
        held = client.evaluate(MESSAGES.format(vhost=binary(vhost)))
        if held:
            raise ResourceFailed(
                f"refused: vhost {vhost} holds {held} messages",
                tried="delete the vhost",
                hint=f"look at them, then: rabbitmqctl -n rabbit@localhost delete_vhost {vhost}",
            )
        act(f"rabbit_vhost:delete({binary(vhost)}, {ACTOR})")

    def consequence(self, changes: tuple[Change, ...]) -> str:
        return "closes the connections of accounts that go"


REASON = '<<"account removed">>'
# One that ends by itself at that moment makes the server stop in the middle: so again, a few times.
CLOSE = (
    "(fun Close(0) -> still_open; Close(N) -> "
    "case catch rabbit_networking:close_all_user_connections({account}, {reason}) of "
    "ok -> ok; _ -> Close(N - 1) end end)(20)"
)
MESSAGES = """lists:sum([proplists:get_value(messages, rabbit_amqqueue:info(Q, [messages]), 0)
  || Q <- rabbit_amqqueue:list({vhost})])"""
