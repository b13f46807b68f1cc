package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/evidence/fault"
	"hozen/packager/timestamp"
)

// belief is what an auditor brings along: the flags that verify, show and extract
// share.
type belief struct {
	trust        string
	revoked      string
	fingerprints []string
	head         string
	log          string
	copies       []string // of the log, kept elsewhere
	noLog        bool
	tsaRoots     string
	tokens       []string
	identities   []string
}

func (a *app) beliefFlags(c *cobra.Command, b *belief) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&b.trust, "trust", "", a.text(mFlagTrust))
	f.StringVar(&b.revoked, "revoked", "", a.text(mFlagRevoked))
	f.Func("fingerprint", a.text(mFlagFingerprint), b.addFingerprint)
	f.Func("head", a.text(mFlagHead), b.setHead)
	f.Func("log", a.text(mFlagLog), b.addLog)
	f.BoolVar(&b.noLog, "no-log", false, a.text(mFlagNoLog))
	f.StringVar(&b.tsaRoots, "tsa-roots", "", a.text(mFlagTSARoots))
	f.StringArrayVar(&b.tokens, "token", nil, a.text(mFlagToken))
	f.StringArrayVar(&b.identities, "identity", nil, a.text(mFlagIdentity))
	c.MarkFlagsMutuallyExclusive("log", "no-log")
}

// archive is an open archive with everything that it is verified against.
type archive struct {
	*os.File
	size    int64
	options packager.VerifyOptions
	logName string // of the log that was read; "" if none
}

// largeArchive is from where on items are proved alone.
const largeArchive = 64 << 20

// only says that of a large archive no more is read than what is asked for.
func (f *archive) only(yes bool) {
	if yes {
		f.options.OnlyFrom = largeArchive
	}
}

// addFingerprint takes a fingerprint as ssh-keygen(1) prints it: the base64 of a
// SHA-256, without padding.
func (b *belief) addFingerprint(s string) error {
	if !regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`).MatchString(s) {
		return errors.New("want SHA256: and 43 characters, as it was printed")
	}
	b.fingerprints = append(b.fingerprints, s)
	return nil
}

// addLog takes the log, and then copies of it that were kept elsewhere.
func (b *belief) addLog(s string) error {
	if b.log == "" {
		b.log = s
	} else if b.copies = append(b.copies, s); len(b.copies) > maxCopies {
		return fmt.Errorf("more than %d copies", maxCopies)
	}
	return nil
}

func (b *belief) setHead(s string) error {
	_, head, err := timestamp.ParseHead(s)
	b.head = hex.EncodeToString(head[:])
	return err
}

// openArchive opens the file and reads trust and log beside it.
func (a *app) openArchive(name string, b belief) (*archive, error) {
	o, logName, err := a.verifyOptions(name, b)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fail(err, "")
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", name)
	}
	if err != nil {
		return nil, fault.Join(fail(err, ""), f.Close())
	}
	return &archive{f, st.Size(), o, logName}, nil
}

func (a *app) verifyOptions(name string, b belief) (o packager.VerifyOptions, logName string, err error) {
	o.Fingerprints, o.Head = b.fingerprints, b.head
	if o.Trust, err = a.trust(b.trust); err != nil {
		return o, "", err
	}
	if o.Trust, err = a.without(o.Trust, b.revoked); err != nil {
		return o, "", err
	}
	for _, copied := range b.copies {
		log, err := packager.ReadLogFile(copied)
		if err != nil {
			return o, "", fail(err, "")
		}
		o.Copies = append(o.Copies, packager.LogCopy{Name: copied, Log: log})
	}
	if o.TSARoots, err = a.tsaRoots(b.tsaRoots); err != nil {
		return o, "", err
	}
	if o.Tokens, err = tokens(b.tokens); err != nil {
		return o, "", err
	}
	if o.Identities, err = a.identities(b.identities); err != nil {
		return o, "", err
	}
	o.Log, logName, err = readLog(name, b)
	return o, logName, err
}

// without takes what a list revokes from the auditor's trust; "" is no list.
func (a *app) without(t *packager.Trust, list string) (*packager.Trust, error) {
	if list == "" {
		return t, nil
	}
	l, err := readRevoked(list)
	if err != nil {
		return nil, fail(err, a.text(mHintRevoked))
	}
	return t.Without(l), nil
}

// trust reads the auditor's file. The default one need not be there.
func (a *app) trust(name string) (*packager.Trust, error) {
	byDefault := name == ""
	if byDefault {
		name = a.trustFile()
	}
	f, err := os.Open(name)
	switch {
	case byDefault && (name == "" || errors.Is(err, os.ErrNotExist)):
		return nil, nil
	case err != nil:
		return nil, fail(err, a.text(mHintTrust))
	}
	defer f.Close()
	t, err := packager.ParseTrust(f)
	if err != nil {
		return nil, fail(fmt.Errorf("%s: %w", name, err), "")
	}
	return t, nil
}

// trustFile is where the auditor's allowed signers are by default
// (XDG Base Directory Specification; on Windows the user's folder for settings).
func (a *app) trustFile() string {
	if dir := a.env("APPDATA"); a.system == "windows" && filepath.IsAbs(dir) {
		return filepath.Join(dir, "hozen", "allowed_signers")
	}
	if dir := a.env("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hozen", "allowed_signers")
	}
	if home := a.env("HOME"); home != "" {
		return filepath.Join(home, ".config", "hozen", "allowed_signers")
	}
	return ""
}

// partSuffix ends the names of files that a destination which is a folder has not whole.
const partSuffix = ".part"

// readLog reads the custody log: the given one, or the one beside the archive (also as the
// plug left it on a stick that was written to), which need not be there.
func readLog(name string, b belief) (log []byte, logName string, err error) {
	if b.noLog {
		return nil, "", nil
	}
	logName = b.log
	if logName == "" {
		logName = filepath.Join(filepath.Dir(name), packager.LogName(idOf(name)))
	}
	log, err = packager.ReadLogFile(logName)
	if b.log == "" && errors.Is(err, os.ErrNotExist) {
		if log, err = packager.ReadLogFile(logName + partSuffix); err == nil {
			logName += partSuffix
		}
	}
	switch {
	case b.log == "" && errors.Is(err, os.ErrNotExist):
		return nil, "", nil
	case err != nil:
		return nil, "", fail(err, "")
	case log == nil:
		log = []byte{}
	}
	return log, logName, nil
}

// idOf gives the collection's id out of a file's name, as the agent names files.
func idOf(name string) string {
	name = filepath.Base(name)
	if f, ok := packager.ParseFileName(strings.TrimSuffix(name, partSuffix)); ok {
		return f.ID
	}
	return name
}
