"""What the two doors share: Apache without root, TLS, and nothing that is not named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wallcloud.catalog import tls
from wallcloud.catalog.component import Api, Limit, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node.resource import Resource
from wallcloud.node.resources import Directory, File

CONFIG = "/etc/wallcloud/apache/apache2.conf"
THREADS = 32
PACKAGES = ("apache2",)
MASKS = ("apache2.service", "apache-htcacheclean.service")
_MODULES = ("mpm_event", "authz_core", "headers", "proxy", "reqtimeout", "socache_shmcb", "ssl")
_CIPHERS = ":".join(
    f"ECDHE-{kind}-{cipher}"
    for kind in ("ECDSA", "RSA")
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
)
# What a client says of whence it came or what it was called ends here (oslo.middleware and werkzeug read these).
_FORGEABLE = (
    "Forwarded",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Server",
    "X-Forwarded-Scheme",
    "X-Forwarded-Ssl",
    "X-Real-IP",
    "Front-End-Https",
    "Proxy",
    "X-Remote-User",
    "Remote-User",
    "X-Client-Cert",
    "X-SSL-Client-Cert",
    "WallcloudDoor",
    # What keystonemiddleware says to the services behind it, and nobody else may.
    "X-Identity-Status",
    "X-Service-Identity-Status",
    "X-Is-Admin-Project",
    "OpenStack-System-Scope",
    "X-Service-Catalog",
    "X-Roles",
    "X-Role",
    "X-User",
    "X-Tenant",
    "X-Tenant-Id",
    "X-Tenant-Name",
    "X-Service-Roles",
    *(
        f"X-{whose}{part}"
        for whose in ("", "Service-")
        for part in (
            *(f"{what}-{key}" for what in ("Domain", "Project", "User") for key in ("Id", "Name")),
            *(f"{what}-Domain-{key}" for what in ("Project", "User") for key in ("Id", "Name")),
        )
    ),
)


def apis(place: Place, *, public: bool) -> tuple[Api, ...]:
    """The APIs of the site's components, by prefix; with `public` those that tenants may use."""
    found = (place.catalog[name].api for name in place.placed)
    return tuple(sorted((api for api in found if api and (api.public or not public)), key=lambda api: api.prefix))


def workers(given: LimitInput, component: str) -> Limit:
    """MaxRequestWorkers of a door: requests in hand at once."""
    cores = given.cores(component)
    processes = max(2, min(8, cores * 2))
    return Limit(
        component,
        "workers",
        (Term(f"{processes} processes (2 per core, 2 to 8) of {THREADS} threads", processes * THREADS),),
    )


