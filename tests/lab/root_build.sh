#!/bin/sh
# Makes the root of a machine: root_build.sh SUITE MIRROR FOLDER PACKAGE... [-- PACKAGE-TO-KEEP...]
# The packages behind the "--" are not installed: apt in the machine finds them downloaded.
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
	chroot "$root" apt-get -o Acquire::Check-Valid-Until=false -o Dpkg::Use-Pty=0 --yes --no-install-recommends "$@"
}
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt update
installed=''
while [ "${1---}" != -- ]; do
	installed="$installed $1"
	shift
done
# shellcheck disable=SC2086 # words, as in the list
apt install $installed
apt clean
if [ $# -gt 1 ]; then
	shift
	apt install --download-only "$@"
	rm "$root/usr/sbin/policy-rc.d" # what is installed in the machine starts there
else
	rm -rf "$root"/var/lib/apt/lists/*
fi
umount "$root/proc"
