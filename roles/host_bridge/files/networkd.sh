# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# systemd-networkd makes what is in new files, and leaves what is in none.
enter() {
	networkctl reload
	delete $1
	for device in $2 $again; do networkctl reconfigure "$device"; done
}
