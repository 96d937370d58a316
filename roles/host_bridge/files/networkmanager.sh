# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# NetworkManager starts profiles by what is in their keyfiles, and stops those whose keyfiles are gone.
enter() {
	[ "${try:-0}" -lt 3 ] || run systemctl restart NetworkManager
	run nmcli connection reload
	if [ "$phase" = undo ]; then
		delete $1
		for pair in $resumed; do run nmcli --wait 20 connection up uuid "${pair%=*}" ifname "${pair#*=}"; done
		return
	fi
	for device in $reapplied; do run nmcli device reapply "$device"; done
	for profile in $start; do run nmcli --wait "$timeout" connection up uuid "$profile"; done
	delete $1
}
