# The public door answers HTTP without TLS, if only to say where to go: the token is on the wire by then.
# kind:  plaintext answered
# node:  $api
# parts: doors
# fails: public-door/plaintext
open() { door_edit -e 's!^    SSLEngine on!&\n    ErrorDocument 400 https://'"$domain"'/identity/v3!'; }
close() { door_back; }
