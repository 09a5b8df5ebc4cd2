# A compute's card of one flat network is plugged into the bridge of another: VMs of both share one wire.
# kind:  bridge port on the wrong wire
# node:  $compute
# parts: wires
# fails: wires/$flat/*/elsewhere
# fails: wires/$flat2/*/elsewhere
open() { ovs-vsctl del-port "br-$flat" "$compute_flat_nic" -- add-port "br-$flat2" "$compute_flat_nic"; }
close() { ovs-vsctl --if-exists del-port "br-$flat2" "$compute_flat_nic" -- --may-exist add-port "br-$flat" "$compute_flat_nic"; }
