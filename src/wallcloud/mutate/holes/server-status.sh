# The public door shows Apache's own status: every request of every tenant.
# kind:  admin path at the public door
# node:  $api
# parts: doors
# fails: public-door/nothing-else/server-status
# fails: public-door/nothing-else/identity/../server-status
open() {
    door_edit -e '/^LoadModule ssl_module/a LoadModule status_module /usr/lib/apache2/modules/mod_status.so' \
        -e '/^ProxyRequests Off/i <Location "/server-status">\nRequire all granted\nSetHandler server-status\n</Location>'
}
close() { door_back; }
