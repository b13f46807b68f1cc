package ntapi

import "strings"

// Drives are the letters of a host with the kernel's names of what they lead to, as
// QueryDosDevice gives them: {"C:", `\Device\HarddiskVolume3`}.
type Drives []Drive

// A Drive is one of them.
type Drive struct{ Letter, Device string }

// Win32 gives the name that programs know for a name of the kernel: `C:\Windows` for
// `\Device\HarddiskVolume3\Windows`, `\\server\share\x` for `\Device\Mup\server\share\x`.
// What has none is given back as it is. root is the directory of Windows, `C:\Windows`, for
// names that begin with `\SystemRoot`.
func (d Drives) Win32(name, root string) string {
	if rest, ok := cutFold(name, `\SystemRoot`); ok && root != "" {
		return root + rest
	}
	for _, prefix := range []string{`\??\UNC`, `\Device\Mup`, `\Device\LanmanRedirector`} {
		if rest, ok := cutFold(name, prefix); ok && rest != "" {
			return `\` + rest
		}
	}
	if rest, ok := strings.CutPrefix(name, `\??\`); ok {
		return rest
	}
	for _, drive := range d {
		if rest, ok := cutFold(name, drive.Device); ok && drive.Device != "" {
			return drive.Letter + rest
		}
	}
	return name
}

// cutFold cuts a prefix of whole components, in any case of ASCII letters.
func cutFold(name, prefix string) (rest string, ok bool) {
	if len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
		return "", false
	}
	rest = name[len(prefix):]
	return rest, rest == "" || rest[0] == '\\'
}
