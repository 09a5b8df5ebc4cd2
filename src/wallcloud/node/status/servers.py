"""MariaDB and RabbitMQ, asked themselves: connections, alarms, queues."""

from wallcloud.node.resources import mariadb_client, rabbitmq_client
from wallcloud.node.status.model import AccountUse, BusHealth, DatabaseHealth, Queue, Servers

_CONNECTIONS = """SELECT @@max_connections,
    (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'THREADS_CONNECTED'),
    (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'MAX_USED_CONNECTIONS')"""
_ACCOUNTS = """SELECT CONCAT(USER, '@', SUBSTRING_INDEX(HOST, ':', 1)), COUNT(*) FROM information_schema.PROCESSLIST
    WHERE USER NOT IN ('system user', 'event_scheduler') GROUP BY 1 ORDER BY 1"""
_SERVERS = """SELECT COALESCE(host, ''), COALESCE(vm_state, 'unknown'), COUNT(*) FROM nova.instances
    WHERE deleted = 0 GROUP BY 1, 2"""
# What `rabbitmq-diagnostics` does for check_running, check_local_alarms and check_virtual_hosts, without an Erlang of
# its own for each; and every queue.
_BUS = """#{running => rabbit:is_running(),
  alarms => [case A of
      {{resource_limit, What, _}, _} -> atom_to_binary(What);
      _ -> unicode:characters_to_binary(io_lib:format("~tp", [A]))
    end || A <- rabbit_alarm:get_alarms()],
  down => [V || V <- rabbit_vhost:list_names(), not rabbit_vhost_sup_sup:is_vhost_alive(V)],
  connections => length(rabbit_networking:connections()),
  limit => proplists:get_value(sockets_limit, file_handle_cache:info([sockets_limit])),
  memory => vm_memory_monitor:get_process_memory(), memory_limit => vm_memory_monitor:get_memory_limit(),
  queues => [begin
      {resource, V, queue, N} = amqqueue:get_name(Q),
      [{messages, M}, {consumers, C}] = rabbit_amqqueue:info(Q, [messages, consumers]),
      Count = fun(X) when is_integer(X) -> X; (_) -> 0 end,  % a queue that is down has no number
      #{vhost => V, name => N, messages => Count(M), consumers => Count(C),
        expires => lists:keymember(<<"x-expires">>, 1, amqqueue:get_arguments(Q))}
    end || Q <- rabbit_amqqueue:list()]}"""


def database() -> DatabaseHealth:
    """Raises ResourceFailed where MariaDB does not answer."""
    (limit, now, most), *accounts = mariadb_client.rows(mariadb_client.execute([_CONNECTIONS, _ACCOUNTS]))
    uses = (AccountUse(account, int(count)) for account, count in accounts)
    return DatabaseHealth(int(now), int(most), int(limit), tuple(uses))


def servers() -> tuple[Servers, ...]:
    """VMs by host and state, counted by the database: a list of them all takes Nova long. Raises ResourceFailed."""
    found = mariadb_client.rows(mariadb_client.execute([_SERVERS]))
    return tuple(Servers(host, state, int(count)) for host, state, count in found)


def bus() -> BusHealth:
    """Raises ResourceFailed where RabbitMQ does not answer."""
    said = rabbitmq_client.evaluate(_BUS)
    return BusHealth(
        alarms=(*([] if said["running"] else ["it is not up"]), *said["alarms"]),
        down=tuple(said["down"]),
        connections=said["connections"],
        limit=said["limit"],
        memory=said["memory"] >> 20,
        memory_limit=said["memory_limit"] >> 20,
        queues=tuple(Queue(**each) for each in said["queues"]),
    )
