# MariaDB takes nova-metadata's password without nova-metadata's certificate.
# kind:  certificate not required
# node:  $control
# parts: accounts encryption
# fails: accounts/mariadb/nova-metadata@$network_management
# fails: encryption/$control:3306/nova-metadata@$network/without
# fails: encryption/$control:3306/nova-metadata@$network/stranger
# fails: encryption/$control:3306/nova-metadata@$network/neighbour
open() { sql "ALTER USER 'nova-metadata'@'$network_management' REQUIRE NONE"; }
close() { sql "ALTER USER 'nova-metadata'@'$network_management' REQUIRE SUBJECT '/CN=nova-metadata@$network'"; }
