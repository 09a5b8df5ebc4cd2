# The public door answers HTTP without TLS.
# kind:  plaintext answered
# node:  $api
# parts: doors
# fails: public-door/plaintext
open() { door_edit -e 's!^    SSLEngine on!&\n    ErrorDocument 400 /identity/v3!'; }
close() { door_back; }
