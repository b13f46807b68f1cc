#!/bin/bash
# In the guest: what the unit guest.service runs, as root, on the serial console.
# Disks by their place: 2 the job (read-only), 3 what comes out, 4 a key, if any.
# Lines that begin with "@vm " are for the driver on the host.
stty -F /dev/ttyS0 -echo -icrnl icanon 2>/dev/null
code=97
if mount -o ro /dev/nvme0n2 /job && mount -o noatime /dev/nvme0n3 /out &&
	{ [ ! -e /dev/nvme0n4 ] || mount -o ro /dev/nvme0n4 /key; }; then
	cp /proc/iomem /out/iomem
	uname -r >/out/release
	# truth NAME: the host stops the machine, saves its memory, and lets it go on.
	truth() {
		echo "@vm truth $1"
		read -r _ </dev/ttyS0
	}
	export -f truth
	cd /out
	bash -eu -o pipefail /job/job.sh
	code=$?
	cd /
	# What the job left running may hold /out; kill spares only init and us.
	kill -9 -1
	umount /out || code=98
fi
echo "@vm exit $code"
systemctl poweroff --force --force
