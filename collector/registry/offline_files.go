package registry

import (
	"io/fs"
	"strings"

	"hozen/collector"
	"hozen/collector/registry/hive"
)

// lookUp finds a file of a Windows disk, whose names Windows compares without looking at
// case: names below dir, which exists and ends in a slash.
func lookUp(h *collector.Host, dir string, names ...string) (string, error) {
	at := strings.TrimSuffix(dir, "/")
	for _, name := range names {
		next := at + "/" + name
		if _, err := h.Lstat(next); err == nil {
			at = next
			continue
		}
		found, err := h.Names(at + "/")
		if err != nil && len(found) == 0 {
			return "", err
		}
		next = ""
		for _, f := range found {
			if hive.Fold(f) == hive.Fold(name) {
				next = at + "/" + f
				break
			}
		}
		if next == "" {
			return "", fs.ErrNotExist
		}
		at = next
	}
	return at, nil
}

// drives gives the directories that can be the root of a Windows volume: "/" itself, or
// "/C:" and its like, as files are named that were taken from a running Windows.
func drives(h *collector.Host) []string {
	out := []string{"/"}
	names, _ := h.Names("/")
	for _, n := range names {
		if len(n) == 2 && n[1] == ':' {
			out = append(out, "/"+n+"/")
		}
	}
	return out
}

// A disk is where Windows lies on a host that is not running.
type disk struct {
	root    string // of its volume, with a slash at the end
	windows string // \Windows, without
	config  string // \Windows\System32\config, without
}

func findDisk(h *collector.Host) (disk, error) {
	for _, root := range drives(h) {
		for _, name := range []string{"Windows", "WINNT"} {
			w, err := lookUp(h, root, name)
			if err != nil {
				continue
			}
			if config, err := lookUp(h, w, "System32", "config"); err == nil {
				return disk{root, w, config}, nil
			}
		}
	}
	return disk{}, ErrNoRegistry
}

// mountDisk mounts the hive files of a disk.
func (r *Registry) mountDisk() error {
	d, err := findDisk(r.host)
	if err != nil {
		return err
	}
	for _, name := range []string{"SYSTEM", "SOFTWARE", "SAM", "SECURITY", "COMPONENTS", "DRIVERS", "ELAM"} {
		if file, err := lookUp(r.host, d.config, name); err == nil {
			r.mountHive(file, LocalMachine+`\`+name)
		}
	}
	if file, err := lookUp(r.host, d.config, "DEFAULT"); err == nil {
		r.mountHive(file, Users+`\.DEFAULT`, Users+`\S-1-5-18`)
	}
	for _, at := range [][]string{{"Boot", "BCD"}, {"EFI", "Microsoft", "Boot", "BCD"}} {
		for _, root := range drives(r.host) {
			if file, err := lookUp(r.host, root, at...); err == nil {
				r.mountHive(file, LocalMachine+`\BCD00000000`)
			}
		}
	}
	r.mount(LocalMachine+`\SYSTEM\CurrentControlSet`, r.currentControlSet)
	r.mount(LocalMachine, func() (node, error) { return place{r, LocalMachine}, nil })
	r.mount(Users, func() (node, error) { return place{r, Users}, nil })
	return r.mountProfiles(d)
}

// currentControlSet opens the control set that the system was started with: on a disk
// there is no CurrentControlSet, only the number in Select.
func (r *Registry) currentControlSet() (node, error) {
	k, err := r.Key(LocalMachine + `\SYSTEM\Select`)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	v, err := k.Value("Current")
	if err != nil {
		return nil, err
	}
	n, err := v.DWORD()
	if err != nil {
		return nil, k.wrap(err)
	}
	return r.open(LocalMachine + `\SYSTEM\` + controlSet(n))
}
