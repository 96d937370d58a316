#!/bin/sh
# Makes a root with one daemon for each part of libvirt: root_modular.sh SUITE MIRROR FOLDER PACKAGE... -- BUILD-PACKAGE...
# Debian has one daemon for all, so these are built from its source package, with the drivers that the lab needs. What the
# build needs is installed on an overlay of the root and goes with it.
set -eu
suite=$1 mirror=$2 root=$3
shift 3
installed=''
while [ "$1" != -- ]; do
	installed="$installed $1"
	shift
done
shift
# shellcheck disable=SC2086 # words, as in the list
"$(dirname "$0")/root_build.sh" "$suite" "$mirror" "$root" $installed

export DEBIAN_FRONTEND=noninteractive LC_ALL=C
scratch=$root.build
trap 'umount --recursive "$scratch/root" || true; rm -rf "$scratch"' EXIT
mkdir "$scratch" "$scratch/root" "$scratch/upper" "$scratch/work"
mount -t overlay -o "lowerdir=$root,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$scratch/root"
mount --bind /proc "$scratch/root/proc"
mount --rbind /dev "$scratch/root/dev"
sed 's/^deb /deb-src /' "$root/etc/apt/sources.list" >"$scratch/root/etc/apt/sources.list.d/source.list"
chroot "$scratch/root" sh -eux -s "$@" <<'END'
apt-get -o Acquire::Check-Valid-Until=false update
apt-get --yes --no-install-recommends install "$@"
mkdir /build
cd /build
apt-get source --tar-only --download-only libvirt
tar xf libvirt_*.orig.tar.xz
# where systemd and Debian have things; "direct" is what Fedora and RHEL have: no libvirtd is asked first. Debian has
# iptables come first, too; for nftables libvirt needs of tc what not every kernel has.
meson setup objects libvirt-*/ --prefix=/usr --libdir="lib/$(gcc -print-multiarch)" --sysconfdir=/etc --localstatedir=/var \
	--buildtype=plain -Dauto_features=disabled -Drunstatedir=/run -Dinit_script=systemd -Dremote_default_mode=direct \
	-Ddriver_remote=enabled -Ddriver_libvirtd=enabled -Ddriver_qemu=enabled -Ddriver_network=enabled \
	-Ddriver_test=enabled \
	-Dfirewall_backend_priority=iptables,nftables -Djson_c=enabled -Dlibnl=enabled -Dpciaccess=enabled -Dcapng=enabled
ninja -C objects
DESTDIR=/build/result meson install --no-rebuild --quiet -C objects
rm -r result/usr/include result/usr/share/doc result/usr/share/locale
rm result/usr/sbin/libvirtd result/usr/lib/systemd/system/libvirtd*
END
# the group stays that may open the sockets
chroot "$root" apt-get --yes remove libvirt-daemon-common
cp -a "$scratch/root/build/result/." "$root"
chroot "$root" ldconfig
chroot "$root" virtqemud --version
