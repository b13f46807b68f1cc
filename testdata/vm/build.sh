#!/bin/bash
# Builds the guest: Debian's own packages, fetched from Debian's mirrors, and
# nothing else. Prints the folder that holds it:
#
#   kernel      Linux for the cloud flavour; ext4 and NVMe are built in, so the
#               guest needs no initramfs
#   root.ext4   a small Debian with systemd, udev and dbus; run.sh never writes to it
#   headers/    the kernel's headers and build tools, for modules of ours
#
# The folder is kept between runs in $HOZEN_VM_CACHE (/var/cache/hozen-vm), under
# a name made of this script, the unit that it installs and the kernel's version;
# others there are removed when nobody has used them for a day. Root, for debootstrap. About a minute when cold.
#
# $HOZEN_VM_MIRROR (http://deb.debian.org/debian), $HOZEN_VM_SUITE (that of this machine).
set -eu -o pipefail
cd "$(dirname "$0")"

cache=${HOZEN_VM_CACHE:-/var/cache/hozen-vm}
mirror=${HOZEN_VM_MIRROR:-http://deb.debian.org/debian}
suite=${HOZEN_VM_SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
packages=kmod,iproute2,procps,systemd-sysv,dbus,udev

depends() { apt-cache depends "$1" | sed -n "s/^ *Depends: \($2\)\$/\1/p"; }
find_kernel() { kernel=$(depends linux-image-cloud-amd64 'linux-image-[0-9].*' 2>/dev/null | head -n 1); }
find_kernel
[ -n "$kernel" ] || { apt-get -q update >/dev/null; find_kernel; }
[ -n "$kernel" ] || { echo "apt knows no linux-image-cloud-amd64" >&2; exit 1; }
release=${kernel#linux-image-}

key=$(cat build.sh guest.service guest.sh | sha256sum | cut -c 1-12)
guest=$cache/$suite-$release-$key
have() {
	[ -e "$guest/complete" ] && touch "$guest" && echo "$guest"
}
if have; then exit; fi

# One builds, others wait; nothing that somebody may still use is removed.
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if have; then exit; fi
find "$cache" -mindepth 1 -maxdepth 1 -type d -mmin +1440 -exec rm -rf {} +
new=$(mktemp -d "$cache/new.XXXXXX")
chmod 755 "$new"
exec 8>&2 # what goes wrong is shown from the log
trap '[ $? = 0 ] || tail -n 40 "$cache/log" >&8; rm -rf "$new"' EXIT

# The kernel and its headers, unpacked and not installed: no scripts are run.
fetch() {
	local headers=linux-headers-$release
	cd "$new/debs"
	apt-get -q download "$kernel" "$headers" \
		$(depends "$headers" 'linux-headers-.*') $(depends "$headers" 'linux-kbuild-.*')
	dpkg-deb -x linux-image-*.deb "$new/image"
	for deb in linux-headers-*.deb linux-kbuild-*.deb; do dpkg-deb -x "$deb" "$new/headers"; done
	cd "$new"
	mv image/boot/vmlinuz-* kernel
	# The makefile names the common headers by the path where they would be installed.
	sed -i "s,/usr/src/,$guest/headers/usr/src/,g" "headers/usr/src/$headers/Makefile"
	ln -s "usr/src/$headers" headers/build
}

# The root: what debootstrap makes, with the kernel's modules and files as its
# package would have put them, and our unit, which runs the job.
bootstrap() {
	debootstrap --variant=minbase --include="$packages" "$suite" "$new/root" "$mirror"
	# /lib is a link to /usr/lib.
	tar -C "$new/image" -c . | tar -C "$new/root" -x --keep-directory-symlink
	chroot "$new/root" depmod "$release"
	rm -rf "$new/root/var/cache/apt/archives"/*.deb "$new/root/var/lib/apt/lists"/*
	echo guest >"$new/root/etc/hostname"
	# Nothing of the guest but the job may write while memory is imaged.
	ln -sf /dev/null "$new/root/etc/systemd/system/systemd-random-seed.service"
	ln -sf /dev/null "$new/root/etc/systemd/system/getty.target"
	install -m 644 guest.service "$new/root/etc/systemd/system/guest.service"
	install -D -m 755 guest.sh "$new/root/usr/local/sbin/guest.sh"
	mkdir -p "$new/root/etc/systemd/system/multi-user.target.wants" "$new/root"/{job,out,key}
	ln -s ../guest.service "$new/root/etc/systemd/system/multi-user.target.wants/guest.service"
	truncate -s 1G "$new/root.ext4"
	mkfs.ext4 -q -F -L root -d "$new/root" "$new/root.ext4"
}

{
	mkdir "$new/debs"
	(fetch)
	bootstrap
	cp "$new/image/boot/System.map-$release" "$new/image/boot/config-$release" "$new/"
	rm -rf "$new/debs" "$new/image" "$new/root"
	echo "$release" >"$new/complete"
} >"$cache/log" 2>&1
mv "$new" "$guest"
echo "$guest"
