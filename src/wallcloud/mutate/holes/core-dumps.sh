# A crash of MariaDB would write what it has in memory, every password and token of it, to a file.
# kind:  core dumps
# node:  $control
# parts: paths
# fails: paths/$control/core/wallcloud-mariadb.service
open() {
    mkdir -p /run/systemd/system/wallcloud-mariadb.service.d
    printf '[Service]\nLimitCORE=infinity\n' >/run/systemd/system/wallcloud-mariadb.service.d/core.conf
    systemctl daemon-reload
    restarted wallcloud-mariadb
}
close() {
    [ -e /run/systemd/system/wallcloud-mariadb.service.d/core.conf ] || return 0
    rm -r /run/systemd/system/wallcloud-mariadb.service.d
    systemctl daemon-reload
    restarted wallcloud-mariadb
}
