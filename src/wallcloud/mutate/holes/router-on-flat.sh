# A tenant may attach a router to a flat network: the guard is not loaded.
# kind:  router on a flat network allowed
# node:  $control
# parts: tenants
# fails: refused/*flat*
open() {
    edit /etc/wallcloud/neutron-api/neutron.conf -e '/^service_plugins/s/,[^,]*flat[^,]*//'
    restarted wallcloud-neutron-api
}
close() {
    restore /etc/wallcloud/neutron-api/neutron.conf || return 0
    restarted wallcloud-neutron-api
}
