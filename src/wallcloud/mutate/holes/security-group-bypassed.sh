# The switch of a compute lets new connections through to every VM on it, whatever its security groups say.
# kind:  security group bypassed
# node:  $compute
# parts: tenants
# fails: */port-closed
open() { ovs-ofctl -O OpenFlow13 add-flow br-int 'cookie=0xdead,table=82,priority=200,ct_state=+new-est,ip,actions=ct(commit,zone=NXM_NX_REG6[0..15]),output:NXM_NX_REG5[]'; }
close() { ovs-ofctl -O OpenFlow13 del-flows br-int cookie=0xdead/-1; }
