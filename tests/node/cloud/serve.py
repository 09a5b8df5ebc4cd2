"""Serves one API of the release's environment over TLS on loopback, run by that environment's own Python:
serve.py MODULE PORT KEY-AND-CHAIN PREFIX. Says "ready" when it listens."""

import importlib
import ssl
import sys
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *words: object) -> None: ...


def main(module: str, port: str, chain: str, prefix: str) -> None:
    sys.argv = sys.argv[:1]  # some of them read their own options there
    api = importlib.import_module(module).application

    def application(environ: dict[str, Any], start: Any) -> Any:
        if not environ["PATH_INFO"].startswith(prefix):
            start("404 Not Found", [])
            return [b""]
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, environ["PATH_INFO"].removeprefix(prefix)
        environ["wsgi.url_scheme"] = "https"
        return api(environ, start)

    server = make_server("127.0.0.1", int(port), application, Server, Quiet)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
