# The api node forwards packets between the public network and management.
# kind:  forwarding on
# node:  $api
# parts: reach
# fails: reach/*>$api:$public/*:$management/*
# fails: reach/*>$api:$management/*
open() {
    set_sysctls net.ipv4.ip_forward=1
    nft insert rule inet wallcloud forward accept
}
close() {
    restore_sysctls
    walls_up
}
