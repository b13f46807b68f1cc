package install

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hozen/packager/evidence/fault"
	"hozen/service/config"
	"hozen/service/durable"
	"hozen/service/isolate"
)

//go:embed text
var texts embed.FS

// File is one that the service manager reads.
type File struct {
	Path string // on the machine
	Text string
	Mode os.FileMode
	Link string // if not empty: a symbolic link to there, and no text
}

// Folders of systemd for what an administrator installs.
const (
	units  = "/etc/systemd/system/"
	wanted = units + "multi-user.target.wants/"
	early  = units + "sysinit.target.wants/"
	logind = "/etc/systemd/logind.conf.d/hozen.conf"
)

// Files are those of a service manager, as the configuration wants them. file is where
// the configuration lies; linked says that the program needs the machine's libraries.
func Files(manager, file string, c *config.Config, linked bool) []File {
	fill := filler(file, c, linked)
	switch manager {
	case Systemd:
		all := []File{
			{Path: units + "hozen.service", Text: fill("hozen.service"), Mode: 0o644},
			{Path: units + "hozen-collect@.service", Text: fill("hozen-collect@.service"), Mode: 0o644},
			{Path: units + isolate.UnitName, Text: isolate.Unit(Binary(), c.In(config.IsolationFile)), Mode: 0o644},
			{Path: early + isolate.UnitName, Link: units + isolate.UnitName},
			{Path: wanted + "hozen.service", Link: units + "hozen.service"},
		}
		if c.OnShutdown == config.ShutdownVolatile {
			all = append(all, File{Path: logind, Mode: 0o644, Text: fmt.Sprintf(
				"# Written by `hozen service install` (on_shutdown: volatile in %s): how long a\n# shutdown may be held for evidence that it would destroy.\n[Login]\nInhibitDelayMaxSec=%d\n",
				file, int((c.ShutdownLimit + 5*time.Second).Seconds()))})
		}
		return all
	case SCM:
		return serviceFiles(file, c)
	case OpenRC:
		return []File{{Path: "/etc/init.d/hozen", Text: fill("openrc"), Mode: 0o755}, {Path: "/etc/runlevels/default/hozen", Link: "/etc/init.d/hozen"}}
	}
	all := []File{{Path: "/etc/init.d/hozen", Text: fill("sysv"), Mode: 0o755}}
	for _, level := range []string{"2", "3", "4", "5"} {
		all = append(all, File{Path: "/etc/rc" + level + ".d/S99hozen", Link: "../init.d/hozen"})
	}
	for _, level := range []string{"0", "1", "6"} {
		all = append(all, File{Path: "/etc/rc" + level + ".d/K01hozen", Link: "../init.d/hozen"})
	}
	return all
}

// notWanted are files that another configuration would have, and this one has not.
func notWanted(manager string, c *config.Config) []string {
	if manager == Systemd && c.OnShutdown != config.ShutdownVolatile {
		return []string{logind}
	}
	return nil
}

// filler gives what puts the configuration into a text.
func filler(file string, c *config.Config, linked bool) func(name string) string {
	stop := 30*time.Second + c.ShutdownLimit
	run := Binary()
	if linked {
		run += " -/lib -/lib64 -/usr/lib -/usr/lib64"
	}
	values := strings.NewReplacer(
		"@RUN@", run, "@BINARY@", Binary(), "@CONFIG@", file, "@STATE@", c.StateDir, "@WRITES@", writes(c),
		"@MEMORY_HIGH@", strconv.FormatInt(c.Limits.Memory/10*9, 10), "@MEMORY_MAX@", strconv.FormatInt(c.Limits.Memory, 10),
		"@CPU_WEIGHT@", strconv.Itoa(c.Limits.CPUWeight), "@IO_WEIGHT@", strconv.Itoa(c.Limits.IOWeight),
		"@STOP@", strconv.Itoa(int(stop.Seconds())), "@STOP_SECONDS@", strconv.Itoa(int(stop.Seconds())))
	read := func(name string) string {
		b, err := texts.ReadFile("text/" + name)
		if err != nil {
			return "" // it is part of the program
		}
		return string(b)
	}
	return func(name string) string {
		return values.Replace(strings.Replace(read(name), "@HARDENING@", read("hardening"), 1))
	}
}

// writes are the lines of the unit that name what may be written: the state, and folders that
// archives go to.
func writes(c *config.Config) string {
	lines := []string{"ReadWritePaths=" + unitPath(c.StateDir)}
	for _, d := range c.Destinations {
		if strings.HasPrefix(d.To, "/") {
			lines = append(lines, "ReadWritePaths=-"+unitPath(d.To))
		}
	}
	return strings.Join(lines, "\n")
}

// unitPath writes a path as systemd reads it (systemd.exec(5), systemd.unit(5)).
func unitPath(p string) string {
	if !strings.ContainsAny(p, " \t\"'\\%") {
		return p
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(p) + `"`
}

// put writes the file, if it is not so already.
func (f File) put(at string) (did string, err error) {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return "", err
	}
	if f.Link == "" {
		return replace(at, []byte(f.Text), f.Mode)
	}
	old, err := os.Readlink(at)
	switch {
	case err == nil && old == f.Link:
		return Kept, nil
	case err == nil:
		did, err = Changed, os.Remove(at)
	case errors.Is(err, os.ErrNotExist):
		did, err = Made, nil
	}
	if err != nil {
		return "", err
	}
	return did, os.Symlink(f.Link, at)
}

// replace puts a file in the place of another, in one step.
func replace(at string, text []byte, mode os.FileMode) (did string, err error) {
	did = Changed
	st, err := os.Lstat(at)
	switch {
	case errors.Is(err, os.ErrNotExist):
		did = Made
	case err != nil:
		return "", err
	case !st.Mode().IsRegular():
		return "", fmt.Errorf("%s: not a plain file", at)
	default:
		if old, err := os.ReadFile(at); err == nil && bytes.Equal(old, text) && samePerm(st, mode) {
			return Kept, nil
		}
	}
	return did, put(at, text, mode)
}

// put writes a file beside its place and renames it there.
func put(at string, text []byte, mode os.FileMode) error {
	return copyTo(bytes.NewReader(text), at, mode, durable.Rename)
}

func copyTo(from io.Reader, at string, mode os.FileMode, rename func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(at), "."+filepath.Base(at)+".*")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	err = fault.Join(err, f.Close())
	if err == nil {
		err = rename(f.Name(), at)
	}
	if err != nil {
		return fault.Join(err, os.Remove(f.Name()))
	}
	return durable.SyncFolder(filepath.Dir(at))
}
