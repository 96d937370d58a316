# shellcheck shell=sh disable=SC2015,SC2016,SC2034,SC2086,SC2154
# The guard of a change: whatever becomes of it, and of the connection that it was asked for over, the host either
# confirms it over a new connection in time, or is as it was before. What stands above is written for one change.
#
#   guard arm      save the files, and have everything undone when nothing is heard for $timeout seconds
#   guard go       apply the change, in the background, as the connection may not survive it
#   guard await    wait for half of that time until all that is wanted is so, or say what is not
#   guard confirm  keep it
#   guard outcome  have it undone at once, wait for that, and say what went wrong
work=/run/virtfleet-host-bridge
unit=virtfleet-host-bridge
self=$0

# Providers that have more to do say so in a function of the same name.
hold() { :; }    # keep the state of the provider
release() { :; } # forget it
revert() { :; }  # bring it back
inherit() { :; } # let a device be known by servers as another one was: inherit FROM=TO...
leave() { :; }   # what must be stopped while the old files are there: leave DEVICES
enter() { :; }   # start what the files say: enter DEVICES-THAT-GO DEVICES-THAT-ARE-FREED DEVICES-TO-START

# Who comes first decides: the confirmation or the undoing.
decide() { mkdir "$work/decided" 2>/dev/null; }

seconds() { cut -d. -f1 /proc/uptime; }

# Run in the background after some seconds, apart from the connection; what is left running then goes on.
later() {
	name=$1 after=$2 && shift 2
	if [ -d /run/systemd/system ]; then
		systemctl stop "$unit-$name-*.timer" 2>/dev/null
		# an old unit of the name lives on as long as what it has started
		systemd-run --quiet --collect --unit="$unit-$name-$(seconds)-$$" --on-active="$after" \
			--timer-property=AccuracySec=100ms --property=KillMode=process /bin/sh "$work/guard" "$@"
	else
		setsid sh -c 'sleep "$0"; exec /bin/sh "$@"' "$after" "$work/guard" "$@" </dev/null >/dev/null 2>&1 &
	fi
}

# Nothing that is heard later than this may come too late because others were waited for: the clock starts anew.
wind() {
	clock=$(cat /proc/sys/kernel/random/uuid)
	echo "$clock" >"$work/clock"
	later undo "$timeout" undo "$clock"
}

unwind() { [ ! -d /run/systemd/system ] || systemctl stop "$unit-undo-*.timer"; }

# Files of the provider, as they were: those that are new go.
restore() {
	(cd "$work/saved" && find . -type f -o -type l | while read -r file; do cp -a "$file" "/$file"; done)
	for folder in $folders; do
		[ -d "$folder" ] || continue
		find "$folder" -mindepth 1 -depth | while read -r file; do
			[ -e "$work/saved$file" ] || [ -L "$work/saved$file" ] || rm -rf "$file"
		done
	done
}

# A new file with a mode, of text in base64; one that is there keeps owner and mode.
write() {
	mkdir -p "${1%/*}"
	[ -e "$1" ] || install -m "$2" /dev/null "$1"
	base64 -d >"$1"
}

delete() {
	for device in "$@"; do
		[ ! -e "/sys/class/net/$device" ] || ip link delete dev "$device"
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

arm() {
	if [ -d "$work" ] && [ ! -d "$work/decided" ]; then
		echo "another change of its bridges is under way; try again in a minute" >&2
		exit 1
	fi
	rm -rf "$work" && mkdir -m 700 "$work" && mkdir "$work/saved" && mv "$self" "$work/guard" || exit 1
	for folder in $folders; do
		[ ! -d "$folder" ] || { mkdir -p "$work/saved$folder" && cp -a "$folder/." "$work/saved$folder"; } || exit 1
	done
	hold && wind && return
	mkdir "$work/decided"
	exit 1
}

apply() {
	[ ! -d "$work/decided" ] || exit 0
	exec >>"$work/log" 2>&1
	wind
	phase=apply
	touch "$work/began"
	leave "$old"
	write_files
	inherit $moves
	enter "$gone" "$freed" "$new"
	for pair in $stp; do
		state=/sys/class/net/${pair%=*}/bridge/stp_state
		[ ! -e "$state" ] || echo "${pair#*=}" >"$state"
	done
	touch "$work/applied"
}

undo() {
	[ -z "${1-}" ] || [ "$1" = "$(cat "$work/clock" 2>/dev/null)" ] || exit 0
	decide || exit 0
	exec >>"$work/log" 2>&1
	phase=undo
	for _ in $(seq 100); do
		[ -e "$work/began" ] && [ ! -e "$work/applied" ] || break
		sleep 0.1
	done
	[ -e "$work/began" ] || old='' new='' made='' ports=''
	leave "$new"
	revert
	restore
	enter "$made" "$ports" "$old"
	unwind
	for _ in $(seq 100); do
		is_back && break
		sleep 0.2
	done
	is_back && touch "$work/undone"
}

go() { later apply 1 apply; }

await() {
	end=$(($(seconds) + timeout / 2))
	lacks=
	until [ ! -d "$work/decided" ] && [ -e "$work/applied" ] && check; do
		if [ "$(seconds)" -ge "$end" ] || [ -d "$work/decided" ]; then
			echo "$lacks" >"$work/why"
			exit 1
		fi
		sleep 0.2
	done
	wind
}

confirm() {
	decide || exit 1
	release
	rm -rf "$work/saved" "$work/clock"
	unwind
}

# Whoever asks for it does not confirm any more, so the rest of the time is not waited for.
outcome() {
	[ -d "$work/decided" ] || later now 0 undo
	for _ in $(seq 300); do
		[ ! -e "$work/undone" ] || break
		sleep 0.2
	done
	cat "$work/why" 2>/dev/null
	[ -e "$work/undone" ]
}
