# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# netplan writes files for systemd-networkd or NetworkManager, and leaves devices that are in none.
enter() {
	run netplan apply
	delete $1
	for device in $2 $again; do
		if systemctl is-active --quiet systemd-networkd; then
			[ "${try:-0}" -lt 3 ] || run systemctl restart systemd-networkd
			run networkctl reconfigure "$device"
		else
			run nmcli device connect "$device"
		fi
	done
}
render() { run netplan generate; }
