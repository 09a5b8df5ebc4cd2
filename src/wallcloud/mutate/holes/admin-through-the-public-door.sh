# Control takes what comes through the public door for the admins' own: admins' and services' tokens are good there.
# kind:  admin's token accepted at the public door
# node:  $control
# parts: doors
# fails: public-door/admin-login
# fails: public-door/admin-token
# fails: public-door/admin-token-as-subject
# fails: public-door/admin-x-auth-token/*
# fails: public-door/service-login
# fails: public-door/service-x-service-token/*
open() { door_edit -e 's/SetEnv WALLCLOUD_DOOR public/SetEnv WALLCLOUD_DOOR management/' -e 's/WallcloudDoor public/WallcloudDoor management/'; }
close() { door_back; }
