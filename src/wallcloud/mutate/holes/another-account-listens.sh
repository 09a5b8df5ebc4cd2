# Where nova-metadata listens on the network node another account does, and would hear every VM's secret.
# kind:  socket of another account
# node:  $network
# parts: sockets
# fails: sockets/$network/tcp/127.0.0.1:8775
open() {
    systemctl stop wallcloud-nova-metadata.socket wallcloud-nova-metadata.service
    listen rogue 'import os, socket; os.setuid(65534); s = socket.create_server(("127.0.0.1", 8775)); print("ready", flush=True); s.accept()'
}
close() {
    ends rogue
    systemctl start wallcloud-nova-metadata.socket wallcloud-nova-metadata.service
    until_seen systemctl is-active wallcloud-nova-metadata.service
}
