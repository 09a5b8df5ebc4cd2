# The public door's address is answered over every wire: the rule names no interface.
# kind:  rule widened by interface
# node:  $api
# parts: reach
# fails: reach/*>$api:$management/$api:$public/tcp-443
open() { nft replace rule inet wallcloud input handle "$(rule input 'tcp dport 443 ct state new')" ip daddr "$api_public" tcp dport 443 ct state new accept; }
close() { walls_up; }
