package isolate

import (
	"fmt"
	"path/filepath"
)

// UnitName is the name of the boot unit.
const UnitName = "hozen-isolate.service"

// Unit gives the systemd unit that isolates the machine again at boot, before there is a
// network, if the file of state is there. program is the absolute path of hozen, file that of
// the state. It comes after other firewalls have loaded their rules: theirs may begin with
// a flush that would take ours away.
func Unit(program, file string) string {
	return fmt.Sprintf(`[Unit]
Description=Hozen: keep this machine isolated across reboots
DefaultDependencies=no
ConditionPathExists=%[2]s
RequiresMountsFor=%[2]s
After=local-fs.target nftables.service netfilter-persistent.service iptables.service ip6tables.service ufw.service
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=%[1]s isolate restore --state %[3]s

[Install]
WantedBy=sysinit.target
`, program, file, filepath.Dir(file))
}
