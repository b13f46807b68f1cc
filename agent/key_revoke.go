package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"hozen/packager/revoked"
	"hozen/packager/signed"
	"hozen/service/durable"
)

func (a *app) keyRevokeCommand() *cobra.Command {
	var whole bool
	c := &cobra.Command{Use: "revoke LIST KEY.pub…", Short: a.text(mShortKeyRevoke), Long: a.text(mLongKeyRevoke), Args: cobra.MinimumNArgs(2),
		Example: "  hozen key revoke revoked sato.pub\n  hozen key revoke revoked pc-42.key-cert.pub\n  ssh-keygen -Q -l -f revoked",
		RunE:    func(_ *cobra.Command, args []string) error { return a.keyRevoke(args[0], args[1:], whole) }}
	c.Flags().BoolVar(&whole, "key", false, a.text(mFlagRevokeKey))
	return c
}

// keyRevoke adds keys and certificates to a list, and writes it as a KRL.
func (a *app) keyRevoke(file string, keys []string, whole bool) error {
	list, err := readRevoked(file)
	if errors.Is(err, os.ErrNotExist) {
		list, err = &revoked.List{}, nil
	}
	if err != nil {
		return fail(err, "")
	}
	for _, name := range keys {
		pub, err := readPublic(name)
		if err != nil {
			return fail(err, a.text(mHintPublic))
		}
		cert, ok := pub.key.(*ssh.Certificate)
		if !ok || whole {
			list.AddKey(pub.key)
			fmt.Fprintln(a.stdout, a.text(mRevokedKey, signed.Fingerprint(pub.key)))
			continue
		}
		if err := list.AddCertificate(cert); err != nil {
			return fail(fmt.Errorf("%s: %w", name, err), "")
		}
		fmt.Fprintln(a.stdout, a.text(mRevokedCertificate, fmt.Sprint(cert.Serial), escape(cert.KeyId), signed.Fingerprint(cert)))
	}
	if err := durable.Replace(file, list.KRL(a.now())); err != nil {
		return fail(err, "")
	}
	fmt.Fprintln(a.stdout, a.text(mRevokedList, escape(file), int(list.Version), list.Entries()))
	return nil
}
