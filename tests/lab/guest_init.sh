# shellcheck shell=dash
# Pid 1 of a guest: takes a lease on every NIC, also on those plugged in later, and runs what comes in on ttyS1.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec </dev/null >/dev/ttyS0 2>&1
for module in /modules/*.ko; do
	insmod "$module"
done
hostname "$LAB_NAME" # the kernel hands its NAME=VALUE arguments on
ip link set lo up

if [ -e /bin/qemu-ga ]; then
	until port=$(ls /dev/vport*p1 2>/dev/null); do sleep 1; done
	qemu-ga -p "$port" -t /run &
fi

# One command a line; the answer is its output, a line feed and @@STATUS.
answer() {
	stty raw -echo
	echo READY >/dev/ttyS0 # not earlier: it throws away what has come in
	while read -r line; do
		(eval "$line") </dev/null 2>&1
		printf '\n@@%s\n' "$?"
	done
}
answer <>/dev/ttyS1 >&0 2>&0 &

while :; do
	for nic in /sys/class/net/eth*; do
		known=/run/nic-$(cat "$nic/ifindex") || continue # no NIC at all
		[ -e "$known" ] && continue
		touch "$known"
		name=${nic##*/}
		kill "$(cat "/run/$name.pid")" # of a NIC of that name that is gone
		ip link set "$name" up
		udhcpc -f -i "$name" -p "/run/$name.pid" -s /lease -t 10 -T 1 -A 1 -x "hostname:$LAB_NAME" >/dev/null &
	done 2>/dev/null
	sleep 1
done
