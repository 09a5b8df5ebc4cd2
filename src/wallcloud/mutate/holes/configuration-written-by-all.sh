# Every account of the api node may rewrite the public door's configuration, which is read by root's helper at a start.
# kind:  file writable by all
# node:  $api
# parts: paths
# fails: paths/$api/writable
open() { chmod 0666 /etc/wallcloud/apache/apache2.conf; }
close() { chmod 0644 /etc/wallcloud/apache/apache2.conf; }
