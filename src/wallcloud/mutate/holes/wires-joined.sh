# On the network node a patch joins a floating wire and a flat one.
# kind:  wires joined
# node:  $network
# parts: wires
# fails: wires/$floating/*/elsewhere
# fails: wires/$flat/$network/elsewhere
open() {
    ovs-vsctl add-port "br-$floating" hole-a -- set interface hole-a type=patch options:peer=hole-b \
        -- add-port "br-$flat" hole-b -- set interface hole-b type=patch options:peer=hole-a
}
close() { ovs-vsctl --if-exists del-port "br-$floating" hole-a -- --if-exists del-port "br-$flat" hole-b; }
