package artifact

import "strings"

// findProfiles looks up the environment of Windows and its users, by the
// directories that are there: variables that live in the registry are not read.
func (f *Finder) findProfiles() {
	f.environ = values{"environ_systemdrive": {""}} // of a live host, all fixed volumes: see onDrives
	drive := ""
	if len(f.drives) > 0 {
		drive = f.drives[0]
	}
	set := func(name string, options ...string) {
		for _, o := range options {
			if at, err := f.enter(drive + o); err == nil && at != "" {
				f.environ[name] = append(f.environ[name], at)
				return // the first that is there: of the older ones only links are left
			}
		}
	}
	set("environ_systemroot", "/Windows", "/WINNT")
	f.environ["environ_windir"] = f.environ["environ_systemroot"]
	set("environ_programfiles", "/Program Files")
	set("environ_programfilesx86", "/Program Files (x86)")
	set("environ_commonprogramfiles", "/Program Files/Common Files")
	set("environ_commonprogramfilesx86", "/Program Files (x86)/Common Files")
	for _, name := range []string{"environ_programdata", "environ_allusersappdata"} {
		set(name, "/ProgramData", "/Documents and Settings/All Users/Application Data")
	}
	set("environ_allusersprofile", "/ProgramData", "/Documents and Settings/All Users")
	set("environ_profilesdirectory", "/Users", "/Documents and Settings")
	set("environ_public", "/Users/Public")
	for _, root := range f.environ["environ_systemroot"] {
		f.environ["environ_temp"] = []string{root + "/Temp"}
		f.environ["environ_path"] = []string{root + "/System32", root, root + "/System32/Wbem"}
	}
	f.environ["environ_comspec"] = each(f.environ["environ_systemroot"], "/System32/cmd.exe")
	f.findProfileFolders(drive)
}

// findProfileFolders finds the users' profiles and those of the system's accounts.
func (f *Finder) findProfileFolders(drive string) {
	for _, parent := range []string{"/Users", "/Documents and Settings"} {
		at, err := f.enter(drive + parent)
		f.problems.Add(parent, err)
		if err != nil || at == "" {
			continue
		}
		names, err := f.list(at)
		f.problems.Add(at, err)
		for _, name := range names {
			f.addProfile(name, below(at, name))
		}
	}
	for _, root := range f.environ["environ_systemroot"] {
		f.addProfile("SYSTEM", root+"/System32/config/systemprofile")
		f.addProfile("LOCAL SERVICE", root+"/ServiceProfiles/LocalService")
		f.addProfile("NETWORK SERVICE", root+"/ServiceProfiles/NetworkService")
	}
}

// addProfile adds a profile: a real directory, because Windows keeps links of the
// old names beside the new ones.
func (f *Finder) addProfile(name, home string) {
	if m, err := f.host.Lstat(home); err != nil || !isDir(m) {
		return
	}
	first := func(options ...string) []string {
		for _, o := range options {
			if at, err := f.enter(home + o); err == nil && at != "" {
				return []string{at}
			}
		}
		return []string{home + options[0]}
	}
	v := values{
		"users.homedir": {home}, "users.userprofile": {home},
		// The SIDs are in the registry only: whatever looks like that of a user will do.
		"users.sid":              {"S-1-5-21-*"},
		"users.appdata":          first("/AppData/Roaming", "/Application Data"),
		"users.localappdata":     first("/AppData/Local", "/Local Settings/Application Data"),
		"users.localappdata_low": {home + "/AppData/LocalLow"},
		"users.temp":             first("/AppData/Local/Temp", "/Local Settings/Temp"),
		"users.desktop":          {home + "/Desktop"},
		"users.personal":         first("/Documents", "/My Documents"),
		"users.recent":           first("/AppData/Roaming/Microsoft/Windows/Recent", "/Recent"),
		"users.cookies":          first("/AppData/Roaming/Microsoft/Windows/Cookies", "/Cookies"),
		"users.startup":          first("/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup", "/Start Menu/Programs/Startup"),
		"users.internet_cache": first("/AppData/Local/Microsoft/Windows/INetCache",
			"/AppData/Local/Microsoft/Windows/Temporary Internet Files", "/Local Settings/Temporary Internet Files"),
	}
	v["users.local_settings"] = v["users.localappdata"]
	f.addUser(User{Name: name, Home: home, values: v})
}

func each(all []string, suffix string) (out []string) {
	for _, s := range all {
		out = append(out, strings.TrimSuffix(s, "/")+suffix)
	}
	return out
}
