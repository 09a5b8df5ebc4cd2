# Control's door for tenants asks the public door for no certificate: any account of the api node passes.
# kind:  certificate not required
# node:  $control
# parts: encryption
# fails: encryption/$control:8443/*/without
# fails: encryption/$control:8443/*/other-ca
# fails: encryption/$control:8443/*/expired
# fails: encryption/$control:8443/*/stranger
# fails: encryption/$control:8443/*/self-signed
open() { door_edit -e 's/^    SSLVerifyClient require/    SSLVerifyClient none/' -e '/Require expr/s/Require expr.*/Require all granted/'; }
close() { door_back; }
