#!/bin/sh
# Stands in for a command that the guard of the role host_bridge starts: what /run/faults/plan says happens to it.
# The plan is PHASE COMMAND NUMBER KIND: the phase of the guard, the how manieth time that it starts the command, and
# fail, hang, kill (the guard's shell), killed (the same, when the command is done), full (the disk) or full-run (/run).
name=${0##*/}
words() { /usr/bin/tr '\0' ' ' <"/proc/$1/cmdline"; }
parent=$PPID
case $(words "$parent") in
*timeout\ *) parent=$(/usr/bin/sed -n 's/^PPid:\t//p' "/proc/$parent/status") ;;
esac
line=$(words "$parent")
phase=
case $line in *sh\ /run/virtfleet-host-bridge* | *sh\ /etc/virtfleet-host-bridge*)
	phase=${line#*virtfleet-host-bridge}
	phase=${phase#* }
	phase=${phase%% *}
	;;
esac
# the command itself, and what it starts, is the real one
[ "$name" = timeout ] || PATH=/usr/sbin:/usr/bin:/sbin:/bin
for folder in /usr/sbin /usr/bin /sbin /bin; do
	[ ! -x "$folder/$name" ] || break
done
{ [ -n "$phase" ] && [ -d /run/faults ]; } || exec "$folder/$name" "$@"
echo >>"/run/faults/$phase.$name"
number=$(/usr/bin/wc -l <"/run/faults/$phase.$name")
printf "%s\n" "$phase $name $number $(printf "%s " "$@" | /usr/bin/tr "\n" " ")" >>/run/faults/log
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
