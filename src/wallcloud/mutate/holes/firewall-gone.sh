# The api node has no firewall at all: its table is deleted.
# kind:  ruleset gone
# node:  $api
# parts: reach
# fails: reach/$control:hostile/$api:$management/tcp-22
# fails: reach/office/$api:$public/tcp-22
# fails: reach/$api:*/$control:$management/tcp-3306
# fails: reach/*/$api:*/*
# fails: reach/$api:*/*/*
# besides: wires/$management/$api/*-from-*
# besides: wires/$management/$api/protocol-*
# besides: wires/$public/$api/*-from-*
# besides: wires/$public/$api/protocol-*
open() { nft delete table inet wallcloud; }
close() { walls_up; }
