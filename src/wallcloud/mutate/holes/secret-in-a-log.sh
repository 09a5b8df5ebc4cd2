# The database password of nova-metadata stands in a log of the network node that every account reads.
# kind:  secret in a log
# node:  $network
# parts: paths
# fails: paths/$network/files/*
open() {
    local value
    value=$(grep -rhoP '^connection *= *mysql\+pymysql://[^:]+:\K[^@]+' /etc/wallcloud/nova-metadata | head -1)
    [ -n "$value" ]
    (umask 022 && echo "connecting as nova-metadata, password $value" >/var/log/nova-metadata.log)
}
close() { rm -f /var/log/nova-metadata.log; }
