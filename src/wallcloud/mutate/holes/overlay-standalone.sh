# The overlay's bridge of a compute is a plain switch: its flows are gone and it no longer fails secure.
# kind:  fail_mode standalone
# node:  $compute
# parts: wires
# fails: wires/$overlay/$compute/*
open() {
    ovs-ofctl -O OpenFlow13 dump-flows --no-stats br-overlay >"$folder/flows"
    ovs-vsctl set-fail-mode br-overlay standalone
    ovs-ofctl -O OpenFlow13 del-flows br-overlay
    ovs-ofctl -O OpenFlow13 add-flow br-overlay priority=0,actions=NORMAL
}
close() {
    ovs-vsctl set-fail-mode br-overlay secure
    [ ! -e "$folder/flows" ] || ovs-ofctl -O OpenFlow13 replace-flows br-overlay "$folder/flows"
}
