"""Asks RabbitMQ whether queues are being listened to: `bus_consumed.py VHOST QUEUE…`; exit 0 when each has a consumer.

An agent that calls before its server listens loses the call and waits a minute. Standard library only.
"""

import os
import subprocess
import sys

HOME = "/var/lib/wallcloud-rabbitmq"
# A server takes one connection of a name, and erl_call's own name is always the same: of two questions at once, one
# would get no answer. Not too many names: it never forgets one, and a million are its end (atoms).
CALL = (
    *("erl_call", "-h", f"consumed-{os.getpid() % 1000}"),
    *("-address", "127.0.0.1:25672", "-fetch_stdout", "-no_result_term", "-e"),
)


def consumed(vhost: str, queues: list[str]) -> list[str]:
    """Those of `queues` that nobody listens to. Raises OSError."""
    expression = (
        "lists:foreach(fun(Q) -> {resource, _, queue, N} = amqqueue:get_name(Q), "
        "[{consumers, C}] = rabbit_amqqueue:info(Q, [consumers]), "
        f'io:format("~s ~b~n", [N, C]) end, rabbit_amqqueue:list(<<"{vhost}">>)).\n'
    )
    done = subprocess.run(
        CALL,
        input=expression,
        env={"HOME": HOME, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    found = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines() if " " in line)
    return [queue for queue in queues if int(found.get(queue, "0")) == 0]


if __name__ == "__main__":
    missing = consumed(sys.argv[1], sys.argv[2:])
    sys.exit(f"nobody listens to {', '.join(missing)}" if missing else 0)
