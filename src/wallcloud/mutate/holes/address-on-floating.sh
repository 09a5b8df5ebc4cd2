# The network node has an address of its own on a floating wire, and answers there.
# kind:  address on the wrong wire
# node:  $network
# parts: wires
# fails: wires/$floating/$network/*
open() {
    ip link set "br-$floating" up
    ip address add "$(python3 -c "import ipaddress, sys; print(ipaddress.ip_network(sys.argv[1])[5])" "$floating_cidr")/24" dev "br-$floating"
}
close() {
    ip address flush dev "br-$floating"
    ip link set "br-$floating" down
}