def config(
    place: Place,
    *,
    name: str,
    modules: Iterable[str],
    apis: Iterable[Api],
    forgeable: Iterable[str] = (),
    keepalive_seconds: int,
    hosts: str,
) -> File:
    """The whole configuration. `apis` are all that pass, `hosts` are the virtual hosts' text."""
    total = place.limit("workers")
    lines = [
        "# Written by Wallcloud; changes made here are taken back by the next apply.",
        "ServerRoot /etc/wallcloud/apache",
        "DefaultRuntimeDir /run/wallcloud-apache",
        "PidFile /run/wallcloud-apache/apache2.pid",
        f"ServerName {name}",
        *(
            f"LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so"
            for module in sorted({*_MODULES, *modules})
        ),
        f"ServerLimit {total // THREADS}",
        "StartServers 2",
        f"ThreadsPerChild {THREADS}",
        f"ThreadLimit {THREADS}",
        f"MaxRequestWorkers {total}",
        "MinSpareThreads 16",
        "MaxSpareThreads 64",
        "MaxConnectionsPerChild 0",
        "# A reload lets running requests (downloads) end.",
        "GracefulShutdownTimeout 30",
        "# To the journal: Apache runs without root and may not open the journal's socket as a file.",
        "LogLevel warn",
        'ErrorLog "|/usr/bin/cat"',
        'ErrorLogFormat "[%m:%l] [client\\\\ %a] %M"',
        'LogFormat "%v:%p %a \\"%r\\" %>s %O %D \\"%{User-Agent}i\\" %{X-Openstack-Request-Id}o" wallcloud',
        'CustomLog "|/usr/bin/cat" wallcloud',
        "ServerTokens Prod",
        "ServerSignature Off",
        "TraceEnable Off",
        "UseCanonicalName On",
        "HttpProtocolOptions Strict",
        "Timeout 120",
        "KeepAlive On",
        f"KeepAliveTimeout {keepalive_seconds}",
        "MaxKeepAliveRequests 1000",
        "RequestReadTimeout handshake=5-10,MinRate=500 header=5-20,MinRate=500 body=10,MinRate=500",
        "LimitRequestFields 64",
        "SSLProtocol -all +TLSv1.2 +TLSv1.3",
        f"SSLCipherSuite {_CIPHERS}",
        "SSLHonorCipherOrder off",
        "SSLSessionTickets off",
        "SSLSessionCache shmcb:/run/wallcloud-apache/ssl_cache(512000)",
        "SSLSessionCacheTimeout 300",
        "SSLCompression off",
        "<Directory />",
        "    AllowOverride None",
        "    Require all denied",
        "</Directory>",
        "# No file is served; what is not proxied below is refused.",
        "DocumentRoot /var/empty/wallcloud",
        '<Location "/">',
        "    Require all denied",
        "</Location>",
        *(
            line
            for api in apis
            for line in (
                f'<Location "{api.prefix}">',
                "    Require all granted",
                f"    LimitRequestBody {api.body}",
                "</Location>",
            )
        ),
        *(f"RequestHeader unset {header} early" for header in (*_FORGEABLE, *forgeable)),
        "ProxyRequests Off",
        "ProxyErrorOverride Off",
        "# uwsgi's http-socket sends no 100 Continue: an upload would wait for ever.",
        "Proxy100Continue Off",
        "ProxyTimeout 120",
        hosts.rstrip(),
        "",
    ]
    return File(
        path=CONFIG,
        content="\n".join(lines),
        component=place.component.name,
        reason="what passes this door, and how",
    )


def folders(place: Place) -> Iterator[Resource]:
    """Apache's own folders; nothing is served from a file."""
    for path in ("/etc/wallcloud/apache", "/var/empty/wallcloud"):
        yield Directory(path=path, component=place.component.name, reason="Apache's root; it serves no file")


def unit(
    place: Place,
    *,
    description: str,
    address: str,
    name: str,
    certificates: Iterable[str],
    lines: Iterable[str] = (),
    before: tuple[str, ...] = (),
) -> Resource:
    """The unit. A changed configuration or certificate is a graceful reload: running requests end in peace.

    `before` are commands that come before each start and each reload. It is ready when it answers a TLS handshake at
    `address` (host:port) that proves `name` by the site's CA.
    """
    return service(
        place,
        name="apache",
        description=description,
        start=f"/usr/sbin/apache2 -DFOREGROUND -f {CONFIG}",
        reload="\n".join((*before, "/bin/kill -USR1 $MAINPID")),
        reload_on=(CONFIG, *certificates),
        ready=(
            "/usr/bin/openssl",
            "s_client",
            "-brief",
            "-verify_return_error",
            *("-CAfile", tls.CA),
            *("-verify_hostname", name),
            *("-servername", name),
            *("-connect", address),
        ),
        lines=(
            "Environment=LANG=C.UTF-8",
            *lines,
            *(f"ExecStartPre={command}" for command in before),
            f"ExecStartPre=/usr/sbin/apache2 -t -f {CONFIG}",
            "KillSignal=SIGWINCH",
            "KillMode=mixed",
            "Restart=always",
            "RuntimeDirectory=wallcloud-apache",
            "RuntimeDirectoryMode=0750",
            "LimitNOFILE=16384",
            "TasksMax=1024",
            "AmbientCapabilities=CAP_NET_BIND_SERVICE",
            "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
            "MemoryDenyWriteExecute=yes",
            "SystemCallFilter=@system-service",
            "SystemCallFilter=~@privileged @resources",
            "SystemCallErrorNumber=EPERM",
        ),
        stop_seconds=40,
    )
