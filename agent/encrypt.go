package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"hozen/packager"
	"hozen/packager/cipher"
	"hozen/packager/secret"
	"hozen/packager/text"
)

// encryptOptions are the flags that say to whom an archive is encrypted.
type encryptOptions struct {
	to     []string
	policy string
}

func (a *app) encryptFlags(c *cobra.Command, o *encryptOptions) {
	c.Flags().StringArrayVar(&o.to, "encrypt-to", nil, a.text(mFlagEncryptTo))
	c.Flags().StringVar(&o.policy, "encrypt-policy", "", a.text(mFlagEncryptPolicy))
}

// An encryptPolicy says who may read archives. It is a file of the organisation:
//
//	least: 2
//	must: [escrow]
//	recipients:
//	  investigator: age1…
//	  escrow: age1…
type encryptPolicy struct {
	Least      int               `yaml:"least"`      // how many recipients at least
	Must       []string          `yaml:"must"`       // names that are always among them
	Recipients map[string]string `yaml:"recipients"` // by name: nobody else is allowed
}

// readEncryptPolicy reads a policy. A recipient may be given in any text of it.
func readEncryptPolicy(file string) (p encryptPolicy, err error) {
	f, err := os.Open(file)
	if err != nil {
		return p, err
	}
	defer f.Close()
	dec := yaml.NewDecoder(io.LimitReader(f, 1<<20))
	dec.KnownFields(true)
	if err := dec.Decode(&p); err != nil {
		return p, fmt.Errorf("%s: %w", file, err)
	}
	for name, text := range p.Recipients {
		if p.Recipients[name], err = cipher.Canonical(text); err != nil {
			return p, fmt.Errorf("%s: %s: %w", file, name, err)
		}
	}
	for _, name := range p.Must {
		if p.Recipients[name] == "" {
			return p, fmt.Errorf("%s: %q must be a recipient, and is not in the list", file, name)
		}
	}
	if p.Least > len(p.Recipients) || p.Least < 0 || len(p.Recipients) == 0 {
		return p, fmt.Errorf("%s: at least %d of %d recipients", file, p.Least, len(p.Recipients))
	}
	return p, nil
}

