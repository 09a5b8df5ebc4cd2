# The firewall of a compute lets in whatever it did not name: the rule that drops is gone and the policy is accept.
# kind:  rule removed
# node:  $compute
# parts: reach
# fails: reach/$network:hostile/$compute:$management/tcp-22
# fails: reach/*:hostile/$compute:$management/*
# fails: reach/*/$compute:$management/*
# fails: reach/router>$compute:$management/$compute:$overlay/*
# besides: wires/$management/$compute/*-from-*
# besides: wires/$management/$compute/protocol-*
open() {
    nft add chain inet wallcloud input '{ policy accept; }'
    nft delete rule inet wallcloud input handle "$(last_rule input)"
}
close() { walls_up; }
