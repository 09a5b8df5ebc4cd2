# The switch of a compute takes every VM's frames as they come: of another's address, MAC address or kind.
# kind:  anti-spoofing removed
# node:  $compute
# parts: tenants
# fails: frames/*
open() {
    ovs-ofctl -O OpenFlow13 add-flow br-int 'cookie=0xdead,table=71,priority=200,ip,actions=ct(table=72,zone=NXM_NX_REG6[0..15])'
    ovs-ofctl -O OpenFlow13 add-flow br-int 'cookie=0xdead,table=71,priority=200,arp,actions=resubmit(,94)'
}
close() { ovs-ofctl -O OpenFlow13 del-flows br-int cookie=0xdead/-1; }
