# The database password of nova-metadata stands in a process's argument list on the network node, for every account to read.
# kind:  secret in an argument list
# node:  $network
# parts: paths
# fails: paths/$network/arguments/*
secret() { grep -rhoP '^connection *= *mysql\+pymysql://[^:]+:\K[^@]+' /etc/wallcloud/nova-metadata | head -1; }
open() {
    local value
    value=$(secret)
    [ -n "$value" ]
    setsid python3 -I -c 'import signal; signal.pause()' "--password=$value" >/dev/null 2>&1 </dev/null &
    echo $! >"$folder/rogue.pid"
}
close() { ends rogue; }
