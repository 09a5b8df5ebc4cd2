#!/bin/busybox sh
# udhcpc's script: sets what the server said, and writes it down for the prober. Never flushes: a renewal breaks nothing.
export PATH=/bin
case $1 in bound | renew) ;; *) exit 0 ;; esac
metric=$((100 + ${interface#eth}))
[ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
for old in $(ip -4 -o addr show dev "$interface" | awk '{print $4}'); do
    [ "$1" = bound ] && [ "$old" != "$ip/$mask" ] && ip addr del "$old" dev "$interface"
done
ip addr replace "$ip/$mask" broadcast + dev "$interface"
if [ -n "$staticroutes" ]; then # RFC 3442: then `router` does not count
    set -- $staticroutes
    while [ $# -ge 2 ]; do
        via="via $2"
        [ "$2" = 0.0.0.0 ] && via=
        ip route replace "$1" $via dev "$interface" metric "$metric"
        shift 2
    done
elif [ -n "$router" ]; then
    ip route replace default via "${router%% *}" dev "$interface" metric "$metric"
fi
: >/etc/resolv.conf
for server in $dns; do echo "nameserver $server" >>/etc/resolv.conf; done
{
    echo "address=$ip"
    echo "prefix=$mask"
    echo "router=$router"
    echo "server=$serverid"
    echo "dns=$dns"
    echo "domain=$domain"
    echo "mtu=$mtu"
    echo "lease=$lease"
    echo "routes=$staticroutes"
} >"/run/dhcp-$interface.new"
[ -e "/run/dhcp-$interface" ] || first=yes
mv "/run/dhcp-$interface.new" "/run/dhcp-$interface"
if [ -n "$first" ]; then
    read -r up _ </proc/uptime
    read -r mac <"/sys/class/net/$interface/address"
    read -r size <"/sys/class/net/$interface/mtu"
    echo "wallcloud-guest: $interface $mac $ip/$mask mtu $size after $up s" >/dev/ttyS0
fi
