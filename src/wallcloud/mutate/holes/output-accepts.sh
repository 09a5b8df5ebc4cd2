# Whatever runs on a compute may connect to anywhere: the outgoing chain accepts what it does not name.
# kind:  outgoing rule removed
# node:  $compute
# parts: reach
# fails: reach/$compute:nobody/$control:$management/tcp-443
# fails: reach/$compute:*/*/*
open() {
    nft add chain inet wallcloud output '{ policy accept; }'
    nft delete rule inet wallcloud output handle "$(last_rule output)"
}
close() { walls_up; }
