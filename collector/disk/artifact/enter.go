package artifact

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"hozen/packager/evidence"
)

const (
	maxLinks = 40   // symbolic links on the way to one name (path_resolution(7))
	maxSteps = 4096 // components on the way to one name, those of the links included
)

// enter gives the true name of a directory that is written out: links on the way
// are followed within the host. It is "" if there is none. An error is one of
// reading; that nothing is there is none.
func (f *Finder) enter(name string) (string, error) {
	if e, ok := f.entered[name]; ok {
		return e.real, e.err
	}
	real, meta, err := f.follow("/", name)
	if err == nil && !isDir(meta) {
		real = ""
	}
	if notThere(err) {
		real, err = "", nil
	}
	if len(f.entered) >= maxEntered {
		clear(f.entered)
	}
	f.entered[name] = entry{real, err}
	return real, err
}

// follow resolves a name as the kernel would, in steps, so that a link leads
// nowhere but into this host, on every system and in every image. The name is
// taken from dir if it is not absolute; dir has no links in it.
func (f *Finder) follow(dir, name string) (at string, meta *evidence.FileMeta, err error) {
	left := f.components(name)
	if f.absolute(name) {
		dir = f.rootOf(dir, name)
	}
	at = dir
	if meta, err = f.host.Lstat(at); err != nil {
		return "", nil, err
	}
	for links, steps := 0, 0; len(left) > 0; {
		if steps++; steps > maxSteps {
			return "", nil, &fs.PathError{Op: "follow", Path: clip(name), Err: syscall.ENAMETOOLONG}
		}
		part := left[0]
		left = left[1:]
		if part == ".." {
			at = path.Dir(at)
			if meta, err = f.host.Lstat(at); err != nil {
				return "", nil, err
			}
			continue
		}
		if !isDir(meta) {
			return "", nil, syscall.ENOTDIR
		}
		next := below(at, f.spelled(at, part))
		if meta, err = f.host.Lstat(next); err != nil {
			return "", nil, err
		}
		if meta.Mode&evidence.ModeType != evidence.ModeSymlink {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", nil, &fs.PathError{Op: "follow", Path: name, Err: syscall.ELOOP}
		}
		left = slices.Concat(f.components(meta.LinkTarget), left)
		if f.absolute(meta.LinkTarget) {
			at = f.rootOf(at, meta.LinkTarget)
		}
		if meta, err = f.host.Lstat(at); err != nil {
			return "", nil, err
		}
	}
	return at, meta, nil
}

// absolute says whether a link's target begins at the root.
func (f *Finder) absolute(target string) bool {
	if strings.HasPrefix(target, "/") {
		return true
	}
	return f.system == Windows && (strings.HasPrefix(target, `\`) || len(target) > 1 && target[1] == ':')
}

// rootOf gives the root that an absolute name begins at: on a live Windows, one with
// neither a drive nor a prefix (\x) begins at the root of the drive that it is met on.
func (f *Finder) rootOf(dir, name string) string {
	if f.drives == nil || strings.HasPrefix(name, "/") || !strings.HasPrefix(name, `\`) || strings.HasPrefix(name, `\??\`) || strings.HasPrefix(name, `\\`) {
		return "/"
	}
	drive, _, _ := strings.Cut(strings.TrimPrefix(dir, "/"), "/")
	return "/" + drive
}

// components cuts a name at its separators. The prefixes of Windows before a drive
// (\\?\, \??\) are left out, and the drive is, too, but for a live host, where it is
// the first component.
func (f *Finder) components(name string) []string {
	if f.system == Windows {
		name = strings.ReplaceAll(name, `\`, "/")
		name = strings.TrimPrefix(strings.TrimPrefix(name, "//?/"), "/??/")
		if len(name) > 1 && name[1] == ':' {
			if f.drives != nil {
				name = strings.ToUpper(name[:1]) + name[1:]
			} else {
				name = name[2:]
			}
		}
	}
	return slices.DeleteFunc(strings.Split(name, "/"), func(s string) bool { return s == "" || s == "." })
}

// spelled gives a name as the directory has it, where case does not matter.
func (f *Finder) spelled(dir, name string) string {
	if f.system != Windows {
		return name
	}
	names, _ := f.list(dir)
	found := ""
	for _, have := range names {
		if have == name {
			return name
		}
		if found == "" && strings.EqualFold(have, name) {
			found = have
		}
	}
	if found == "" {
		return name
	}
	return found
}

func isDir(m *evidence.FileMeta) bool {
	return m != nil && m.Mode&evidence.ModeType == evidence.ModeDir
}

// notThere says whether an error means that there is no file of that name.
func notThere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
