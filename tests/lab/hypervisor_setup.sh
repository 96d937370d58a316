#!/bin/sh
# Turns a fresh machine into an empty hypervisor; runs inside it, as root, before libvirt starts.
set -eu
cd /run/lab # what the lab wrote for this machine

# nothing of the machine below may be seen: no guest, network, pool, secret or hook of a real hypervisor
for entry in /etc/libvirt/*; do
	[ "$entry" = /etc/libvirt/nwfilter ] || rm -rf "$entry"
done
rm -rf /var/lib/libvirt /var/log/libvirt /var/cache/libvirt
mkdir -p /etc/libvirt/qemu /var/lib/libvirt/qemu /var/log/libvirt /var/cache/libvirt
cp qemu.conf /etc/libvirt/
uuid=$(cat /proc/sys/kernel/random/uuid)
for conf in *d.conf; do
	{ cat "$conf" && echo "host_uuid = \"$uuid\""; } >"/etc/libvirt/$conf"
done

echo "nameserver 192.0.2.1" >/etc/resolv.conf # the outside world's
sysctl --quiet --write net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

# "!" in the password field locks an account out of ssh, "*" does not
useradd --create-home --shell /bin/bash --password '*' auditor
usermod --password '*' root
