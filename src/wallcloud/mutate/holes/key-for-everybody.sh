# Every account of control reads MariaDB's private key.
# kind:  key readable by all
# node:  $control
# parts: paths
# fails: paths/$control/*→/etc/wallcloud/tls/mariadb.key
# fails: paths/$control/mode/etc/wallcloud/tls/mariadb.key
open() { chmod 0644 /etc/wallcloud/tls/mariadb.key; }
close() { chmod 0640 /etc/wallcloud/tls/mariadb.key; }
