# Control's door for tenants takes a certificate that nobody vouches for, and needs none. (One that claims to be of the
# site's CA and is not is refused by Apache even then.)
# kind:  wrong CA accepted
# node:  $control
# parts: encryption
# fails: encryption/$control:8443/*/self-signed
# fails: encryption/$control:8443/*/without
open() { door_edit -e 's/^    SSLVerifyClient require/    SSLVerifyClient optional_no_ca/' -e 's/^\( *SSLCARevocationCheck\) .*/\1 none/'; }
close() { door_back; }
