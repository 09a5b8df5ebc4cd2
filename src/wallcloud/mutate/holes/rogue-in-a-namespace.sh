# Somebody listens inside a tenants' network's own namespace on the network node.
# kind:  rogue listener in a namespace
# node:  $network
# parts: sockets
# fails: sockets/$network/qdhcp-*/tcp/0.0.0.0:9997
open() {
    local namespace
    namespace=$(ip netns list | sed -n 's/^\(qdhcp-[^ ]*\).*/\1/p' | head -1)
    listen rogue 'import socket; s = socket.create_server(("0.0.0.0", 9997)); print("ready", flush=True); s.accept()' nsenter "--net=/run/netns/$namespace"
}
close() { ends rogue; }