// recipients gives the canonical texts of those who may read the archive; none if it is
// not to be encrypted.
func (o encryptOptions) recipients() (list []string, err error) {
	var p encryptPolicy
	if o.policy != "" {
		if p, err = readEncryptPolicy(o.policy); err != nil {
			return nil, err
		}
	}
	for _, text := range o.to {
		some, err := recipientsOf(text, p)
		if err != nil {
			return nil, fmt.Errorf("--encrypt-to: %w", err)
		}
		list = append(list, some...)
	}
	if o.policy != "" {
		if len(o.to) == 0 {
			list = slices.Sorted(maps.Values(p.Recipients))
		}
		if err := p.allows(list); err != nil {
			return nil, fmt.Errorf("%s: %w", o.policy, err)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	if _, err := cipher.Recipients(list); err != nil {
		return nil, err
	}
	return list, nil
}

// recipientsOf reads what one --encrypt-to says: a name, a recipient, or a file.
func recipientsOf(text string, p encryptPolicy) ([]string, error) {
	if r := p.Recipients[text]; r != "" {
		return []string{r}, nil
	}
	if strings.HasPrefix(text, "AGE-SECRET-KEY-") || strings.Contains(text, "PRIVATE KEY") {
		return nil, errors.New("that is a private key, and now in the list of processes: make another; what is wanted is its recipient")
	}
	one, err := cipher.Canonical(text)
	if err == nil {
		return []string{one}, nil
	}
	f, openErr := os.Open(text)
	switch {
	case openErr != nil && (strings.HasPrefix(text, "age1") || strings.HasPrefix(text, "ssh-")):
		return nil, err
	case openErr != nil:
		return nil, openErr
	}
	defer f.Close()
	list, err := cipher.ReadRecipients(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return list, nil
}

// allows says why a policy does not allow these recipients.
func (p encryptPolicy) allows(list []string) error {
	names := map[string]string{}
	for name, r := range p.Recipients {
		names[r] = name
	}
	for _, r := range list {
		if names[r] == "" {
			return fmt.Errorf("recipient %.40s is not in the policy", r)
		}
	}
	for _, name := range p.Must {
		if !slices.Contains(list, p.Recipients[name]) {
			return fmt.Errorf("%s must be a recipient", name)
		}
	}
	if len(list) < p.Least {
		return fmt.Errorf("%d recipients, %d at least", len(list), p.Least)
	}
	return nil
}

// longestIdentity bounds an identity file.
const longestIdentity = 1 << 20

// identities reads the files of --identity, and asks for passphrases where they have one.
func (a *app) identities(files []string) (list []age.Identity, err error) {
	for _, name := range files {
		one, err := a.identityFile(name)
		if err != nil {
			return nil, fail(fmt.Errorf("%s: %w", name, err), "")
		}
		list = append(list, one...)
	}
	return list, nil
}

func (a *app) identityFile(name string) ([]age.Identity, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, longestIdentity+1))
	defer clear(b)
	if err != nil {
		return nil, err
	}
	if len(b) > longestIdentity {
		return nil, fmt.Errorf("over %d bytes", longestIdentity)
	}
	plain := text.UTF8(b)
	defer clear(plain)
	return cipher.Identities(plain, func() ([]byte, error) { return a.passphrase(a.text(mAskIdentity, escape(name))) })
}

func (a *app) keyRecipientCommand() *cobra.Command {
	var quantum bool
	c := &cobra.Command{Use: "recipient FILE", Short: a.text(mShortKeyRecipient), Long: a.text(mFlagRecipientNew), Args: wantArgs(1, 1),
		Example: "  hozen key recipient lab.identity\n  hozen collect --encrypt-to age1… --out /media/usb",
		RunE:    func(_ *cobra.Command, args []string) error { return a.keyRecipient(args[0], quantum) }}
	c.Flags().BoolVar(&quantum, "post-quantum", false, a.text(mFlagPostQuantum))
	return c
}

// keyRecipient makes an identity file, never over another.
func (a *app) keyRecipient(file string, quantum bool) error {
	identity, recipient, err := cipher.Generate(quantum)
	if err != nil {
		return fail(err, "")
	}
	text := []byte("# public key: " + recipient + "\n" + identity + "\n")
	defer clear(text)
	if err := secret.WriteNew(file, text, 0o600); err != nil {
		return fail(err, "")
	}
	fmt.Fprintln(a.stdout, a.text(mIdentityMade, escape(file), recipient))
	return nil
}

func (c *collection) partial() string { return c.archive() + ".partial" }

// archive is the name that the archive gets when it is sealed.
func (c *collection) archive() string {
	if len(c.recipients) > 0 {
		return packager.EncryptedName(c.name)
	}
	return packager.ArchiveName(c.name)
}

// seenOutside says whether the log of an archive that was not opened tells what it is.
func seenOutside(r *packager.Report) bool {
	return r.Encrypted && r.Checkpoint > 0 && len(r.Events) > 0 && r.Events[0].Event == "started"
}

// saidOutside is what the log says of an archive whose genesis was not seen.
func saidOutside(r *packager.Report) *packager.Genesis {
	e := r.Events[0]
	g := packager.Genesis{Case: e.Case, Evidence: e.Evidence, Operator: e.Operator, Place: e.Place, Reason: e.Reason, Witness: e.Witness}
	g.Time.Wall = e.Time.Wall
	if e.Item != nil {
		g.Host = *e.Item
	}
	if e.Method != nil {
		g.Tool = e.Method.Tool
	}
	return &g
}

// sealedBox says that a file is encrypted and nobody opened it: there is nothing to show.
func (a *app) sealedBox(name string, r *packager.Report) error {
	if r == nil || !r.Encrypted || r.Genesis != nil {
		return nil
	}
	a.tellVerdict(name, r)
	code := r.Verdict.ExitCode()
	return &exitError{code, errors.New(r.Axes.Confidentiality), a.text(mHintIdentity)}
}
