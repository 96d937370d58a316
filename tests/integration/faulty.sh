#!/bin/sh
# Stands in for a command that the guard of the role host_bridge starts: what /run/faults/plan says happens to it.
# The plan is PHASE COMMAND NUMBER KIND: the phase of the guard, the how manieth time that it starts the command, and
# fail, hang, kill (the guard's shell), killed (the same, when the command is done), full (the disk) or full-run (/run).
# Itself it starts no other command: the guard's are hundreds.
name=${0##*/} parent=$PPID line='' phase=''
words() { read -r line <"/proc/$1/cmdline"; } # one word: the shell drops the zeros between them
words "$parent"
case $line in *timeout*) read -r _ _ _ parent _ <"/proc/$parent/stat" && words "$parent" ;; esac
case $line in
*sh/run/virtfleet-host-bridge/guard* | *sh/etc/virtfleet-host-bridge/guard*)
	for phase in apply await boot confirm go outcome undo ''; do # a clock follows, in hexadecimal digits
		case ${line##*/guard} in "$phase"*) break ;; esac
	done
	;;
*sh/run/virtfleet-host-bridge.??????arm) phase=arm ;;
esac
# the command itself, and what it starts, is the real one
[ "$name" = timeout ] || PATH=/usr/sbin:/usr/bin:/sbin:/bin
for folder in /usr/sbin /usr/bin /sbin /bin; do
	[ ! -x "$folder/$name" ] || break
done
{ [ -n "$phase" ] && [ -d /run/faults ]; } || exec "$folder/$name" "$@"
number=1
while [ -e "/run/faults/$phase.$name.$number" ]; do number=$((number + 1)); done
true >"/run/faults/$phase.$name.$number"
told="$phase $name $number"
for word; do
	while read -r part || [ -n "$part" ]; do told="$told $part"; done <<-END
		$word
	END
done
printf "%s\n" "$told" >>/run/faults/log
read -r wanted 2>/dev/null </run/faults/plan
kind=${wanted##* }
if [ "$wanted" = "$phase $name $number $kind" ]; then
	echo "$wanted" >/run/faults/happened
	case $kind in
	fail) exit 1 ;;
	hang) exec /usr/bin/sleep 100000 ;;
	kill) kill -9 "$parent" && exit 1 ;;
	full) /usr/bin/dd if=/dev/zero of=/etc/.ballast bs=4k 2>/dev/null ;;
	full-run) /usr/bin/dd if=/dev/zero of=/run/.ballast bs=4k 2>/dev/null ;;
	esac
fi
if [ "$wanted" = "$phase $name $number killed" ]; then
	"$folder/$name" "$@"
	kill -9 "$parent"
	exit 1
fi
exec "$folder/$name" "$@"
