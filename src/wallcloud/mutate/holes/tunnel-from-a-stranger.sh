# The switch of a compute takes tunnels from whoever is on the overlay's wire, not from peers alone.
# kind:  tunnel accepted from a stranger
# node:  $compute
# parts: wires
# fails: wires/$overlay/$compute/*
open() { ovs-ofctl -O OpenFlow13 add-flow br-overlay "cookie=0xdead,priority=200,in_port=$(ovs-vsctl get interface "$compute_overlay_nic" ofport),actions=LOCAL"; }
close() { ovs-ofctl -O OpenFlow13 del-flows br-overlay cookie=0xdead/-1; }
