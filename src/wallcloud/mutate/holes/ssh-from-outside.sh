# The office reaches the api node by SSH at its public address.
# kind:  admin door opened to public
# node:  $api
# parts: reach
# fails: reach/office/$api:$public/tcp-22
# fails: reach/*/$api:$public/tcp-22
open() { nft insert rule inet wallcloud input iifname "$api_public_nic" ip daddr "$api_public" tcp dport 22 ct state new accept; }
close() { walls_up; }
