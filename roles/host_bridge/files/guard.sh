# shellcheck shell=sh disable=SC2015,SC2016,SC2034,SC2086,SC2154
# The guard of a change: the host either confirms it over a new connection in time, or is as it was before.
# What stands above is written for one change.
#
#   guard arm      save the files, and have everything undone when nothing is heard for $timeout seconds
#   guard go       apply the change, in the background, as the connection may not survive it
#   guard await    wait for half of that time until all that is wanted is so, or say what is not
#   guard confirm  keep it
#   guard outcome  have it undone at once, wait for that, and say what went wrong (2: it is confirmed, 1: not undone)
#
# systemd starts the rest: apply, undo when time is up, and boot after a power loss, before the network.
# What is decided is the name of an empty folder, and what is done is one that goes: a full disk hinders neither.
work=/run/virtfleet-host-bridge # of this boot
kept=/etc/virtfleet-host-bridge # outlives a power loss, and is on the file system of what was saved
units=/etc/systemd/system unit=virtfleet-host-bridge
self=$0 phase=
umask 077

# Providers say in functions of these names what they do. Each command of theirs is started by `run`.
inherit() { :; } # let a device be known by servers as another one was: inherit FROM=TO...
leave() { :; }   # what must be stopped while the old files are there: leave DEVICES
enter() { :; }   # start what the files say: enter DEVICES-THAT-GO DEVICES-THAT-ARE-FREED DEVICES-TO-START
render() { :; }  # have the files read before the network starts

# Whether the change may go on: only one renaming can succeed, and who undoes or confirms renames first.
may() { [ -d "$work/undecided" ]; }
decide() { mv -T "$work/undecided" "$work/$1" 2>/dev/null; }

# A command of the change or of its undoing: none is started that may not be any more, and what may hang does not hang
# for ever. Whoever starts the guard ends it as a whole after a while; systemd starts the undoing again then.
run() {
	[ "$phase" != apply ] || may || exit 0
	timeout -k 2 "$patience" "$@"
}
patience=30

uptime() { read -r up _ </proc/uptime && echo "${up%.*}"; }

# What went wrong first, for whoever asks; it is one sentence's end.
why() { [ -s "$work/why" ] || echo "$1" >"$work/why"; }

# Run in the background after some seconds, apart from the connection; what is left running then goes on.
later() {
	name=$1 after=$2 restart=$3 && shift 3
	run systemd-run --quiet --collect --unit="$unit-$name" --on-active="$after" --timer-property=AccuracySec=100ms \
		--property=KillMode=process --property=Restart="$restart" --property=RestartSec=5 \
		--property=RuntimeMaxSec=$((patience * 4)) /bin/sh "$work/guard" "$@"
}

# Start the clock again: the new timer first, then the old one goes. Without a timer nothing is touched.
wind() {
	read -r clock </proc/sys/kernel/random/uuid || return
	later "undo-$clock" "$timeout" on-failure undo "$clock" || return
	if ! { echo "$clock" >"$work/clock.new" && [ -s "$work/clock.new" ] && mv -T "$work/clock.new" "$work/clock"; }; then
		run systemctl stop "$unit-undo-$clock.timer"
		return 1
	fi
	for timer in $(timers); do
		[ "$timer" = "$unit-undo-$clock.timer" ] || run systemctl stop "$timer"
	done
	return 0
}

timers() { run systemctl list-units --plain --no-legend "$unit-undo-*.timer" | while read -r timer _; do echo "$timer"; done; }
unwind() { for timer in $(timers); do run systemctl stop "$timer"; done; }

# Whether a unit of a change still runs or waits; when systemd does not say so, it does.
busy() { ! found=$(units_of "*") || [ -n "$found" ]; }
units_of() { run systemctl list-units --plain --no-legend --state=active,activating,deactivating "$unit-$1"; }

