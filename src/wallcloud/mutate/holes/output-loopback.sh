# On control's loopback every account may connect to every port, RabbitMQ's distribution among them.
# kind:  loopback unfiltered
# node:  $control
# parts: reach
# fails: reach/$control:nobody/$control:loopback/tcp-25672
# fails: reach/$control:*/$control:*/*
open() { nft insert rule inet wallcloud output oifname lo accept; }
close() { walls_up; }
