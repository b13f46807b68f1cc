package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/packager/private"
	"hozen/packager/secret"
	"hozen/packager/signed"
	"hozen/packager/text"
)

func (a *app) keyCommand() *cobra.Command {
	c := &cobra.Command{Use: "key", Short: a.text(mShortKey), Long: a.text(mLongKey), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var device, operator, as, trust, authority string
	var whose trusted
	fresh := &cobra.Command{Use: "new FILE --device NAME", Short: a.text(mShortKeyNew), Args: wantArgs(1, 1),
		Example: "  hozen key new pc-42.key --device pc-42\n  hozen key new sato.key --operator sato",
		RunE: func(_ *cobra.Command, args []string) error {
			if operator != "" || as != "" {
				return a.personKeyNew(args[0], trusted{operator: operator, as: as})
			}
			return a.keyNew(args[0], device)
		}}
	fresh.Flags().StringVar(&device, "device", "", a.text(mFlagDevice))
	fresh.Flags().StringVar(&operator, "operator", "", a.text(mFlagKeyOperator))
	fresh.Flags().StringVar(&as, "as", "", a.text(mFlagKeyAs))
	fresh.MarkFlagsMutuallyExclusive("device", "operator", "as")
	show := &cobra.Command{Use: "show FILE", Short: a.text(mShortKeyShow), Args: wantArgs(1, 1),
		RunE: func(_ *cobra.Command, args []string) error { return a.keyShow(args[0]) }}
	believe := &cobra.Command{Use: "trust FILE.pub|'ssh-ed25519 …'", Short: a.text(mShortKeyTrust), Args: wantArgs(1, 1),
		Example: "  hozen key trust pc-42.key.pub\n  hozen key trust sato.pub --operator sato",
		RunE: func(_ *cobra.Command, args []string) error {
			if authority != "" {
				return a.authorityTrust(args[0], authority, trust)
			}
			return a.keyTrust(args[0], whose, trust)
		}}
	believe.Flags().SortFlags = false
	believe.Flags().StringVar(&whose.device, "device", "", a.text(mFlagTrustDevice))
	believe.Flags().StringVar(&whose.operator, "operator", "", a.text(mFlagTrustOperator))
	believe.Flags().StringVar(&whose.hub, "hub", "", a.text(mFlagTrustHub))
	believe.Flags().StringVar(&whose.as, "as", "", a.text(mFlagKeyAs))
	believe.Flags().StringVar(&authority, "authority", "", a.text(mFlagAuthorityFor))
	believe.MarkFlagsMutuallyExclusive("device", "operator", "hub", "as", "authority")
	believe.Flags().StringVar(&trust, "trust", "", a.text(mFlagTrustFile))
	c.AddCommand(fresh, show, believe, a.keyRotateCommand(), a.keyCACommand(), a.keyCertifyCommand(), a.keyRevokeCommand(), a.keyRecipientCommand())
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
		if cert, ok := pub.key.(*ssh.Certificate); ok {
			return a.printCertificate(cert)
		}
		return a.printPublic(principalOf(pub.comment), pub.key)
	}
	d, err := packager.LoadDevice(file, packager.DeviceName(string(a.identity().HostName)))
	if err != nil {
		return fail(err, a.text(mHintKey))
	}
	if pub, err := readPublic(file + ".pub"); err == nil && strings.HasPrefix(principalOf(pub.comment), "operator:") {
		return a.printPublic(pub.comment, pub.key)
	}
	return a.printKey(d)
}

// personKeyNew makes a key for a person, who signs jobs, seals and events with it.
func (a *app) personKeyNew(file string, whose trusted) error {
	principal, err := whose.principal("")
	if err != nil {
		return err
	}
	pub, err := a.writeKey(file, principal)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, a.text(mOperatorKeyMade, escape(file), escape(file+".pub")))
	return a.printPublic(principal, pub)
}

// writeKey makes a key: FILE, which only its owner can read, and FILE.pub.
func (a *app) writeKey(file, comment string) (ssh.PublicKey, error) {
	key, err := secret.New(a.random)
	if err != nil {
		return nil, fail(err, "")
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, fail(err, "")
	}
	if err = key.Write(file, comment, true); err == nil {
		err = secret.WriteNew(file+".pub", []byte(signed.PublicText(pub)+" "+comment+"\n"), 0o644)
	}
	if err != nil {
		return nil, fail(err, "")
	}
	return pub, nil
}

