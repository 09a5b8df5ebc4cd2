# A compute speaks IPv6 on a flat wire, and its firewall lets it: every VM there reaches it at its link-local address.
# kind:  IPv6 on
# node:  $compute
# parts: wires
# fails: wires/$flat/$compute/ipv6-*
open() {
    set_sysctls "net.ipv6.conf.$compute_flat_nic.disable_ipv6=0"
    # Neighbour discovery is ICMPv6, and the firewall would hold it alone.
    nft insert rule inet wallcloud input iifname "$compute_flat_nic" meta nfproto ipv6 accept
    nft insert rule inet wallcloud output oifname "$compute_flat_nic" meta nfproto ipv6 accept
    ip link set "$compute_flat_nic" down
    ip link set "$compute_flat_nic" up
    until_seen has_link_local "$compute_flat_nic"
}
has_link_local() { ip -6 -br address show dev "$1" scope link -tentative | grep -q fe80; }
close() {
    restore_sysctls
    walls_up
}
