# What is no tenants' API is proxied at the public door: /placement leads to control.
# kind:  admin path at the public door
# node:  $api
# parts: doors
# fails: public-door/nothing-else/placement
open() {
    door_edit -e '/^ProxyRequests Off/i <Location "/placement">\nRequire all granted\n</Location>' \
        -e 's!^    ProxyPass /network .*!&\n    ProxyPass /placement https://'"$(sed -n 's!.*https://\([^:]*\):8443/network .*!\1!p' /etc/wallcloud/apache/apache2.conf | head -1)"':8443/identity/v3!'
}
close() { door_back; }
