# Placement's account at MariaDB reads Keystone's database too.
# kind:  grant widened
# node:  $control
# parts: accounts
# fails: accounts/mariadb/placement@localhost/on/keystone.*
open() { sql "GRANT SELECT ON keystone.* TO 'placement'@'localhost'"; }
close() { sql "REVOKE IF EXISTS SELECT ON keystone.* FROM 'placement'@'localhost'" 2>/dev/null || sql "REVOKE SELECT ON keystone.* FROM 'placement'@'localhost'" || ! sql "SHOW GRANTS FOR 'placement'@'localhost'" | grep -q keystone; }
