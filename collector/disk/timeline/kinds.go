package timeline

// A kind of notable thing: its name in rows, the technique of MITRE ATT&CK that it is
// most often seen of, and what is known to look so on healthy machines.
type kind struct {
	name, technique string
	benign          []string
}

// The kinds, by number.
const (
	kindSuid = iota
	kindSgid
	kindCapability
	kindPlace
	kindHiddenProgram
	kindOddName
	kindDevice
	kindInDev
	kindWritable
	kindChanged
	kindTimes
	kindFuture
	kindWeb
	kindImmutable
	kindSharing
	kindRemote
	kindExtensions
	kindTurned
	kindCount
)

// kinds gives what is told of each kind; SCHEMA.md says the same at length.
func kinds() [kindCount]kind {
	return [kindCount]kind{
		kindSuid:          {"suid", "T1548.001", []string{"programs of packages that need it: su, sudo, mount, passwd, ping", "sandboxes of browsers and Electron programs"}},
		kindSgid:          {"sgid", "T1548.001", []string{"programs of packages that need it: crontab, ssh-agent, mail tools, games with a list of scores"}},
		kindCapability:    {"capability", "T1548", []string{"ping, mtr, dumpcap, newuidmap and their like", "servers that were allowed low ports by the administrator"}},
		kindPlace:         {"executable_place", "T1105", []string{"installers and builds at work", "AppImages", "what a user has downloaded on purpose"}},
		kindHiddenProgram: {"hidden_executable", "T1564.001", []string{"scripts that a package keeps beside its programs"}},
		kindOddName:       {"hidden_name", "T1564.001", []string{"a slip of the keyboard", "archives from systems with other rules for names"}},
		kindDevice:        {"device", "T1006", []string{"roots of chroots, containers and images"}},
		kindInDev:         {"file_in_dev", "T1564.001", []string{"leavings of old versions of udev, and of backups restored without their devices"}},
		kindWritable:      {"world_writable", "T1222.002", []string{"software installed by hand with a careless umask", "file systems without permissions (FAT)"}},
		kindChanged:       {"changed_system", "T1554", []string{"updates", "the administrator's own changes"}},
		kindTimes:         {"times", "T1070.006", []string{"packages, tar, cp -p, rsync and git keep the times of their sources", "backups that were restored"}},
		kindFuture:        {"future_time", "T1070.006", []string{"a clock that was wrong", "archives with made-up times"}},
		kindWeb:           {"web_script", "T1505.003", []string{"the site's own code, newly rolled out", "caches of templates"}},
		kindImmutable:     {"immutable", "T1222.002", []string{"administrators and hardening guides set it", "logs that may only grow"}},
		kindSharing:       {"file_sharing", "T1567", []string{"other programs of the same name"}},
		kindRemote:        {"remote_access", "T1219", []string{"the administrator's or a supplier's own remote support"}},
		kindExtensions:    {"double_extension", "T1036.007", []string{"names that people give by hand"}},
		kindTurned:        {"text_direction", "T1036.002", []string{"names in Arabic and Hebrew with marks for their direction"}},
	}
}
