package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	signers "hozen/packager/keys"
	"hozen/packager/signed"
	"hozen/service/durable"
	"hozen/service/job"
)

type signOptions struct {
	key, as string
	agent   bool
	json    bool
}

func (a *app) jobSignCommand() *cobra.Command {
	var o signOptions
	c := &cobra.Command{
		Use: "sign FILE", Short: a.text(mShortJobSign), Long: a.text(mLongJobSign), Args: wantArgs(1, 1),
		Example: "  hozen job sign case-42.job --key ~/.ssh/id_ed25519 --as alice\n  hozen job sign case-42.job --agent --key ~/.ssh/id_bob.pub --as bob",
		RunE:    func(_ *cobra.Command, args []string) error { return a.jobSign(args[0], o) },
	}
	c.Flags().StringVar(&o.key, "key", "", a.text(mFlagJobKey))
	c.Flags().BoolVar(&o.agent, "agent", false, a.text(mFlagJobAgent))
	c.Flags().StringVar(&o.as, "as", "", a.text(mFlagJobAs))
	c.Flags().BoolVar(&o.json, "json", false, a.text(mFlagJSON))
	return c
}

func (a *app) jobSign(file string, o signOptions) error {
	if o.key == "" && !o.agent {
		return usage(errors.New("--key FILE or --agent is needed"), "")
	}
	s, err := a.readJob(file)
	if err != nil {
		return err
	}
	missing := s.Missing()
	if len(missing) == 0 {
		return fail(fmt.Errorf("%s: all have signed it", file), a.text(mHintJobShow, escape(shellWord(file))))
	}
	key, err := a.operatorKey(o)
	if err != nil {
		return err
	}
	if o.as == "" {
		if o.as, err = signerBy(s, o.key, key.Comment); err != nil {
			return usage(err, "")
		}
	}
	if !o.json { // nobody shall sign what he has not seen
		fmt.Fprintln(a.stdout, a.text(mJobSigning, s.Job.ID, escape(o.as)))
		a.jobLines(a.stdout, s)
	}
	if err := s.SignBy(o.as, key); err != nil {
		return fail(err, a.keyHint(err, throughAgent))
	}
	b, err := s.Envelope.Encode()
	if err != nil {
		return fail(err, "")
	}
	if err := durable.Replace(file, b); err != nil {
		return fail(err, "")
	}
	if o.json {
		return a.jobShown(file, s, nil, true)
	}
	fmt.Fprintln(a.stdout, a.text(mJobSigned, escape(o.as), signed.Fingerprint(key.Public())))
	if missing := s.Missing(); len(missing) > 0 {
		fmt.Fprintln(a.stdout, a.text(mJobStillToSign, strings.Join(missing, ", ")))
		return nil
	}
	fmt.Fprintln(a.stdout, a.text(mJobNext, "hozen job send "+escape(shellWord(file))))
	return nil
}

// signerBy is who signs where nobody said it: whose the key says that it is, by its comment
// or its file; of a key that says nothing, the next who has not signed. A key of another's
// is not taken for the next one's.
func signerBy(s *job.Signed, file, comment string) (string, error) {
	base := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".pub"), ".key")
	account, _, _ := strings.Cut(comment, "@")
	said := []string{strings.TrimPrefix(comment, "operator:"), account, base, strings.TrimPrefix(base, "id_")}
	missing := s.Missing()
	for _, name := range said {
		who := "operator:" + name
		switch {
		case slices.Contains(missing, who):
			return name, nil
		case slices.Contains(s.Job.Signers(), who):
			return "", fmt.Errorf("%s has signed already; --as NAME says who signs now: %s", who, strings.Join(missing, ", "))
		}
	}
	if strings.HasPrefix(comment, "operator:") {
		return "", fmt.Errorf("the key is of %.100q, who is not to sign this job; --as NAME says who signs: %s", comment, strings.Join(missing, ", "))
	}
	return strings.TrimPrefix(missing[0], "operator:"), nil
}

// operatorKey gives the key that signs.
func (a *app) operatorKey(o signOptions) (*signers.Key, error) {
	spec := o.key
	if o.agent {
		spec = strings.TrimSuffix("agent:"+o.key, ":")
	}
	return a.personKey(spec, throughAgent)
}

// personKey opens the key of a person: a file, or "agent" and which of its keys. through is
// how the command that asks signs with an agent.
func (a *app) personKey(spec, through string) (*signers.Key, error) {
	var known []byte // one passphrase is asked for once, though a command may sign twice
	k, err := signers.Open(spec, signers.Options{Socket: a.env("SSH_AUTH_SOCK"), Passphrase: func(file string) (_ []byte, err error) {
		if known == nil {
			known, err = a.passphrase(a.text(mJobPassphrase, escape(file)))
		}
		return bytes.Clone(known), err
	}})
	switch {
	case errors.Is(err, errInterrupted):
		return nil, interrupted()
	case err != nil && strings.HasPrefix(spec, "agent"):
		return nil, fail(err, a.text(mHintJobAgent))
	case err != nil:
		return nil, fail(err, a.text(mHintJobKey, through))
	}
	return k, nil
}
