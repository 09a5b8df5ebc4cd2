# MariaDB takes nova-metadata's password without nova-metadata's certificate.
# kind:  certificate not required
# node:  $control
# parts: accounts encryption
# fails: accounts/mariadb/nova-metadata@*
# fails: encryption/$control:3306/nova-metadata@$network/*
open() { sql "ALTER USER 'nova-metadata'@'$network_management' REQUIRE NONE"; }
close() { sql "ALTER USER 'nova-metadata'@'$network_management' REQUIRE SUBJECT '/CN=nova-metadata@$network'"; }