# At the next start, before the network, systemd undoes what nobody has confirmed by then.
at_next_start() {
	cat >"$kept/$unit.service" <<-END
		[Unit]
		Description=Undo a change of host bridges that was not confirmed
		DefaultDependencies=no
		Conflicts=shutdown.target
		Wants=network-pre.target
		After=systemd-remount-fs.service
		Before=network-pre.target systemd-networkd.service NetworkManager.service networking.service sysinit.target
		Before=shutdown.target
		ConditionPathExists=!$work
		ConditionPathExists=$kept/complete

		[Service]
		Type=oneshot
		TimeoutStartSec=60
		ExecStart=/bin/sh $kept/guard boot
	END
	[ -s "$kept/$unit.service" ] && run mkdir -p "$units/sysinit.target.wants" \
		&& run ln -sfn "$kept/$unit.service" "$units/$unit.service" \
		&& run ln -sfn "../$unit.service" "$units/sysinit.target.wants/$unit.service" \
		&& run sync -f "$units"
}
not_at_next_start() {
	rm -f "$units/sysinit.target.wants/$unit.service" "$units/$unit.service"
	rmdir "$units/sysinit.target.wants" 2>/dev/null
	[ ! -L "$units/sysinit.target.wants/$unit.service" ] && run sync -f "$units"
}

delete() {
	for device in "$@"; do
		[ ! -e "/sys/class/net/$device" ] || run ip link delete dev "$device"
	done
}

wants() {
	lacks=$1 && shift
	"$@" >/dev/null 2>&1
}
answers() { ping -c 1 -W 1 -I "$1" "$2" || ip neighbour show to "$2" dev "$1" | grep -q REACHABLE; }
holds() { [ "$(cat "$1")" = "$2" ]; }
has_address() { ip -oneline address show dev "$1" | grep -Fq " $2 "; }
has_lease() { ip -4 -oneline address show dev "$1" scope global | grep -q .; }
want_port() { wants "$2 is not a port of $1" test -e "/sys/class/net/$1/brif/$2"; }
want_stp() { wants "STP of $1 is not as it should be" holds "/sys/class/net/$1/bridge/stp_state" "$2"; }
want_mac() { wants "$1 does not have the MAC address $2" holds "/sys/class/net/$1/address" "$2"; }
want_gone() { wants "$1 is still there" test ! -e "/sys/class/net/$1"; }
want_address() { wants "$1 does not have the address $2" has_address "$1" "$2"; }
want_lease() { wants "$1 got no address by DHCP" has_lease "$1"; }
want_answer() { wants "$2 does not answer behind $1" answers "$1" "$2"; }
want_target() { wants "$1 does not answer" ping -c 1 -W 1 "$1"; }

refuse() {
	echo "$1; nothing was changed"
	exit 1
}

# Two at once: one gets the lock. No command holds it longer than its shell lives.
arm() {
	exec 9>"/run/$unit.lock"
	flock -n 9 || refuse "another change of its bridges is under way; try again in a minute"
	arm_alone 9>&-
}
arm_alone() {
	! busy || refuse "another change of its bridges is under way; try again in a minute"
	if [ -e "$kept/complete" ] && { [ ! -d "$work" ] || [ -e "$work/began" ]; }; then
		[ -d "$work" ] && read -r clock <"$work/clock" && later "undo-again-$clock" 0 on-failure undo "$clock" \
			|| /bin/sh "$kept/guard" boot
		refuse "an earlier change was neither confirmed nor undone, and is undone now; try again in a minute"
	fi
	forget # what is left of one that was killed before it touched anything
	mkdir "$work" && run cp "$self" "$work/guard" && mkdir "$work/unfinished" "$work/undecided" && true >"$work/log" \
		&& true >"$work/lock" || fail "cannot keep its state in $work"
	save || fail "cannot save the files of $folders to $kept"
	wind || fail "systemd does not start a timer for the undoing"
	at_next_start || fail "cannot have the change undone at the next start"
}
fail() {
	unwind
	forget
	refuse "$1"
}
forget() {
	not_at_next_start
	rm -rf "$work" "$kept" "$kept.done"
}

go() {
	read -r clock <"$work/clock" && later "apply-$clock" 1 no apply
}

apply() {
	may && wind || exit 1
	exec >>"$work/log" 2>&1
	phase=apply patience=$timeout
	true >"$work/began" && may || exit 1
	leave "$old"
	may || exit 0
	write_files || { why "its files cannot be written"; exit 1; }
	inherit $moves
	enter "$gone" "$freed" "$new"
	for pair in $stp; do
		state=/sys/class/net/${pair%=*}/bridge/stp_state
		[ ! -e "$state" ] || echo "${pair#*=}" >"$state"
	done
	may && true >"$work/applied"
}

