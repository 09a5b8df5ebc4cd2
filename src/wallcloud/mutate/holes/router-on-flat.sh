# A tenant may attach a router to a flat network by a port: the guard is not loaded. (By subnet Neutron refuses it itself.)
# kind:  router on a flat network allowed
# node:  $control
# parts: tenants
# fails: refused/*/router-by-port
open() {
    edit /etc/wallcloud/neutron-api/neutron.conf -e '/^service_plugins/s/,[^,]*flat[^,]*//'
    api_restarted
}
close() {
    restore /etc/wallcloud/neutron-api/neutron.conf || return 0
    api_restarted
}
# Its socket is systemd's and takes whoever comes: only an answer shows that the new process serves.
api_restarted() {
    restarted wallcloud-neutron-api
    until_seen answers
}
answers() {
    python3 -I -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect("/run/wallcloud/neutron-api.sock")
names = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REQUEST_URI": "/", "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "hole", "SERVER_PORT": "80", "QUERY_STRING": "", "SCRIPT_NAME": ""}
body = b"".join(len(word).to_bytes(2, "little") + word.encode() for pair in names.items() for word in pair)
s.sendall(b"\0" + len(body).to_bytes(2, "little") + b"\0" + body)
sys.exit(not s.recv(1))'
}
