# The dashboard's cache listens on every address of the api node, and no more at its socket file.
# kind:  service bound to all addresses
# node:  $api
# parts: sockets
# fails: sockets/$api/tcp/0.0.0.0:11211
# fails: sockets/$api/unix/*memcached.sock
open() {
    mkdir -p /run/systemd/system/wallcloud-memcached.service.d
    printf '[Service]\nExecStart=\nExecStart=/usr/bin/memcached -l 0.0.0.0 -p 11211 -U 0 -m 64 -c 64 -t 2\nRestrictAddressFamilies=AF_INET\nPrivateNetwork=no\nIPAddressDeny=\n' >/run/systemd/system/wallcloud-memcached.service.d/hole.conf
    systemctl daemon-reload
    restarted wallcloud-memcached 0.0.0.0:11211
}
close() {
    rm -rf /run/systemd/system/wallcloud-memcached.service.d
    systemctl daemon-reload
    restarted wallcloud-memcached
}
