package registry

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"hozen/collector/registry/hive"
	"hozen/packager/evidence/sorting"
)

// User is somebody who has a registry of his own.
type User struct {
	// SID is his security identifier; empty for a directory of profiles of which the
	// list of profiles knows nothing (a deleted account, the template "Default").
	SID string
	// Profile is the directory as the list of profiles has it, not expanded; for one
	// that is not in the list, its name on the host.
	Profile string
	// Path is where his keys are: HKEY_USERS\SID; Classes those of UsrClass.dat,
	// HKEY_USERS\SID_Classes (and Software\Classes below Path).
	Path, Classes string
	// Loaded says that they are those of the running system; else they are read from
	// his files.
	Loaded bool
}

// maxUsers bounds the profiles that are looked at.
const maxUsers = 4096

// Users gives everybody whose registry there is, LocalSystem and the services included:
// those that are in use, then those in the list of profiles, then other directories.
func (r *Registry) Users() []User { return slices.Clone(r.users) }

func controlSet(n uint32) string { return fmt.Sprintf("ControlSet%03d", n) }

const (
	profileList = LocalMachine + `\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList`
	classes     = `\Software\Classes`
)

// mountUsers finds whose registries the running system has, and mounts those of others.
func (r *Registry) mountUsers() error {
	k, err := r.Key(Users)
	if err != nil {
		return err
	}
	defer k.Close()
	loaded, err := k.Subkeys()
	if err != nil && len(loaded) == 0 {
		return err
	}
	for _, name := range loaded {
		if !strings.HasSuffix(hive.Fold(name), "_CLASSES") && hive.Fold(name) != ".DEFAULT" && len(r.users) < maxUsers {
			at := Users + `\` + name
			r.users = append(r.users, User{SID: name, Path: at, Classes: at + "_Classes", Loaded: true})
		}
	}
	d, err := findDisk(r.host)
	if err != nil {
		return nil // without files there are no others
	}
	return r.mountProfiles(d)
}

// mountProfiles mounts the files of the users of a disk.
func (r *Registry) mountProfiles(d disk) error {
	seen := map[string]bool{}
	if r.mounts[hive.Fold(Users+`\.DEFAULT`)] != nil {
		r.users = append(r.users, User{SID: "S-1-5-18", Path: Users + `\.DEFAULT`, Classes: Users + `\.DEFAULT` + classes})
	}
	if k, err := r.Key(profileList); err == nil {
		for below, err := range k.Each() {
			if err == nil {
				r.listedUser(d, below, seen)
			}
		}
		k.Close()
	}
	for _, dir := range []string{"Users", "Documents and Settings"} {
		at, err := lookUp(r.host, d.root, dir)
		if err != nil {
			continue
		}
		names, _ := r.host.Names(at)
		for _, name := range names {
			if at := at + "/" + name; !seen[hive.Fold(at)] && len(r.users) < maxUsers {
				r.mountUser(User{Profile: at, Path: Users + `\profile:` + name}, at)
			}
		}
	}
	return nil
}

// listedUser takes over one key of the list of profiles.
func (r *Registry) listedUser(d disk, k *Key, seen map[string]bool) {
	v, err := k.Value("ProfileImagePath")
	if err != nil {
		return
	}
	profile, err := v.Text()
	if err != nil {
		return
	}
	at, err := d.lookUp(r, profile)
	if err == nil {
		seen[hive.Fold(at)] = true
	}
	for i, u := range r.users {
		if hive.Fold(u.SID) == hive.Fold(k.Name()) {
			r.users[i].Profile = profile
			return
		}
	}
	if err == nil && len(r.users) < maxUsers {
		r.mountUser(User{SID: k.Name(), Profile: profile, Path: Users + `\` + k.Name()}, at)
	}
}

// mountUser mounts NTUSER.DAT and UsrClass.dat of a profile, if it has them.
func (r *Registry) mountUser(u User, at string) {
	file, err := lookUp(r.host, at, "NTUSER.DAT")
	if err != nil {
		return
	}
	r.mountHive(file, u.Path)
	u.Classes = u.Path + "_Classes"
	for _, dir := range [][]string{{"AppData", "Local", "Microsoft", "Windows"}, {"Local Settings", "Application Data", "Microsoft", "Windows"}} {
		if file, err := lookUp(r.host, at, append(dir, "UsrClass.dat")...); err == nil {
			r.mountHive(file, u.Classes, u.Path+classes)
			break
		}
	}
	r.users = append(r.users, u)
}

// lookUp finds a directory that the registry names.
func (d disk) lookUp(r *Registry, name string) (string, error) {
	name = strings.ReplaceAll(name, `\`, "/")
	first, rest, _ := strings.Cut(strings.TrimRight(name, "/"), "/")
	parts := strings.Split(rest, "/")
	switch folded := hive.Fold(first); {
	case folded == "%SYSTEMROOT%" || folded == "%WINDIR%":
		return lookUp(r.host, d.windows, parts...)
	case folded == "%SYSTEMDRIVE%":
		return lookUp(r.host, d.root, parts...)
	case len(first) == 2 && first[1] == ':':
		if at, err := lookUp(r.host, "/"+first+"/", parts...); err == nil || d.root != "/" {
			return at, err
		}
		return lookUp(r.host, d.root, parts...)
	}
	return "", fs.ErrNotExist
}

// below gives the mounts directly below a place, sorted by path.
func (r *Registry) below(at string) (out []*mount) {
	for _, m := range r.mounts {
		if rest, ok := strings.CutPrefix(m.at, at+`\`); ok && !strings.Contains(rest, `\`) {
			out = append(out, m)
		}
	}
	sorting.By(out, func(a, b *mount) int { return strings.Compare(a.at, b.at) })
	return out
}
