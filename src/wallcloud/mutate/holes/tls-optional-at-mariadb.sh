# MariaDB speaks without TLS over the network.
# kind:  TLS optional
# node:  $control
# parts: encryption
# fails: encryption/$control:3306/*/plaintext
open() { sql "SET GLOBAL require_secure_transport = OFF"; }
close() { sql "SET GLOBAL require_secure_transport = ON"; }
