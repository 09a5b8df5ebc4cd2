# The public door's account may reach control's management door too, and with it every admin's API.
# kind:  flow added
# node:  $api
# parts: reach
# fails: reach/$api:www-data/$control:$management/tcp-443
open() { nft insert rule inet wallcloud output ip daddr "$control_management" tcp dport 443 meta skuid www-data ct state new accept; }
close() { walls_up; }
