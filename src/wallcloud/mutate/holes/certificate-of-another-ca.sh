# The public door shows a certificate of the right name that no CA of this site signed.
# kind:  certificate of another CA
# node:  $api
# parts: doors
# fails: public-door/verified
# fails: public-door/no-management-address/*
# fails: public-door/member-token
# fails: public-door/member-x-auth-token/*
# fails: public-door/admin-*
# fails: public-door/service-*
# fails: public-door/nothing-else/*
# fails: public-door/without-token/*
# fails: public-door/versions/*
open() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$domain" -addext "subjectAltName=DNS:$domain" \
        -keyout "$folder/key" -out "$folder/pem"
    install -o root -g www-data -m 0640 "$folder/key" /etc/wallcloud/apache/hole.key
    install -m 0644 "$folder/pem" /etc/wallcloud/apache/hole.pem
    door_edit -e 's!SSLCertificateFile .*!SSLCertificateFile /etc/wallcloud/apache/hole.pem!' -e 's!SSLCertificateKeyFile .*!SSLCertificateKeyFile /etc/wallcloud/apache/hole.key!'
}
close() {
    door_back
    rm -f /etc/wallcloud/apache/hole.key /etc/wallcloud/apache/hole.pem
}
