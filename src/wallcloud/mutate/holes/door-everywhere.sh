# The door through which the public door comes listens on every address of control.
# kind:  service bound to all addresses
# node:  $control
# parts: sockets
# fails: sockets/$control/tcp/*:8443
open() {
    edit /etc/wallcloud/apache/apache2.conf -e 's/^Listen .*:8443 https/Listen 0.0.0.0:8443 https/' -e 's/^<VirtualHost .*:8443>/<VirtualHost *:8443>/'
    restarted wallcloud-apache 0.0.0.0:8443
}
close() {
    restore /etc/wallcloud/apache/apache2.conf || return 0
    restarted wallcloud-apache "$control_management:8443"
}
