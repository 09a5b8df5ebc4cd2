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
    restarted wallcloud-neutron-ovs-agent
}
close() {
    [ -e "$folder/file" ] || return 0
    restore "$(cat "$folder/file")"
    restarted wallcloud-neutron-ovs-agent
}
