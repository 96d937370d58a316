# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# ifdown works with the files that a device was started with, ifup with the new ones.
leave() { [ -z "$1" ] || run ifdown --force $1; }
# dhclient identifies itself to the server by what is in the leases of its device
inherit() {
	for pair in "$@"; do
		leases=/var/lib/dhcp/dhclient.${pair%=*}.leases
		[ ! -f "$leases" ] || sed "s/\"${pair%=*}\"/\"${pair#*=}\"/" "$leases" >"/var/lib/dhcp/dhclient.${pair#*=}.leases"
	done
}
enter() {
	# what was interrupted may still have addresses, which ifup refuses to give again
	[ "$phase" != undo ] || [ -z "$3" ] || run ifdown --force $3
	delete $1
	# bridge-utils takes link-local addresses from ports for good; the kernel makes them for what comes up
	for device in $2; do
		cat /proc/sys/net/ipv6/conf/default/addr_gen_mode >"/proc/sys/net/ipv6/conf/$device/addr_gen_mode"
		run ip link set dev "$device" down
		[ "$phase" != undo ] || run ip address flush dev "$device"
	done
	[ -z "$3" ] || run ifup --force $3
}
