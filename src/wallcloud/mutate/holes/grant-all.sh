# The account that comes over the network, nova-metadata's, may do everything in every database.
# kind:  grant of everything
# node:  $control
# parts: accounts
# fails: accounts/mariadb/nova-metadata@$network_management/on/[*].[*]
open() { sql "GRANT ALL PRIVILEGES ON *.* TO 'nova-metadata'@'$network_management'"; }
close() { sql "REVOKE ALL PRIVILEGES ON *.* FROM 'nova-metadata'@'$network_management'"; }
