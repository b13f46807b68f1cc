package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"hozen/packager"
)

// belief is what an auditor brings along: the flags that verify, show and extract
// share.
type belief struct {
	trust        string
	fingerprints []string
	head         string
	log          string
	noLog        bool
}

func (a *app) beliefFlags(c *cobra.Command, b *belief) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&b.trust, "trust", "", a.text(mFlagTrust))
	f.Func("fingerprint", a.text(mFlagFingerprint), b.addFingerprint)
	f.Func("head", a.text(mFlagHead), b.setHead)
	f.StringVar(&b.log, "log", "", a.text(mFlagLog))
	f.BoolVar(&b.noLog, "no-log", false, a.text(mFlagNoLog))
	c.MarkFlagsMutuallyExclusive("log", "no-log")
}

// archive is an open archive with everything that it is verified against.
type archive struct {
	*os.File
	size    int64
	options packager.VerifyOptions
	logName string // of the log that was read; "" if none
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

func (b *belief) setHead(s string) error {
	if !regexp.MustCompile(`^[0-9A-Fa-f]{64}$`).MatchString(s) {
		return errors.New("want 64 hexadecimal digits")
	}
	b.head = strings.ToLower(s)
	return nil
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
		return nil, errors.Join(fail(err, ""), f.Close())
	}
	return &archive{f, st.Size(), o, logName}, nil
}

func (a *app) verifyOptions(name string, b belief) (o packager.VerifyOptions, logName string, err error) {
	o.Fingerprints, o.Head = b.fingerprints, b.head
	if o.Trust, err = a.trust(b.trust); err != nil {
		return o, "", err
	}
	o.Log, logName, err = readLog(name, b)
	return o, logName, err
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
// (XDG Base Directory Specification).
func (a *app) trustFile() string {
	if dir := a.env("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hozen", "allowed_signers")
	}
	if home := a.env("HOME"); home != "" {
		return filepath.Join(home, ".config", "hozen", "allowed_signers")
	}
	return ""
}

// readLog reads the custody log: the given one, or the one beside the archive,
// which need not be there.
func readLog(name string, b belief) (log []byte, logName string, err error) {
	if b.noLog {
		return nil, "", nil
	}
	logName = b.log
	if logName == "" {
		logName = filepath.Join(filepath.Dir(name), packager.LogName(idOf(name)))
	}
	log, err = os.ReadFile(logName)
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
	for _, suffix := range []string{".incomplete.tar.zst", ".tar.zst.partial", ".tar.zst"} {
		if id, ok := strings.CutSuffix(name, suffix); ok {
			return id
		}
	}
	return name
}
