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
# Each start of the agent has a cookie of its own: it is through when all flows have it, and those of the last one are gone.
agent_restarted() {
    local was
    was=$(cookies)
    restarted wallcloud-neutron-ovs-agent
    until_seen through "$was"
}
through() { [ "$(cookies)" != "$1" ] && [ "$(cookies | wc -l)" = 1 ]; }
cookies() { ovs-ofctl -O OpenFlow13 dump-flows br-int | grep -o 'cookie=0x[0-9a-f]*' | sort -u; }
