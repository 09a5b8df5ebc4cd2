# MariaDB listens on every address of control.
# kind:  service bound to all addresses
# node:  $control
# parts: sockets
# fails: sockets/$control/tcp/*:3306
open() {
    edit /etc/wallcloud/mariadb/my.cnf -e 's/^bind-address = .*/bind-address = 0.0.0.0/'
    restarted wallcloud-mariadb 0.0.0.0:3306
}
close() {
    restore /etc/wallcloud/mariadb/my.cnf || return 0
    restarted wallcloud-mariadb "$control_management:3306"
}
