# A header of the public door tells where control is.
# kind:  management address leaked
# node:  $api
# parts: doors
# fails: public-door/no-management-address/*
# fails: public-door/member-token
# fails: public-door/versions/*
# fails: public-door/without-token/*
open() { door_edit -e 's/^    Header always set X-Content-Type-Options.*/&\n    Header always set X-Served-By "'"$control_management"'"/'; }
close() { door_back; }
