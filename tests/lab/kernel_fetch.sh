#!/bin/sh
# Downloads and unpacks, without installing it, Debian's kernel for cloud guests: kernel_fetch.sh FOLDER
set -eu
cd "$1"
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
if [ -z "$package" ]; then
	echo "apt knows no package linux-image-cloud-amd64: run apt-get update"
	exit 1
fi
apt-get -o APT::Sandbox::User=root download "$package"
dpkg-deb --extract ./*.deb tree
rm ./*.deb
mv tree/boot/vmlinuz-* vmlinuz
