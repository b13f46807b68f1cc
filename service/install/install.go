// Package install makes this program a service of the machine, and takes it away again.
// Begin with Install and Uninstall (install.go, uninstall.go); files.go is what is written
// where, and for which service manager; text/ has the units, each line with its reason.
// notify.go is what the running service tells the manager.
//
// On Windows the SCM is told over its own interface: services.go is what it is told,
// manager_windows.go tells it, serve_windows.go is the other end, in the running service.
//
// On Linux nothing is started, not even systemctl: systemd is told over its own socket,
// SysV and OpenRC by the files they read. The module kardianos/service, which does it
// elsewhere, is kept out of the program for Linux: as soon as it is linked, every run of
// the program on a machine without systemd starts /sbin/initctl, whatever that is, before
// main (isUpstart, in its init), also the collection on a suspect host.
package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/packager/private"
	"hozen/service/config"
	"hozen/service/policy"
)

// Unit is the name of the service.
const Unit = "hozen"

// Service managers of Linux.
const (
	Systemd = "systemd"
	OpenRC  = "openrc"
	SysV    = "sysv"
)

// Options are what an installation is told.
type Options struct {
	// Root is a folder that stands for "/": an image, or a test. Nothing is started then.
	Root    string
	Manager string // one of the above; "" finds out
	Config  string // its file; config.DefaultFile() if empty
	Device  string // name of this machine, for a new configuration and key; "": the configuration's
	Host    string // the host's name, where nothing else names the device
	Trust   string // file that becomes the trust file and is pinned; "": that which is there
	Image   string // the program that is installed; "" is the one that runs
	Random  io.Reader
	Start   bool
}

// What was done with a file or folder.
const (
	Made    = "made"
	Changed = "changed"
	Kept    = "kept"
	Aside   = "set aside" // it is of an older device key; Path is its new name
	Removed = "removed"
	Left    = "left" // evidence
)

// Step is one thing that was done.
type Step struct {
	Did  string
	Path string
}

// Done is what an installation did, in order, and what is there now.
type Done struct {
	Manager     string
	Steps       []Step
	Config      *config.Config
	Device      string
	Fingerprint string
	Pinned      string // SHA-256 of the trust file; "" if there is none yet
	Status      Status // after everything
	// Busy is what the running service is doing, so that it was not started anew and goes on
	// as the old program until it is; "" if it was, or did not run.
	Busy string
}

// installation is one run of Install.
type installation struct {
	o    Options
	c    *config.Config
	done Done
}

// Not inlined, for the size of the program.
//
//go:noinline
func (o Options) config() string {
	if o.Config == "" {
		return config.DefaultFile()
	}
	return o.Config
}

// at is where a path of the machine lies, with Root before it.
// Not inlined, for the size of the program.
//
//go:noinline
func (o Options) at(path string) string {
	if o.Root == "" {
		return path
	}
	return filepath.Join(o.Root, path)
}

// Install installs or upgrades: keys, configuration and outbox that are there stay. What is
// wrong with an existing configuration is said before anything is changed.
func Install(ctx context.Context, o Options) (Done, error) {
	in := &installation{o: o}
	for _, step := range []func(context.Context) error{in.manager, in.configure, in.folders, in.program, in.key, in.trust, in.write, in.activate} {
		if err := step(ctx); err != nil {
			return in.done, err
		}
	}
	return in.done, nil
}

// Not inlined, for the size of the program.
//
//go:noinline
func (in *installation) did(what, path string) {
	in.done.Steps = append(in.done.Steps, Step{what, path})
}

// configure reads the configuration, or makes it.
func (in *installation) configure(context.Context) error {
	file := in.o.at(in.o.config())
	c, err := config.Load(file)
	_, statErr := os.Lstat(file)
	switch {
	case errors.Is(statErr, os.ErrNotExist):
		text := config.Text()
		if in.o.Device != "" {
			text = config.TextFor(in.o.Device)
		}
		if c, err = config.Parse(file, []byte(text)); err != nil {
			return err
		}
		if err := in.home(filepath.Dir(file)); err != nil {
			return err
		}
		if err := put(file, []byte(text), 0o644); err != nil {
			return err
		}
		in.did(Made, file)
	case err != nil:
		return err
	default:
		in.did(Kept, file)
	}
	in.c, in.done.Config = c, c
	in.done.Device = c.Device
	if c.Device == "" {
		in.done.Device = packager.DeviceName(in.o.Host)
	}
	return nil
}

func (in *installation) manager(context.Context) (err error) {
	if in.done.Manager, err = managerOf(in.o); err != nil {
		return err
	}
	return nil
}

func (in *installation) folders(context.Context) error {
	for _, dir := range []string{in.c.StateDir, in.c.In(config.OutboxDir)} {
		dir = in.o.at(dir)
		if err := nobodyElses(dir); err != nil {
			return err
		}
		st, err := os.Lstat(dir)
		switch {
		case errors.Is(err, os.ErrNotExist):
			if err := private.MkdirAll(dir, private.Machine); err != nil {
				return err
			}
			in.did(Made, dir)
		case err != nil:
			return err
		case !st.IsDir():
			return fmt.Errorf("%s: not a folder", dir)
		default:
			if err := private.Protect(dir, private.Machine); err != nil {
				return err
			}
			in.did(Kept, dir)
		}
	}
	return nil
}

