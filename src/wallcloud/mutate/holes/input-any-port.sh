# Admins reach every port of the network node, not SSH alone.
# kind:  rule widened by port
# node:  $network
# parts: reach
# fails: reach/admin/$network:$management/tcp-443
# fails: reach/admin/$network:$management/tcp-*
open() { nft replace rule inet wallcloud input handle "$(rule input 'tcp dport 22 ')" iifname "$network_management_nic" ip saddr "$admins" ip daddr "$network_management" meta l4proto tcp ct state new accept; }
close() { walls_up; }
