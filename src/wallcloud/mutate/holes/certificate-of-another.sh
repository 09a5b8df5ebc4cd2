# The management door shows a certificate of this site that is another's: nova-api's. Nobody gets an admin's token
# there, so that none can be refused at the public door either; nor does an API verify anybody's.
# kind:  certificate of the wrong name
# node:  $control
# parts: doors
# fails: management-door/verified
# fails: management-door/admin-token
# fails: management-door/wrong-password
# fails: public-door/admin-token
# fails: public-door/admin-token-as-subject
# fails: public-door/admin-x-auth-token/*
# fails: public-door/member-x-auth-token/*
# fails: public-door/service-x-service-token/*
open() {
    install -o root -g www-data -m 0640 /etc/wallcloud/tls/nova-api.key /etc/wallcloud/apache/hole.key
    door_edit -e '/^<VirtualHost .*:443>/,/^<.VirtualHost>/s!SSLCertificateFile .*!SSLCertificateFile /etc/wallcloud/tls/nova-api.pem!' -e '/^<VirtualHost .*:443>/,/^<.VirtualHost>/s!SSLCertificateKeyFile .*!SSLCertificateKeyFile /etc/wallcloud/apache/hole.key!'
}
close() {
    door_back
    rm -f /etc/wallcloud/apache/hole.key
}
