# The management door shows a certificate of this site that is for another name.
# kind:  certificate of the wrong name
# node:  $control
# parts: doors
# fails: management-door/verified
# fails: management-door/admin-token
# fails: management-door/wrong-password
open() {
    keep /etc/wallcloud/apache/apache2.conf
    cp /etc/wallcloud/tls/mariadb.pem "$folder/door.pem"
    install -o root -g www-data -m 0640 /etc/wallcloud/tls/mariadb.key /etc/wallcloud/apache/hole.key
    install -m 0644 /etc/wallcloud/tls/mariadb.pem /etc/wallcloud/apache/hole.pem
    door_edit -e '0,/SSLCertificateFile .*/s!SSLCertificateFile .*!SSLCertificateFile /etc/wallcloud/apache/hole.pem!' -e '0,/SSLCertificateKeyFile .*/s!SSLCertificateKeyFile .*!SSLCertificateKeyFile /etc/wallcloud/apache/hole.key!'
}
close() {
    door_back
    rm -f /etc/wallcloud/apache/hole.key /etc/wallcloud/apache/hole.pem
}
