package main

import (
	"crypto/x509"
	"errors"
	"os"
	"syscall"

	"hozen/packager"
	"hozen/packager/custody"
	signers "hozen/packager/keys"
)

// How commands are told to sign through an ssh-agent.
const (
	throughSignWith = "--sign-with agent"
	throughAgent    = "--agent"
)

// errNoTerminal says that nobody can be asked for a passphrase.
var errNoTerminal = errors.New("it has a passphrase, and there is no terminal to ask for it")

// unsignedHint is what to do where an event was not signed. Only where the log itself is
// broken is it a whole copy that helps.
func (a *app) unsignedHint(err error) string {
	switch {
	case errors.Is(err, custody.ErrLog):
		return a.text(mHintLogBroken)
	case errors.Is(err, packager.ErrSigning):
		return a.text(mHintSigning)
	case a.keyHint(err, throughSignWith) != "":
		return a.keyHint(err, throughSignWith)
	case errors.Is(err, os.ErrNotExist):
		return a.text(mHintNoLog)
	case a.noRoom(err):
		return a.text(mHintFull)
	case a.notWritable(err):
		return a.text(mHintReadOnly)
	}
	return ""
}

// keyHint is what to do where a key in a file did not sign.
func (a *app) keyHint(err error, through string) string {
	switch {
	case errors.Is(err, errNoTerminal):
		return a.text(mHintNoTerminal, through)
	case errors.Is(err, x509.IncorrectPasswordError):
		return a.text(mHintPassphrase)
	case errors.Is(err, signers.ErrKey) && errors.Is(err, os.ErrNotExist):
		return a.text(mHintJobKey, through)
	}
	return ""
}

// noRoom says that a medium is full.
func (a *app) noRoom(err error) bool {
	if a.system == "windows" {
		return errors.Is(err, errDiskFull)
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// notWritable says that a file is not ours to write, or its medium nobody's.
func (a *app) notWritable(err error) bool {
	if a.system == "windows" && errors.Is(err, errWriteProtect) {
		return true
	}
	return errors.Is(err, os.ErrPermission) || a.system != "windows" && errors.Is(err, syscall.EROFS)
}
