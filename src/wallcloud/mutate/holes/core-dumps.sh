# MariaDB may leave its memory, with every secret in it, as a core dump.
# kind:  core dumps on
# node:  $control
# parts: paths
# fails: paths/$control/*core*
open() { prlimit --pid "$(systemctl show -P MainPID wallcloud-mariadb)" --core=unlimited:unlimited; }
close() { prlimit --pid "$(systemctl show -P MainPID wallcloud-mariadb)" --core=0:0; }
