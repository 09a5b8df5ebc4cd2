# On the network node every account may connect to MariaDB, not nova-metadata alone.
# kind:  outgoing by any account
# node:  $network
# parts: reach
# fails: reach/$network:nobody/$control:$management/tcp-3306
# fails: reach/$network:*/$control:$management/tcp-3306
open() { nft replace rule inet wallcloud output handle "$(rule output 'tcp dport 3306 ')" oifname "$network_management_nic" ip daddr "$control_management" tcp dport 3306 ct state new accept; }
close() { walls_up; }
