package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/audit"
	"hozen/service/config"
	"hozen/service/durable"
)

// key makes the device key, if there is none. What belongs to an older key, as an earlier
// installation leaves it, is set aside: old archives are verified by it, but beside a new
// key it would be taken for the new one's. The ledger stays: a job is not run again
// because the machine was installed anew.
func (in *installation) key(context.Context) error {
	file := in.o.at(in.c.In(config.DeviceKey))
	_, err := os.Lstat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = in.newKey(file)
	case err == nil:
		in.did(Kept, file)
		err = in.fitting(file)
	}
	if err != nil {
		return err
	}
	d, err := packager.LoadDevice(file, in.done.Device)
	if err != nil {
		return err
	}
	if in.c.Device != "" && d.Name != in.c.Device {
		return fmt.Errorf("%s: the key is that of %s, the configuration says %s", file, d.Name, in.c.Device)
	}
	in.done.Device = d.Name
	in.done.Fingerprint, err = d.Fingerprint()
	return err
}

func (in *installation) newKey(file string) error {
	d, err := packager.NewDevice(in.done.Device, in.o.Random)
	if err != nil {
		return err
	}
	if err := in.setAside(file+".pub", file+"-cert.pub", in.auditLog()); err != nil {
		return err
	}
	if err := packager.SaveMachineDevice(d, file); err != nil {
		return err
	}
	for _, f := range []string{file, file + ".pub"} {
		if err := in.ours(f); err != nil {
			return err
		}
	}
	in.did(Made, file)
	return nil
}

// fitting sets aside what lies beside a key that is there and is not of it, and writes its
// public half anew.
func (in *installation) fitting(file string) error {
	d, err := packager.LoadDevice(file, in.done.Device)
	if err != nil {
		return err
	}
	key, err := d.Public()
	if err != nil {
		return err
	}
	var others []string
	pub, other := file+".pub", PublicFits(file, key) != nil
	if other {
		others = append(others, pub)
	}
	if errors.Is(audit.CheckEnd(in.auditLog(), key), audit.ErrOtherKey) {
		others = append(others, in.auditLog())
	}
	if err := in.setAside(others...); err != nil || !other {
		return err
	}
	if err := put(pub, []byte(signed.PublicText(key)+" device:"+in.done.Device+"\n"), 0o644); err != nil {
		return err
	}
	in.did(Made, pub)
	return in.ours(pub)
}

func (in *installation) auditLog() string { return in.o.at(in.c.In(config.AuditFile)) }

// ErrOtherPublic says that the public key beside a private one is not its own.
var ErrOtherPublic = errors.New("not the public key of the device key beside it")

// PublicFits says why FILE.pub is not the public half of a device key FILE; nil: it is.
func PublicFits(file string, key ssh.PublicKey) error {
	text, err := config.ReadPlain(file + ".pub")
	if err != nil {
		return err
	}
	if pub, _, _, _, err := ssh.ParseAuthorizedKey(text); err != nil || signed.PublicText(pub) != signed.PublicText(key) {
		return fmt.Errorf("%s.pub: %w", file, ErrOtherPublic)
	}
	return nil
}

// setAside gives what belongs to an older device key a name with the time, the same for
// all: device.key.TIME.pub verifies audit.TIME.jsonl and the archives of then.
func (in *installation) setAside(files ...string) error {
	stamp := time.Now().UTC().Format(".20060102T150405.000Z")
	for _, file := range files {
		to := file + stamp
		for _, end := range []string{"-cert.pub", ".pub", ".jsonl"} {
			if stem, ok := strings.CutSuffix(file, end); ok {
				to = stem + stamp + end
				break
			}
		}
		if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: %w", to, os.ErrExist)
		}
		switch err := durable.Rename(file, to); {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return err
		default:
			in.did(Aside, to)
		}
	}
	return nil
}