// ErrNotOurs says that somebody else than root could change what is put into a folder.
var ErrNotOurs = errors.New("others could change what is put there: choose a folder that belongs to root, below folders that do")

// home makes the folder of the configuration or of the program, if it is not there: on Windows
// nobody else may look into it.
func (in *installation) home(dir string) error {
	if err := nobodyElses(dir); err != nil {
		return err
	}
	if in.done.Manager == SCM {
		return private.MkdirAll(dir, private.Machine)
	}
	return os.MkdirAll(dir, 0o755)
}

// nobodyElses looks at a folder, or at the nearest one above it that is there, in which a
// folder can then be made that nobody else can replace.
func nobodyElses(dir string) error {
	judge := config.OnlyOurs
	for {
		_, err := os.Lstat(dir)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
			return err
		}
		dir, judge = filepath.Dir(dir), config.OnlyOursBelow
	}
	if err := judge(dir); err != nil {
		return fmt.Errorf("%w: %w", ErrNotOurs, err)
	}
	return nil
}

// onlyMachine gives all that the service reads and runs to SYSTEM and Administrators alone: what
// an administrator made may belong to that person, which the service would not believe.
func (in *installation) onlyMachine() error {
	files := []string{in.o.config(), in.c.Trust, in.c.In(config.TrustPin), Binary()}
	folders := []string{in.c.StateDir, in.c.In(config.OutboxDir), filepath.Dir(Binary())}
	if dir := filepath.Dir(in.o.config()); dir == filepath.Dir(config.DefaultFile()) {
		folders = append(folders, dir) // another one may hold other things, too
	}
	for _, name := range append(files, folders...) {
		if err := in.ours(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// ours takes a file from everybody but the machine, where modes say nothing; elsewhere the one
// who made it did.
func (in *installation) ours(file string) error {
	if in.done.Manager != SCM {
		return nil
	}
	return private.Protect(file, private.Machine)
}

// trust puts the trust file in its place, and pins it.
func (in *installation) trust(context.Context) error {
	file, pin := in.o.at(in.c.Trust), in.o.at(in.c.In(config.TrustPin))
	if in.o.Trust != "" {
		if err := in.replaceTrust(file); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(file); errors.Is(err, os.ErrNotExist) {
		return nil // without it, no job is obeyed; said by whoever prints this
	}
	_, err := os.Lstat(pin)
	if in.o.Trust == "" && err == nil {
		if _, err := policy.TrustPinned(file, pin); err != nil {
			return err
		}
		in.did(Kept, pin)
		in.done.Pinned = "kept"
		return nil
	}
	if in.done.Pinned, err = policy.PinTrust(file, pin); err == nil {
		in.did(Made, pin)
	}
	return err
}

func (in *installation) replaceTrust(file string) error {
	text, err := config.ReadPlain(in.o.Trust)
	if err != nil {
		return err
	}
	if err := in.home(filepath.Dir(file)); err != nil {
		return err
	}
	did, err := replace(file, text, 0o644)
	if err == nil {
		in.did(did, file)
	}
	return err
}

// write puts what the service manager reads.
func (in *installation) write(context.Context) error {
	if in.done.Manager == SCM {
		steps, err := register(in.o.config(), in.c)
		in.done.Steps = append(in.done.Steps, steps...)
		return fault.Join(err, in.onlyMachine())
	}
	for _, f := range Files(in.done.Manager, in.o.config(), in.c, linked(in.o.image())) {
		did, err := f.put(in.o.at(f.Path))
		if err != nil {
			return err
		}
		in.did(did, in.o.at(f.Path))
	}
	for _, f := range notWanted(in.done.Manager, in.c) {
		if err := os.Remove(in.o.at(f)); err == nil {
			in.did(Removed, in.o.at(f))
		}
	}
	return nil
}

// activate has the manager read what is new, and starts what shall run.
func (in *installation) activate(ctx context.Context) error {
	if in.o.Root != "" {
		return nil
	}
	before, err := State(ctx)
	if err != nil && !errors.Is(err, ErrByHand) {
		return err
	}
	if err := reload(ctx, in.done.Manager, in.c); err != nil {
		return err
	}
	switch {
	case before.Running && !before.Idle():
		in.done.Busy = before.Doing
	case before.Running:
		err = Control(ctx, Restart)
	case in.o.Start:
		err = Control(ctx, Start)
	}
	if err != nil {
		return err
	}
	in.done.Status, err = State(ctx)
	if errors.Is(err, ErrByHand) {
		return nil
	}
	return err
}

// image is the program that is installed: what runs, even if its file is another by now.
func (o Options) image() string {
	switch {
	case o.Image != "":
		return o.Image
	case runtime.GOOS == "linux":
		return "/proc/self/exe"
	}
	name, _ := os.Executable()
	return name
}

// Preview gives the files that Install would write for the service manager, and changes
// nothing.
func Preview(o Options) ([]File, error) {
	c, err := config.Load(o.at(o.config()))
	if _, statErr := os.Lstat(o.at(o.config())); errors.Is(statErr, os.ErrNotExist) {
		c, err = config.Default(), nil
	}
	if err != nil {
		return nil, err
	}
	manager, err := managerOf(o)
	if err != nil {
		return nil, err
	}
	return Files(manager, o.config(), c, linked(o.image())), nil
}

// Trust puts o.Trust in the place of the trust file of an installed service, and pins it.
func Trust(o Options, c *config.Config) error {
	in := &installation{o: o, c: c}
	return in.trust(context.Background())
}
