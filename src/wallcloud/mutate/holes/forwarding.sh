# The api node forwards packets between the public network and management.
# kind:  forwarding on
# node:  $api
# parts: reach
# fails: reach/*>$api:$public/*:$management/*
# fails: reach/*>$api:$management/*
# besides: wires/$management/$api/forward-$public
# besides: wires/$public/$api/forward-$management
open() {
    # When it changes, the kernel turns accept_redirects the other way (inet_forward_change): put back after it.
    local each
    for each in all default; do
        echo "net.ipv4.conf.$each.accept_redirects=$(sysctl -n "net.ipv4.conf.$each.accept_redirects")" >>"$folder/sysctls"
    done
    set_sysctls net.ipv4.ip_forward=1
    nft insert rule inet wallcloud forward accept
}
close() {
    restore_sysctls
    walls_up
}
