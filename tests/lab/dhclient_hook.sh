#!/bin/sh
# What dhclient runs in a client: sets eth0 up as the server said and leaves the server's words in /run/lab/lease.
# shellcheck disable=SC2154 # dhclient sets the variables
set -u
case "$reason" in
BOUND | REBOOT)
	ip -4 address flush dev eth0
	ip address add "$new_ip_address/$new_subnet_mask" dev eth0
	[ -z "${new_routers-}" ] || ip -4 route replace default via "${new_routers%% *}"
	;;
BOUND6)
	ip -6 address replace "$new_ip6_address/$new_ip6_prefixlen" dev eth0
	# the router advertisement comes by itself, before the lease or after it
	for _ in $(seq 50); do
		grep -q 'Icmp6InRouterAdvertisements.*[1-9]' /proc/net/snmp6 && break
		sleep 0.1
	done
	;;
*)
	exit 0
	;;
esac
env | sed -n 's/^new_//p' >/run/lab/lease
ip -6 route show default dev eth0 | sed -n 's/^default via \([^ ]*\).*/routers6=\1/p' >>/run/lab/lease
for server in ${new_domain_name_servers-} ${new_dhcp6_name_servers-}; do
	echo "nameserver $server"
done >/etc/resolv.conf
