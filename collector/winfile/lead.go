package winfile

import (
	"path"
	"strings"

	"hozen/packager/evidence"
)

// MaxLinks bounds the links on the way of one name, as Windows does (63 reparse points).
const MaxLinks = 63

// Lead gives the name that one leads to by a link on its way: link is the host name of
// the link (a mount point or a symbolic link), target what Target gives, rest what of the
// name is behind it. Whoever plants a link decides where to: one to another machine would
// call there, with our credentials, and one to a device may do anything. The error says
// so then (evidence.Skip).
func Lead(link, target, rest string) (string, error) {
	slashes := strings.ReplaceAll(target, `\`, "/")
	local := slashes
	for _, before := range []string{"/??/", "//?/", "//./"} {
		if after, ok := strings.CutPrefix(slashes, before); ok {
			local = after
			break
		}
	}
	top, _, _ := strings.Cut(local, "/")
	switch {
	case len(top) == 2 && letter(top[0]) && top[1] == ':', strings.HasPrefix(top, "Volume{") && strings.HasSuffix(top, "}"):
		return HostName("/" + local + "/" + rest), nil
	case local != slashes, slashes == "", strings.HasPrefix(slashes, "//"), strings.Contains(top, ":"):
		return "", evidence.Skip("%s leads to %q, which is on no volume of this PC, or may be on none: not followed", Shown(link), target)
	case slashes[0] == '/': // from the top of its volume
		volume, _ := Split(link)
		return HostName(volume + slashes + "/" + rest), nil
	}
	volume, _ := Split(link)
	below := strings.TrimPrefix(path.Dir(HostName(link)), volume)
	return HostName(volume + path.Clean("/"+below+"/"+slashes+"/"+rest)), nil
}
