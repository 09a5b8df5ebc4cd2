# Beside the management door control serves Keystone without TLS to every account of its own.
# kind:  service without TLS
# node:  $control
# parts: sockets
# fails: sockets/$control/tcp/127.0.0.1:8080
open() { door_edit -e '$a Listen 127.0.0.1:8080 http\n<VirtualHost 127.0.0.1:8080>\nSetEnv WALLCLOUD_DOOR management\nProxyPass /identity unix:/run/wallcloud/keystone.sock|uwsgi://keystone-inner/ retry=0\n</VirtualHost>'; }
close() { door_back; }
