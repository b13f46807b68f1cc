package volatile

import (
	"slices"
	"strings"

	"hozen/collector"
	"hozen/collector/proc"
)

// RemovablePlaces lists where removable drives (by their own word, or on USB) are mounted
// so that they can be written to, in the order of the mount table, each once. How much
// room there is they do not say: asking a drive may hang. The error is the first that hid
// something; what was found is given with it.
func RemovablePlaces(h *collector.Host) ([]OutputPlace, error) {
	if out, ok, err := systemRemovable(); ok {
		return out, err
	}
	r := &factReader{h: h}
	rows := blockRows(r)
	var out []OutputPlace
	for _, m := range r.mounts() {
		if m.Root != "/" || readOnly(m) || slices.ContainsFunc(out, func(p OutputPlace) bool { return p.Device == m.Device }) {
			continue // of another folder, or the same drive once more
		}
		p := OutputPlace{Mount: m.Point, Source: m.Source, Device: m.Device, FileSystem: m.Type}
		for _, d := range carriers(rows, m) {
			p.Disk = string(d.Name)
			p.Removable = p.Removable || d.Removable || d.USB
		}
		if p.Removable && m.Point != "/" { // a system that runs from a stick is the examined one
			out = append(out, p)
		}
	}
	return out, r.tally.Err()
}

func readOnly(m proc.Mount) bool {
	return slices.Contains(strings.Split(m.Options+","+m.Super, ","), "ro")
}
