# Control's door for tenants takes a certificate of any CA, if only the name in it is right.
# kind:  wrong CA accepted
# node:  $control
# parts: encryption
# fails: encryption/$control:8443/*/other-ca
# fails: encryption/$control:8443/*/without
open() { door_edit -e 's/^    SSLVerifyClient require/    SSLVerifyClient optional_no_ca/'; }
close() { door_back; }
