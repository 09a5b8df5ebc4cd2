# A compute has an address of its own on a flat wire, where VMs are.
# kind:  address on the wrong wire
# node:  $compute
# parts: wires
# fails: wires/$flat/$compute/*
open() {
    ip link set "br-$flat" up
    ip address add "$(python3 -c "import ipaddress, sys; print(ipaddress.ip_network(sys.argv[1])[6])" "$flat_cidr")/24" dev "br-$flat"
}
close() {
    ip address flush dev "br-$flat"
    ip link set "br-$flat" down
}
