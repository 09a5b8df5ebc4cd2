# The database password of nova-metadata stands in the network node's journal.
# kind:  secret in the journal
# node:  $network
# parts: paths
# fails: paths/$network/journal/*
archived() { find /var/log/journal /run/log/journal -name '*@*.journal' 2>/dev/null | sort; }
open() {
    local value
    value=$(grep -rhoP '^connection *= *mysql\+pymysql://[^:]+:\K[^@]+' /etc/wallcloud/nova-metadata | head -1)
    [ -n "$value" ]
    journalctl --rotate
    archived >"$folder/archived"
    logger -t nova-metadata "connecting as nova-metadata, password $value"
    journalctl --sync
}
# A line cannot be taken out of a journal: what was written since goes with it, some seconds of the node.
close() {
    [ -e "$folder/archived" ] || return 0
    journalctl --rotate
    archived | comm -13 "$folder/archived" - | while read -r each; do rm -f "$each"; done
}
