#!/bin/sh
# Print what the host has that a bridge is made of: a record a line, of a kind, what it holds in base64, and a name.
# Changes nothing.
set -u
export LC_ALL=C

record() { printf '%s %s %s\n' "$1" "$(base64 -w0)" "${2-}"; }

ip -details -json address show | record links
ip -json -4 route show default | record routes
ip -json -6 route show default | record routes

for gateway in $({ ip -4 route show default && ip -6 route show default; } | sed -n 's/.* via \([^ ]*\) dev \([^ ]*\).*/\1%\2/p'); do
	address=${gateway%\%*} device=${gateway#*%}
	ping -c 1 -W 1 -I "$device" "$address" >/dev/null 2>&1 \
		|| ip neighbour show to "$address" dev "$device" | grep -q REACHABLE || continue
	record answering "$address" </dev/null
done

print_file() {
	[ -f "$1" ] || return
	# shellcheck disable=SC2094 # its name is no file that is written
	record file "$1" <"$1"
	stat -L -c %a "$1" | record mode "$1"
}
for file in /etc/systemd/network/*.net* /etc/systemd/network/*.network.d/*.conf /lib/systemd/network/*.network \
	/run/systemd/network/*.network /etc/netplan/*.yaml /etc/network/interfaces /etc/network/interfaces.d/*; do
	print_file "$file"
done

if systemctl is-active --quiet systemd-networkd 2>/dev/null; then
	for file in /run/systemd/netif/links/*; do
		[ -f "$file" ] && record networkd "${file##*/}" <"$file"
	done
fi
if nmcli --terse general status >/dev/null 2>&1; then
	nmcli --terse --escape no --fields GENERAL device show | record devices
	nmcli --terse --escape no --fields UUID,FILENAME connection show | record filenames
	# passwords of wireless networks stay where they are
	nmcli --terse --escape no --fields TYPE,FILENAME connection show \
		| sed -n -E 's,^(802-3-ethernet|bridge|vlan):(.*/system-connections/.*)$,\2,p' \
		| while IFS= read -r file; do print_file "$file"; done
fi
[ -d /run/systemd/system ] && record command systemd </dev/null
command -v brctl >/dev/null && record command brctl </dev/null
[ -f /run/network/ifstate ] && record ifstate </run/network/ifstate
exit 0
