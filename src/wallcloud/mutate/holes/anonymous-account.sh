# MariaDB knows an account without a name, from anywhere.
# kind:  anonymous account
# node:  $control
# parts: accounts
# fails: accounts/mariadb/@%
open() { sql "CREATE USER ''@'%'"; }
close() { sql "DROP USER IF EXISTS ''@'%'"; }
