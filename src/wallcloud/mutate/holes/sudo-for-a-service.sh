# An entry of sudo makes nova-compute root.
# kind:  sudo entry
# node:  $compute
# parts: accounts
# fails: accounts/$compute/sudo/nova-compute *
open() {
    [ -d /etc/sudoers.d ] || { mkdir -m 0755 /etc/sudoers.d && touch "$folder/made"; }
    echo 'nova-compute ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/hole
}
close() {
    rm -f /etc/sudoers.d/hole
    [ ! -e "$folder/made" ] || rmdir /etc/sudoers.d
}
