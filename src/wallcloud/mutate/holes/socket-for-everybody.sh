# Every account of the api node may connect to the dashboard's cache, where sessions are.
# kind:  unix socket open to all
# node:  $api
# parts: paths
# fails: paths/$api/*→/run/wallcloud-memcached/memcached.sock
open() {
    chmod 0755 /run/wallcloud-memcached
    chmod 0666 /run/wallcloud-memcached/memcached.sock
}
close() {
    chmod 0600 /run/wallcloud-memcached/memcached.sock
    chmod 0750 /run/wallcloud-memcached
}
