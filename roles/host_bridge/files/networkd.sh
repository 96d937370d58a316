# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# systemd-networkd makes what is in new files, and leaves what is in none.
enter() {
	if [ "${try:-0}" -lt 3 ]; then run networkctl reload; else run systemctl restart systemd-networkd; fi
	delete $1
	for device in $2 $again; do run networkctl reconfigure "$device"; done
}
