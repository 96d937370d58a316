#!/bin/sh
# The disk and the power supply of a full machine: full_power.sh LOWER HOME CGROUP PYTHON
# It starts the machine, and starts it again whenever it has ended, with what was written to its disk. It runs in the
# network and the pid namespace of the machine's outside, and so ends with it; the disk is a mount that only it has.
# shellcheck disable=SC2086 # the words of $init
set -eu
lower=$1 home=$2 cgroup=$3 python=$4
init="-m tests.lab.full_init"
cd "$(dirname "$0")/../.."
exec 9</proc/self/ns/net # where the machine's cable ends
"$python" $init disk "$home"
while :; do
	rm -f "$home/up"
	sh -c 'echo 0 >"$0/cgroup.procs"; exec "$@"' "$cgroup" \
		unshare --mount --net --uts --ipc --pid --cgroup --fork --kill-child -- \
		"$python" $init boot "$lower" "$home" || true # it says nothing reliable of how its child ended
	[ -e "$home/up" ] # else it would not come up the next time, either
	sleep 0.1 # a machine that dies at once must not keep this one busy
done
