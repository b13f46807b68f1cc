package artifact

import (
	"strings"

	"hozen/packager/evidence"
)

// HivesOf gives the files that hold a key of the Windows registry, as paths with
// variables and \ between components; the hive itself first, then its logs, without
// which what was written last is missing. Only the beginning of the key matters. An
// error says why no file holds it.
//
// See "Registry Hives" in Microsoft's documentation of the registry.
func HivesOf(key string) ([]string, error) {
	parts := strings.FieldsFunc(key, func(c rune) bool { return c == '\\' || c == '/' })
	at := func(i int) string {
		if i < len(parts) {
			return strings.ToUpper(parts[i])
		}
		return "*"
	}
	var hives []string
	switch at(0) {
	case "HKEY_LOCAL_MACHINE", "HKLM":
		hives = machineHives(at(1))
	case "HKEY_USERS", "HKU":
		hives = userHives(at(1), at(2), at(3))
	case "HKEY_CURRENT_USER", "HKCU", "%%CURRENT_USER%%":
		hives = userHives("%%USERS.SID%%", at(1), at(2))
	case "HKEY_CLASSES_ROOT", "HKCR":
		hives = []string{config + "SOFTWARE", classes}
	case "HKEY_CURRENT_CONFIG", "HKCC":
		hives = []string{config + "SYSTEM"}
	default:
		return nil, evidence.Skip("%s: no root of the registry", clip(key))
	}
	if len(hives) == 0 {
		return nil, evidence.Skip("%s: in no hive file that is known", clip(key))
	}
	var all []string
	for _, hive := range hives {
		all = append(all, hive, hive+".LOG", hive+".LOG1", hive+".LOG2")
	}
	return all, nil
}

const (
	config  = `%%environ_systemroot%%\System32\config\`
	ntuser  = `%%users.userprofile%%\NTUSER.DAT`
	classes = `%%users.localappdata%%\Microsoft\Windows\UsrClass.dat`
	service = `%%environ_systemroot%%\ServiceProfiles\`
)

// machineHives gives the hives below HKEY_LOCAL_MACHINE, by its first subkey.
func machineHives(name string) (hives []string) {
	switch name {
	case "SYSTEM", "SOFTWARE", "SAM", "SECURITY", "COMPONENTS", "DRIVERS", "ELAM":
		return []string{config + name}
	case "BCD00000000":
		return []string{`%%environ_systemdrive%%\Boot\BCD`, `%%environ_systemdrive%%\EFI\Microsoft\Boot\BCD`}
	case "HARDWARE": // made anew at every start, never written to disk
		return nil
	}
	for _, hive := range []string{"SYSTEM", "SOFTWARE", "SAM", "SECURITY", "COMPONENTS", "DRIVERS", "ELAM"} {
		if wild(name, hive) {
			hives = append(hives, config+hive)
		}
	}
	return hives
}

// userHives gives the hives below HKEY_USERS, by the user's SID and the next two subkeys.
func userHives(sid, first, second string) []string {
	switch {
	case sid == ".DEFAULT", sid == "S-1-5-18":
		return []string{config + "DEFAULT"}
	case sid == "S-1-5-19":
		return []string{service + `LocalService\NTUSER.DAT`}
	case sid == "S-1-5-20":
		return []string{service + `NetworkService\NTUSER.DAT`}
	case strings.HasSuffix(sid, "_CLASSES"):
		return []string{classes}
	case wild(first, "SOFTWARE") && strings.ContainsAny(first, "*?["), wild(second, "CLASSES") && strings.ContainsAny(second, "*?[") && first == "SOFTWARE":
		return append(others(sid), ntuser, classes)
	case first == "SOFTWARE" && second == "CLASSES":
		return append(others(sid), classes)
	}
	return append(others(sid), ntuser)
}

// others gives the hives of the system's accounts, if the SID is a glob that may mean them.
func others(sid string) []string {
	if wild(sid, "S-1-5-18") && !strings.HasPrefix(sid, "S-1-5-21") && sid != "%%USERS.SID%%" {
		return []string{config + "DEFAULT"}
	}
	return nil
}

// wild says whether a component of a key, in capitals, is or may be a name.
func wild(component, name string) bool {
	text := chars(component)
	if component == "**" || strings.HasPrefix(component, "**") {
		return true
	}
	return newGlob(text, make([]bool, len(text)), true).match(name)
}
