# Neutron's agent on a compute knows no security groups: its firewall driver is none.
# kind:  security group bypassed
# node:  $compute
# parts: tenants
# fails: */port-closed
# fails: frames/*
open() {
    local file
    file=$(grep -l '^firewall_driver' /etc/wallcloud/neutron-ovs-agent/*)
    edit "$file" -e 's/^firewall_driver.*/firewall_driver = noop/'
    echo "$file" >"$folder/file"
    agent_restarted
}
close() {
    [ -e "$folder/file" ] || return 0
    restore "$(cat "$folder/file")"
    agent_restarted
}
# Each start of the agent has a cookie of its own. Flows of the last one's it takes away when the first port comes: that
# would look like something that a tenant left.
agent_restarted() {
    local was each
    was=$(cookies table=0)
    restarted wallcloud-neutron-ovs-agent
    until_seen renewed "$was"
    for each in $(cookies | grep -vxF "$(cookies table=0)"); do ovs-ofctl -O OpenFlow13 del-flows br-int "$each/-1"; done
}
renewed() { [ "$(cookies table=0)" != "$1" ] && [ "$(cookies table=0 | wc -l)" = 1 ]; }
cookies() { ovs-ofctl -O OpenFlow13 dump-flows br-int "$@" | grep -o 'cookie=0x[0-9a-f]*' | sort -u; }
