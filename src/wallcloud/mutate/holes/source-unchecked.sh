# The api node takes packets from anywhere over any wire: reverse path filtering is off.
# kind:  weak host model
# node:  $api
# parts: reach
# fails: reach/admin/$api:$public/tcp-443
open() {
    set_sysctls net.ipv4.conf.all.rp_filter=0 "net.ipv4.conf.$api_management_nic.rp_filter=0" "net.ipv4.conf.$api_public_nic.rp_filter=0"
}
close() { restore_sysctls; }
