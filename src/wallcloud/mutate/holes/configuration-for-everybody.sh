# Every account of a compute reads nova-compute's configuration, with its password in it.
# kind:  secret file readable by all
# node:  $compute
# parts: paths
# fails: paths/$compute/*→/etc/wallcloud/nova-compute
# fails: paths/$compute/*→/etc/wallcloud/nova-compute/nova.conf
# fails: paths/$compute/mode/etc/wallcloud/nova-compute/nova.conf
open() {
    chmod 0755 /etc/wallcloud/nova-compute
    chmod 0644 /etc/wallcloud/nova-compute/nova.conf
}
close() {
    chmod 0640 /etc/wallcloud/nova-compute/nova.conf
    chmod 0750 /etc/wallcloud/nova-compute
}
