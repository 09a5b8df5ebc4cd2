# MariaDB knows an account without a name, from anywhere.
# kind:  anonymous account
# node:  $control
# parts: accounts
# fails: accounts/mariadb/@%
# fails: accounts/mariadb/* as *
open() { sql "CREATE USER ''@'%'"; }
close() { sql "DROP USER IF EXISTS ''@'%'"; }
