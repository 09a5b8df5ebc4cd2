# nova-api's account can be logged in to: it has a shell and somebody's key.
# kind:  account with a shell
# node:  $control
# parts: accounts
# fails: accounts/$control/nova-api/login
open() {
    keep /etc/passwd
    usermod --shell /bin/bash nova-api
    mkdir -p /etc/ssh/hole
    echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBh2vJ0hole0hole0hole0hole0hole0hole0hole0hole hole' >/etc/ssh/hole/nova-api
}
close() {
    usermod --shell /usr/sbin/nologin nova-api
    rm -rf /etc/ssh/hole
}
