# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# NetworkManager keeps profiles and devices in a checkpoint; when all else fails, it goes back to that by itself.
manager="org.freedesktop.NetworkManager /org/freedesktop/NetworkManager org.freedesktop.NetworkManager"
hold() {
	busctl call $manager CheckpointCreate aouu 0 $((timeout * 5)) 7 | sed 's/^o "\(.*\)"$/\1/' >"$work/checkpoint"
	[ -s "$work/checkpoint" ]
}
release() { busctl call $manager CheckpointDestroy o "$(cat "$work/checkpoint")"; }
revert() { busctl call $manager CheckpointRollback o "$(cat "$work/checkpoint")"; }
enter() {
	if [ "$phase" = undo ]; then
		nmcli connection reload
		return
	fi
	for pair in $wide; do nmcli connection modify "${pair%=*}" 802-3-ethernet.mtu "${pair#*=}"; done
	for device in $reapplied; do nmcli device reapply "$device"; done
	for profile in $start; do nmcli connection up "$profile"; done
	for profile in $dropped; do nmcli connection delete "$profile"; done
	delete $1
}
