#!/bin/sh
# Makes the root of a hypervisor: root_build.sh SUITE MIRROR FOLDER PACKAGE...
# Runs in mount and pid namespaces of its own, so that a kill leaves neither mounts nor processes.
set -eu
suite=$1 mirror=$2 root=$3
shift 3
debootstrap --variant=minbase --include=ca-certificates,python3,iproute2 "$suite" "$root" "$mirror"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no package starts its service
chmod 755 "$root/usr/sbin/policy-rc.d"
mount --bind /proc "$root/proc"
apt() {
	# a rolling suite's index may be past its date on a mirror that is not the newest
	chroot "$root" apt-get -o Acquire::Check-Valid-Until=false -o Dpkg::Use-Pty=0 "$@"
}
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt update
apt install --yes --no-install-recommends "$@"
apt clean
rm -rf "$root"/var/lib/apt/lists/*
umount "$root/proc"
