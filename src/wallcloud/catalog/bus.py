"""How a component uses the message bus: its virtual host, login by its client certificate, nothing unverified."""

from __future__ import annotations

from wallcloud.catalog import tls
from wallcloud.catalog.component import Call
from wallcloud.catalog.oslo import Settings
from wallcloud.catalog.place import Place

PORT = 5671
CALL = Call("rabbitmq", "amqps", "RPC with the other parts of its service", waits=True)
"""What a component with a bus declares among its calls."""


def address(place: Place, vhost: str) -> str:
    """oslo.messaging's transport URL of a virtual host. It holds no password: there is none."""
    server = place.internal_name(place.control())
    # The user is for the logs only: RabbitMQ takes the certificate's common name (EXTERNAL).
    return f"rabbit://{place.component.name}@{server}:{PORT}/{vhost}"


def settings(place: Place) -> Settings:
    """[DEFAULT] transport_url and [oslo_messaging_rabbit]; no notifications: unconsumed queues grow for ever.

    Durable: a broker that starts again has every service's queue before the service is back. Without it what is sent
    meanwhile is lost without a word, and a server that was to be deleted then stays in `deleting` for ever.
    """
    where = tls.client(place)
    return {
        "DEFAULT": {"transport_url": address(place, place.component.bus)},
        "oslo_messaging_rabbit": {
            "amqp_durable_queues": True,
            "ssl": True,
            "ssl_ca_file": where.authority,
            "ssl_cert_file": where.certificate,
            "ssl_key_file": where.key,
            "rabbit_login_method": "EXTERNAL",
        },
        "oslo_messaging_notifications": {"driver": "noop"},
    }


def talks(place: Place, least: int) -> tuple[str, ...]:
    """A probe for what tells nobody that it is ready: the unit's main process has so many connections to the bus."""
    unit = f"wallcloud-{place.component.name}.service"
    script = f"""\
pid=$(systemctl show --property=MainPID --value {unit})
[ "$(ss -Htnp state established '( dport = :{PORT} )' | grep -c "pid=$pid,")" -ge {least} ]"""
    return ("/bin/sh", "-c", script)
