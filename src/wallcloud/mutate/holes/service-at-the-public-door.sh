# Glance takes a service's token from the public door: whoever has stolen one speaks for any member, with its power.
# kind:  service's token accepted at the public door
# node:  $control
# parts: doors
# fails: public-door/service-x-service-token/image
open() {
    edit /etc/wallcloud/glance/api-paste.ini -e 's/^roles = admin,service$/roles = admin/'
    restarted wallcloud-glance
}
close() {
    restore /etc/wallcloud/glance/api-paste.ini || return 0
    restarted wallcloud-glance
}
