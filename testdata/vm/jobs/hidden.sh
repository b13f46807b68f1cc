# In the guest: what hozen says of a clean Debian, and of one whose kernel has two
# modules that hide. Folders: clean, hidden, each with an archive; truth: the pid
# of the hidden process.
look() {
	mkdir "$1"
	/job/hozen collect "${@:2}" --quiet --key /key/device --out "$1" >"$1/said" 2>&1 || [ $? = 3 ] || { cat "$1/said"; exit 1; }
}

look clean --profile volatile

sleep 1000 &
echo $! >truth
insmod /job/hide.ko pid=$!
insmod /job/deeper.ko sysfs=1
# The hiding works, and only the hiding: else the rest would show nothing.
! grep -E '^(hide|deeper) ' /proc/modules
! ls /proc | grep -x $!
[ "$(cat /proc/$!/comm)" = sleep ]
[ -e /sys/module/hide ] && [ ! -e /sys/module/deeper ]

look hidden --only kernel,indicators
