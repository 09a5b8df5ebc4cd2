#!/bin/busybox sh
# For scripts in user-data: asks this guest's own prober. Status 0 if the answer says ok.
answer=$(echo "$*" | nc 127.0.0.1 7)
echo "$answer"
case $answer in '{"ok": true'*) exit 0 ;; esac
exit 1
