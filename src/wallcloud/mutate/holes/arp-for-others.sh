# The api node answers ARP on management for its public address: Linux's weak host model is on again.
# kind:  weak host model
# node:  $api
# parts: wires
# fails: wires/$management/$api/*
open() {
    set_sysctls net.ipv4.conf.all.arp_ignore=0 "net.ipv4.conf.$api_management_nic.arp_ignore=0"
}
close() { restore_sysctls; }
