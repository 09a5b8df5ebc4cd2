"""Asks a service whether it answers: `uwsgi_ready.py SOCKET PATH uwsgi|http`; exit 0 below 500.

SOCKET is a unix socket's path, or ADDRESS:PORT.

A uwsgi master is up long before its workers can answer, and stays up while they die at once. Protocol: a packet of
modifier 0 with CGI variables, then the answer as HTTP (uwsgi-docs, "The uwsgi Protocol"). Standard library only.
"""

import socket
import struct
import sys

SECONDS = 10.0


def packet(path: str) -> bytes:
    """The request: GET of `path`, as if from the management door."""
    variables = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "REQUEST_URI": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
    }
    body = b"".join(
        struct.pack("<H", len(part)) + part for pair in variables.items() for part in (word.encode() for word in pair)
    )
    return struct.pack("<BHB", 0, len(body), 0) + body


def request(path: str) -> bytes:
    """The same by HTTP."""
    return f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()


def status(where: str, path: str, protocol: str) -> int:
    """The HTTP status of the answer. Raises OSError, ValueError."""
    address, _, port = where.rpartition(":")
    with socket.socket(socket.AF_INET if address else socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect((address, int(port)) if address else where)
        connection.sendall(request(path) if protocol == "http" else packet(path))
        head = connection.recv(64).split(b"\r\n", 1)[0].split(b" ")
    if len(head) < 2 or not head[0].startswith(b"HTTP/"):
        raise ValueError("no HTTP answer")
    return int(head[1])


if __name__ == "__main__":
    try:
        answered = status(*sys.argv[1:4])
    except (OSError, ValueError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    sys.exit(f"{sys.argv[1]}: status {answered}" if answered >= 500 else 0)