func (a *app) printKey(d packager.Device) error {
	key, err := d.Public()
	if err != nil {
		return fail(err, "")
	}
	return a.printPublic("device:"+d.Name, key)
}

func (a *app) printPublic(principal string, key ssh.PublicKey) error {
	kind, name, _ := strings.Cut(principal, ":")
	label, ok := map[string]message{"operator": mRowOperator, "hub": mHub, "device": mDevice}[kind]
	if !ok {
		label, name = mRowPrincipal, principal
	}
	_, err := fmt.Fprintf(a.stdout, "%s %s\n%s %s\n%s\n  %s", pad(a.text(label), 12), escape(name),
		pad(a.text(mFingerprint), 12), signed.Fingerprint(key), a.text(mSignerLine), packager.AllowedSigner(principal, key))
	return err
}

// public is one line of an OpenSSH public key file (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").
type public struct {
	key     ssh.PublicKey
	comment string
}

// longestKey bounds a public key file.
const longestKey = 64 << 10

// readPublic reads a public key: a file that holds it, or the line itself, where there is
// no file of that name.
func readPublic(arg string) (public, error) {
	line, err := readBounded(arg, longestKey)
	_, nobody := os.Stat(arg)
	if err != nil && nobody != nil && strings.Contains(arg, " AAAA") {
		line, err = []byte(arg), nil
	}
	if err != nil {
		return public{}, err
	}
	key, comment, options, _, err := ssh.ParseAuthorizedKey(text.UTF8(line))
	if err != nil {
		return public{}, fmt.Errorf("public key: %w", err)
	}
	if len(options) > 0 {
		return public{}, fmt.Errorf("public key: options before the key are not wanted")
	}
	return public{key, comment}, nil
}

// principalOf is whose a key is by its comment; a key of somebody else's making is taken
// for a device's.
func principalOf(comment string) string {
	if p, err := (trusted{}).principal(comment); err == nil {
		return p
	}
	return "device:" + packager.DeviceName(strings.TrimPrefix(comment, "device:"))
}

// trusted says whose key it is: one of them is given.
type trusted struct{ device, operator, hub, as string }

// principal is the name in an allowed_signers file. Without a flag the comment of the
// key says it, which hozen wrote there.
func (w trusted) principal(comment string) (string, error) {
	p := comment
	for kind, name := range map[string]string{"device": w.device, "operator": w.operator, "hub": w.hub} {
		if name != "" {
			p = kind + ":" + name
		}
	}
	if w.as != "" {
		p = w.as
	}
	if !packager.ValidPrincipal(p) {
		return "", usage(fmt.Errorf("%q: not the name of a device, operator or hub: give --device, --operator or --hub NAME, or --as KIND:NAME, of letters, digits, dots, dashes, at most 63", p), "")
	}
	return p, nil
}

// keyTrust appends a key to the auditor's allowed signers.
func (a *app) keyTrust(arg string, whose trusted, trust string) error {
	pub, err := readPublic(arg)
	if err != nil {
		return fail(err, a.text(mHintPublic))
	}
	principal, err := whose.principal(pub.comment)
	if err != nil {
		return err
	}
	key := signed.Plain(pub.key)
	if err := a.believeLine(trust, packager.AllowedSigner(principal, key)); err != nil {
		return err
	}
	return a.printPublic(principal, key)
}

// believeLine appends a line to a file of allowed signers; "" is the auditor's own.
func (a *app) believeLine(trust, line string) error {
	if trust == "" {
		if trust = a.trustFile(); trust == "" {
			return usage(errors.New("no home directory: --trust FILE is needed"), "")
		}
	}
	if _, err := a.trust(trust); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // a file that cannot be read is not made longer
	}
	if err := appendLine(trust, line); err != nil {
		return fail(err, "")
	}
	fmt.Fprintln(a.stdout, a.text(mTrusted, escape(trust)))
	return nil
}

func appendLine(file, line string) error {
	if err := private.MkdirAll(filepath.Dir(file), private.Mine); err != nil {
		return err
	}
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if strings.Contains("\n"+string(old), "\n"+line) {
		return nil
	}
	if len(old) > 0 && old[0] >= 0xfe { // the mark of UTF-16
		return fmt.Errorf("%s: is UTF-16, not UTF-8", file)
	}
	if len(old) > 0 && old[len(old)-1] != '\n' {
		line = "\n" + line
	}
	f, err := private.Open(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, private.Mine)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return fault.Join(err, f.Sync(), f.Close())
}
