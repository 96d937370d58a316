#!/bin/sh
# Downloads and unpacks, without installing them, Debian's kernel for cloud guests and more packages:
# kernel_fetch.sh FOLDER [PACKAGE...]
set -eu
cd "$1"
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
if [ -z "$package" ]; then
	echo "apt knows no package linux-image-cloud-amd64: run apt-get update"
	exit 1
fi
shift
apt-get -o APT::Sandbox::User=root download "$package" "$@"
for file in ./*.deb; do
	dpkg-deb --extract "$file" tree
	rm "$file"
done
mv tree/boot/vmlinuz-* vmlinuz
