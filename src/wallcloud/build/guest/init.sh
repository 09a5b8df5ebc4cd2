#!/bin/busybox sh
# The guest's first process: devices, network cards, DHCP; then the program that answers and probes.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
# Nova's kernel command line ends with console=hvc0, which is not there: /dev/console leads nowhere.
exec </dev/null >/dev/ttyS0 2>&1
dmesg -n 1
read -r up _ </proc/uptime
echo "wallcloud-guest: test image, open to whoever reaches it; user space after $up s"

load() {
    module=$1
    shift
    insmod "/lib/modules/$module.ko" "$@" || echo "wallcloud-guest: module $module was not loaded"
}
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover; do
    load "$module"
done
# A userspace switch passes on partial checksums as they are: the guest must make whole ones.
load virtio_net csum=0 gso=0

ip link set lo up
for card in /sys/class/net/eth*; do
    card=${card##*/}
    ip link set "$card" up
    udhcpc -f -i "$card" -s /lib/guest/dhcp.sh -O mtu -O staticroutes -t 5 -T 1 -A 3 >/dev/null 2>&1 &
done

load button
load evdev
acpid -f -l /dev/null 2>/dev/null &  # the power button is how Nova stops a server

while :; do
    PYTHONHOME=/usr PYTHONDONTWRITEBYTECODE=1 python3.11 -S -s -c 'import guest.main; guest.main.main()'
    echo "wallcloud-guest: the prober ended with $?; starting it again"
    sleep 1
done
