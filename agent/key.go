package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"hozen/packager"
)

func (a *app) keyCommand() *cobra.Command {
	c := &cobra.Command{Use: "key", Short: a.text(mShortKey), Long: a.text(mLongKey), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var device, trustDevice, trust string
	fresh := &cobra.Command{Use: "new FILE --device NAME", Short: a.text(mShortKeyNew), Args: wantArgs(1, 1),
		RunE: func(_ *cobra.Command, args []string) error { return a.keyNew(args[0], device) }}
	fresh.Flags().StringVar(&device, "device", "", a.text(mFlagDevice))
	show := &cobra.Command{Use: "show FILE", Short: a.text(mShortKeyShow), Args: wantArgs(1, 1),
		RunE: func(_ *cobra.Command, args []string) error { return a.keyShow(args[0]) }}
	believe := &cobra.Command{Use: "trust FILE.pub|'ssh-ed25519 …' --device NAME", Short: a.text(mShortKeyTrust), Args: wantArgs(1, 1),
		RunE: func(_ *cobra.Command, args []string) error { return a.keyTrust(args[0], trustDevice, trust) }}
	believe.Flags().StringVar(&trustDevice, "device", "", a.text(mFlagTrustDevice))
	believe.Flags().StringVar(&trust, "trust", "", a.text(mFlagTrustFile))
	c.AddCommand(fresh, show, believe)
	return c
}

func (a *app) keyNew(file, name string) error {
	if name == "" {
		name = packager.DeviceName(string(a.identity().HostName))
	}
	d, err := packager.NewDevice(name, a.random)
	if err != nil {
		return usage(err, "")
	}
	if err := packager.SaveDevice(d, file); err != nil {
		return fail(err, "")
	}
	fmt.Fprintln(a.stdout, a.text(mKeyMade, escape(file), escape(file+".pub")))
	return a.printKey(d)
}

func (a *app) keyShow(file string) error {
	if pub, err := readPublic(file); err == nil {
		return a.printPublic(deviceOf(pub.comment), pub.key)
	}
	d, err := packager.LoadDevice(file, packager.DeviceName(string(a.identity().HostName)))
	if err != nil {
		return fail(err, a.text(mHintKey))
	}
	return a.printKey(d)
}

func (a *app) printKey(d packager.Device) error {
	key, err := d.Public()
	if err != nil {
		return fail(err, "")
	}
	return a.printPublic(d.Name, key)
}

func (a *app) printPublic(device string, key ssh.PublicKey) error {
	_, err := fmt.Fprintf(a.stdout, "%s %s\n%s %s\n%s\n  %s", pad(a.text(mDevice), 12), escape(device),
		pad(a.text(mFingerprint), 12), ssh.FingerprintSHA256(key), a.text(mSignerLine), packager.AllowedSigner("device:"+device, key))
	return err
}

// public is one line of an OpenSSH public key file (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").
type public struct {
	key     ssh.PublicKey
	comment string
}

// longestKey bounds a public key file.
const longestKey = 64 << 10

// readPublic reads a public key: the line itself, or a file that holds it.
func readPublic(arg string) (public, error) {
	line := []byte(arg)
	if !strings.Contains(arg, " ") {
		st, err := os.Stat(arg)
		if err != nil {
			return public{}, err
		}
		if !st.Mode().IsRegular() || st.Size() > longestKey {
			return public{}, fmt.Errorf("%s: not a public key file", arg)
		}
		if line, err = os.ReadFile(arg); err != nil {
			return public{}, err
		}
	}
	key, comment, options, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		return public{}, fmt.Errorf("public key: %w", err)
	}
	if len(options) > 0 {
		return public{}, fmt.Errorf("public key: options before the key are not wanted")
	}
	return public{key, comment}, nil
}

func deviceOf(comment string) string {
	name, _ := strings.CutPrefix(comment, "device:")
	return packager.DeviceName(name)
}

// keyTrust appends a key to the auditor's allowed signers.
func (a *app) keyTrust(arg, device, trust string) error {
	pub, err := readPublic(arg)
	if err != nil {
		return fail(err, a.text(mHintPublic))
	}
	if device == "" {
		if name, ok := strings.CutPrefix(pub.comment, "device:"); ok {
			device = name
		}
	}
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`).MatchString(device) {
		return usage(fmt.Errorf("--device %q: want the device's name: letters, digits, dots, dashes, at most 63", device), "")
	}
	if trust == "" {
		if trust = a.trustFile(); trust == "" {
			return usage(errors.New("no home directory: --trust FILE is needed"), "")
		}
	}
	if _, err := a.trust(trust); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // a file that cannot be read is not made longer
	}
	if err := appendLine(trust, packager.AllowedSigner("device:"+device, pub.key)); err != nil {
		return fail(err, "")
	}
	fmt.Fprintln(a.stdout, a.text(mTrusted, escape(trust)))
	return a.printPublic(device, pub.key)
}

func appendLine(file, line string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if strings.Contains("\n"+string(old), "\n"+line) {
		return nil
	}
	if len(old) > 0 && old[len(old)-1] != '\n' {
		line = "\n" + line
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Sync(), f.Close())
}
