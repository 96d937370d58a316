# shellcheck shell=dash
# What udhcpc runs in a guest: takes a lease into use and prints it on the console.
# shellcheck disable=SC2154 # udhcpc sets the variables
case $1 in
bound | renew)
	ip -4 address flush dev "$interface"
	ip address add "$ip/$mask" dev "$interface"
	[ -z "$router" ] || ip route replace default via "${router%% *}" dev "$interface"
	for server in $dns; do
		echo "nameserver $server"
	done >/etc/resolv.conf
	;;
esac
if [ "$1" = bound ]; then
	echo "NIC $interface $(cat "/sys/class/net/$interface/address") ADDRESS $ip/$mask" >/dev/ttyS0
fi