# End the change with all that it has started: nothing of it may come after the undoing.
end_apply() {
	for _ in 1 2 3 4 5; do
		run systemctl stop --no-block "$unit-apply-*.timer"
		run systemctl kill --signal=KILL "$unit-apply-*.service"
		found=$(units_of "apply-*") && [ -z "$found" ] && return
		sleep 0.2
	done
}

undo() {
	read -r clock <"$work/clock" && [ "${1-}" != "$clock" ] && exit 0
	[ -d "$work/unfinished" ] || exit 0
	end_earlier
	exec 8>>"$work/lock"
	flock -n -E 9 8
	[ $? != 9 ] || exit 1 # what has just been killed may still hold it: systemd starts this again
	undo_alone 8>&-
}
undo_alone() {
	until [ -d "$work/undoing" ] || decide undoing; do
		[ ! -d "$work/confirmed" ] || { finish; exit; }
		sleep 0.2
	done
	exec >>"$work/log" 2>&1
	phase=undo
	end_apply
	if [ -d "$kept" ] && [ -e "$work/began" ]; then
		take_back || return 0 # it gives up
	elif [ -d "$kept" ]; then
		restore || return
	fi # without the saved files, it was interrupted when all was done
	finish
}

# End what an undoing of the same unit has left that hung and was ended: it may hold the lock, and come back to life.
end_earlier() {
	group=
	while IFS=: read -r _ kind path; do
		case $kind:$path in :*"/$unit-undo-"*.service | name=systemd:*"/$unit-undo-"*.service) group=$path ;; esac
	done </proc/self/cgroup
	[ -n "$group" ] || return 0
	for processes in /sys/fs/cgroup"$group"/cgroup.procs /sys/fs/cgroup/*/"${group#/}"/cgroup.procs; do
		[ ! -r "$processes" ] || while read -r process; do
			[ "$process" = $$ ] || kill -KILL "$process"
		done <"$processes"
	done
}

# As often as it takes: first softly, later the provider itself is started again.
take_back() {
	leave "$new"
	try=0 whole=
	while [ "$try" -lt 12 ] || [ -z "$whole" ]; do
		# they are counted over a restart of the undoing, too
		echo >>"$work/tries"
		try=$(wc -l <"$work/tries") || try=1
		restore && whole=1 || whole=
		[ "$try" -gt 1 ] && is_back || enter "$made" "$ports" "$old"
		for _ in $(seq 50); do
			is_back && sleep 0.5 && is_back && break
			sleep 0.2
		done
		[ -z "$whole" ] || ! is_back || return 0
		sleep 1
	done
	return 1
}

await() {
	end=$(($(uptime) + timeout / 2))
	lacks="it was not applied"
	until may && [ -e "$work/applied" ] && check; do
		if [ "$(uptime)" -ge "$end" ] || ! may || [ -s "$work/why" ]; then
			why "$lacks"
			exit 1
		fi
		sleep 0.2
	done
	wind
}

confirm() {
	[ -d "$work/confirmed" ] || decide confirmed || exit 1
	finish
}

# Nothing is left to do. Once the saved files are out of the way, nothing is undone at the next start, either. Whoever
# hears that it failed calls it again.
finish() {
	[ ! -d "$kept" ] || { rm -rf "$kept.done" && mv -T "$kept" "$kept.done"; } || return
	run sync -f /etc
	not_at_next_start || return
	unwind
	rm -rf "$kept.done" || return
	[ ! -d "$work/unfinished" ] || rmdir "$work/unfinished"
}

# After a power loss: only files, as no network runs yet.
boot() {
	restore || exit 1
	render
	mkdir -p "$work/undoing" && cp "$kept/guard" "$work/guard"
	why "it was restarted before the change was confirmed"
	finish
}

# Whoever asks for it does not confirm any more, so the rest of the time is not waited for.
outcome() {
	if [ -d "$work/confirmed" ]; then
		finish && exit 2
		echo "the change is confirmed, but $kept cannot be removed, and so it would be undone at the next start"
		exit 1
	fi
	read -r clock <"$work/clock" && run systemctl start --no-block "$unit-undo-$clock.service"
	for _ in $(seq "$((timeout * 5 + 600))"); do
		[ -d "$work/unfinished" ] || break
		sleep 0.2
	done
	cat "$work/why" 2>/dev/null
	[ ! -d "$work/unfinished" ] && [ -d "$work/undoing" ]
}
