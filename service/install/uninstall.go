package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hozen/packager/evidence/fault"
	"hozen/packager/secret"
	"hozen/service/config"
)

// ErrIsolated says that the machine is cut off, and only the service knows the way back.
var ErrIsolated = errors.New("this machine is isolated")

// noEvidence are the files of the state directory that prove nothing: private keys, what
// finds the hub and how far it was told, locks.
func noEvidence() []string {
	return []string{
		config.DeviceKey, config.HubKey, config.HubFile, "hub.pos", "reported.json",
		config.IsolationFile, config.IsolationFile + ".lock", config.LedgerFile + ".lock", config.AuditFile + ".lock", config.OutboxDir + "/.lock",
	}
}

// Uninstall ends the service (what is being taken is sealed first) and removes program,
// units, configuration and private keys. What stays is evidence: archives and custody logs
// of the outbox, ledger, audit log, the trust file that jobs were held against, and the
// public device key, by which old archives are verified.
func Uninstall(ctx context.Context, o Options) (Done, error) {
	in := &installation{o: o}
	var err error
	if in.c, err = config.Load(o.at(o.config())); err != nil {
		// A broken configuration must not keep the service here.
		in.c = config.Default()
	}
	in.done.Config = in.c
	if in.done.Manager, err = managerOf(o); err != nil {
		return in.done, err
	}
	if isolated(o.at(in.c.In(config.IsolationFile))) {
		return in.done, fmt.Errorf("%w: %s", ErrIsolated, o.at(in.c.In(config.IsolationFile)))
	}
	if o.Root == "" {
		if err := deactivate(ctx); err != nil && !errors.Is(err, ErrByHand) {
			return in.done, err
		}
	}
	err = fault.Join(in.removeUnits(), in.keepTrust(), in.removeOthers(), in.removeProgram())
	if o.Root == "" {
		err = fault.Join(err, reload(ctx, in.done.Manager, in.c))
	}
	in.leftovers()
	return in.done, err
}

func (in *installation) removeUnits() (err error) {
	if in.done.Manager == SCM { // they are in its registry, and gone
		for _, f := range removable() {
			err = fault.Join(err, in.remove(f))
		}
		return err
	}
	all := Files(in.done.Manager, in.o.config(), in.c, false)
	slices.Reverse(all) // links first
	for _, f := range all {
		err = fault.Join(err, in.remove(f.Path))
	}
	for _, f := range append(notWanted(in.done.Manager, in.c), removable()...) {
		err = fault.Join(err, in.remove(f))
	}
	return err
}

// remove removes a file of the machine, if it is there.
func (in *installation) remove(path string) error {
	at := in.o.at(path)
	err := os.Remove(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil:
		in.did(Removed, at)
	}
	return err
}

// keepTrust keeps the trust file beside the audit log that speaks of it.
func (in *installation) keepTrust() error {
	from, to := in.o.at(in.c.Trust), in.o.at(in.c.In("trust"))
	text, err := config.ReadPlain(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && from != to {
		err = fault.Join(put(to, text, 0o600), in.remove(in.c.Trust))
	}
	return err
}

func (in *installation) removeOthers() (err error) {
	for _, name := range noEvidence() {
		at := in.o.at(in.c.In(name))
		if st, statErr := os.Lstat(at); name == config.DeviceKey && statErr == nil && st.Mode().IsRegular() && st.Size() == 4096 {
			if e := secret.Remove(at); e != nil {
				err = fault.Join(err, e)
			} else {
				in.did(Removed, at)
			}
			continue
		}
		err = fault.Join(err, in.remove(in.c.In(name)))
	}
	return err
}

// removeProgram removes the program and its configuration; the veto file and whatever else
// people put beside it is theirs.
func (in *installation) removeProgram() error {
	err := fault.Join(in.remove(Binary()), in.remove(in.o.config()))
	dirs := []string{in.c.In(config.OutboxDir), in.c.StateDir, filepath.Dir(in.o.config())}
	if in.done.Manager == SCM {
		dirs = append(dirs, filepath.Dir(Binary()))
	}
	for _, dir := range dirs {
		os.Remove(in.o.at(dir)) // if it is empty
	}
	return err
}

// leftovers says what is still there.
func (in *installation) leftovers() {
	const most = 1000
	tops := []string{filepath.Dir(in.o.config()), in.c.StateDir}
	if strings.HasPrefix(tops[1], tops[0]+string(filepath.Separator)) {
		tops = tops[:1]
	}
	for _, top := range tops {
		filepath.WalkDir(in.o.at(top), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				in.did(Left, path)
			}
			if len(in.done.Steps) > most {
				return fs.SkipAll
			}
			return nil
		})
	}
}
