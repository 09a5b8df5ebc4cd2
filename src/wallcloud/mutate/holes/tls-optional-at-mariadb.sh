# MariaDB speaks without TLS over the network, and one account need not have it. (Each of the two alone lets nobody in.)
# kind:  TLS optional
# node:  $control
# parts: encryption
# fails: encryption/$control:3306/nova-metadata@$network/plaintext
# fails: encryption/$control:3306/nova-metadata@$network/without
# fails: encryption/$control:3306/nova-metadata@$network/stranger
# fails: encryption/$control:3306/nova-metadata@$network/neighbour
# besides: accounts/mariadb/nova-metadata@$network_management
open() { sql "SET GLOBAL require_secure_transport = OFF; ALTER USER 'nova-metadata'@'$network_management' REQUIRE NONE"; }
close() { sql "SET GLOBAL require_secure_transport = ON; ALTER USER 'nova-metadata'@'$network_management' REQUIRE SUBJECT '/CN=nova-metadata@$network'"; }
