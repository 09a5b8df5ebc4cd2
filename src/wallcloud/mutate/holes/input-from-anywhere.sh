# MariaDB's port on control takes new connections from any source on management, not from the network node alone.
# kind:  rule widened by source
# node:  $control
# parts: reach
# fails: reach/$compute:hostile/$control:$management/tcp-3306
# fails: reach/$compute2:hostile/$control:$management/tcp-3306
# fails: reach/$api:hostile/$control:$management/tcp-3306
# fails: reach/admin/$control:$management/tcp-3306
# fails: reach/router/$control:$management/tcp-3306
open() { nft replace rule inet wallcloud input handle "$(rule input 'tcp dport 3306')" iifname "$control_management_nic" ip daddr "$control_management" tcp dport 3306 ct state new accept; }
close() { walls_up; }
