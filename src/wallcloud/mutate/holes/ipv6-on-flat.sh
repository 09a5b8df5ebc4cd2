# A compute speaks IPv6 on a flat wire, and its firewall lets ICMPv6 through: every VM there reaches it at its link-local address.
# kind:  IPv6 on
# node:  $compute
# parts: wires
# fails: wires/$flat/$compute/*
open() {
    set_sysctls "net.ipv6.conf.$compute_flat_nic.disable_ipv6=0"
    ip link set "$compute_flat_nic" down
    ip link set "$compute_flat_nic" up
    nft insert rule inet wallcloud input meta l4proto ipv6-icmp accept
    nft insert rule inet wallcloud output meta l4proto ipv6-icmp accept
    until_seen has_link_local "$compute_flat_nic"
}
has_link_local() { ip -6 -br address show dev "$1" scope link -tentative | grep -q fe80; }
close() {
    restore_sysctls
    walls_up
}
