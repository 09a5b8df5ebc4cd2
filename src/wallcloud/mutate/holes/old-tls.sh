# The management door speaks TLS 1.0.
# kind:  weak TLS
# node:  $control
# parts: encryption
# fails: encryption/$control:443/*/tls-1.1
# fails: encryption/$control:8443/*/tls-1.1
open() { door_edit -e 's/^SSLProtocol .*/SSLProtocol all/' -e 's/^SSLCipherSuite .*/SSLCipherSuite ALL:@SECLEVEL=0/'; }
close() { door_back; }
