package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/packager/secret"
	"hozen/packager/signed"
	"hozen/service/durable"
)

func (a *app) keyRotateCommand() *cobra.Command {
	var as string
	c := &cobra.Command{Use: "rotate FILE", Short: a.text(mShortKeyRotate), Long: a.text(mLongKeyRotate), Args: wantArgs(1, 1),
		Example: "  hozen key rotate pc-42.key",
		RunE:    func(_ *cobra.Command, args []string) error { return a.keyRotate(args[0], as) }}
	c.Flags().StringVar(&as, "as", "", a.text(mFlagRotateAs))
	return c
}

// deviceOf says whose device key a file is: as its public half beside it says, else as the
// caller does. The key of a person is none.
func (a *app) deviceOf(file, as string) (string, error) {
	said := ""
	b, err := os.ReadFile(file + ".pub")
	if err == nil {
		_, comment, _, _, err := ssh.ParseAuthorizedKey(b)
		if err != nil {
			return "", fail(fmt.Errorf("%s.pub: %w", file, err), "")
		}
		said = strings.TrimSpace(comment)
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", fail(err, "")
	}
	kind, name, named := strings.Cut(said, ":")
	switch {
	case named && kind != "device" && packager.ValidPrincipal(said):
		return "", usage(fmt.Errorf("%s is the key of %s, not of a device", file, said), a.text(mHintRotatePerson))
	case named && kind == "device" && as != "" && as != said:
		return "", usage(fmt.Errorf("%s is the key of %s, not of %s", file, said, as), "")
	case named && kind == "device":
		return name, nil
	case as == "":
		return "", usage(fmt.Errorf("%s: nothing beside it says whose key it is", file), a.text(mHintRotateAs))
	}
	name, ok := strings.CutPrefix(as, "device:")
	if !ok || !packager.ValidPrincipal(as) {
		return "", usage(fmt.Errorf("--as %q: want device:NAME", as), a.text(mHintRotatePerson))
	}
	return name, nil
}

// keyRotate makes a new key for a device, has the old one sign for it, and puts it in its
// place. The old private key is overwritten and removed, last: until then the new one, or
// both, are there.
func (a *app) keyRotate(file, as string) error {
	name, err := a.deviceOf(file, as)
	if err != nil {
		return err
	}
	old, err := packager.LoadDevice(file, name)
	if err != nil {
		return fail(err, a.text(mHintKey))
	}
	fresh, err := packager.NewDevice(old.Name, a.random)
	if err != nil {
		return fail(err, "")
	}
	now := a.now()
	statement, oldSig, newSig, err := packager.MakeRekey(old, fresh, now)
	if err != nil {
		return fail(err, "")
	}
	if _, err := packager.CheckRekey(statement, oldSig, newSig); err != nil {
		return fail(err, "")
	}
	next, record := file+".next", file+".rekey-"+now.UTC().Format("20060102t150405z")
	save := packager.SaveDevice // a key that can be carried about stays one
	if !portable(file) {
		save = packager.SaveMachineDevice
	}
	if err := save(fresh, next); err != nil {
		return fail(err, a.text(mHintRotate, escape(next)))
	}
	for name, b := range map[string][]byte{".json": statement, ".json.old.sig": oldSig, ".json.new.sig": newSig} {
		if err := secret.WriteNew(record+name, b, 0o644); err != nil {
			return fail(err, "")
		}
	}
	if err := a.putInPlace(file, next, record); err != nil {
		return fail(err, a.text(mHintRotate, escape(next)))
	}
	oldKey, err1 := old.Public()
	newKey, err2 := fresh.Public()
	if err := fault.Join(err1, err2); err != nil {
		return fail(err, "")
	}
	_, err1 = fmt.Fprintln(a.stdout, a.text(mRotated, escape(file), signed.Fingerprint(newKey), signed.Fingerprint(oldKey), escape(record+".json")))
	_, err2 = fmt.Fprint(a.stdout, packager.AllowedSignerBetween("device:"+old.Name, oldKey, time.Time{}, now)+
		packager.AllowedSignerBetween("device:"+old.Name, newKey, now, time.Time{}))
	if err := fault.Join(err1, err2); err != nil { // the old key is there still
		return fail(err, a.text(mHintRotate, escape(next)))
	}
	if err := secret.Remove(file + ".old"); err != nil {
		return fail(err, a.text(mHintRotate, escape(next)))
	}
	if old.Certificate != nil {
		fmt.Fprintln(a.stdout, a.text(mRotatedCertificate, escape(record+".old-cert.pub"), escape(file+".pub")))
	}
	return nil
}

// portable says whether a key file is text that any machine can read.
func portable(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	begin := make([]byte, len("-----BEGIN"))
	_, err = io.ReadFull(f, begin)
	return err == nil && string(begin) == "-----BEGIN"
}

// putInPlace gives the new key the name of the old, whose public half is kept beside the record.
// The old private key is FILE.old then.
func (a *app) putInPlace(file, next, record string) error {
	away := file + ".old"
	if _, err := os.Lstat(away); err == nil {
		return fmt.Errorf("%s: is there already", away)
	}
	for _, move := range [][2]string{
		{file + "-cert.pub", record + ".old-cert.pub"}, {file + ".pub", record + ".old.pub"},
		{file, away}, {next, file}, {next + ".pub", file + ".pub"},
	} {
		if err := durable.Rename(move[0], move[1]); err != nil && (move[0] == file || move[0] == next || !errors.Is(err, os.ErrNotExist)) {
			return err
		}
	}
	return nil
}
