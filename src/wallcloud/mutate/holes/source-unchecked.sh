# The api node takes packets from anywhere over any wire: reverse path filtering is off.
# kind:  weak host model
# node:  $api
# parts: wires
# fails: wires/$api/*
open() {
    keep_sysctl net.ipv4.conf.all.rp_filter 0
    keep_sysctl "net.ipv4.conf.$api_management_nic.rp_filter" 0
    keep_sysctl "net.ipv4.conf.$api_public_nic.rp_filter" 0
}
close() { restore_sysctls; }
