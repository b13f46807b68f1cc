// Package keys signs for people: with an OpenSSH private key file (file.go), or through
// an ssh-agent (agent.go), where the key may be a FIDO token that wants to be touched. Begin
// with Open. A private key is read only when something is signed, and is gone after it:
// while a collection runs, and RAM is taken, no operator's key is in memory.
package keys

import (
	"errors"
	"strings"

	"hozen/packager/signed"
)

// ErrKey is wrapped by every error about a key that cannot be used.
var ErrKey = errors.New("key")

// Options says what Open may use.
type Options struct {
	// Socket is where the ssh-agent listens (SSH_AUTH_SOCK). "" is none; on Windows the
	// pipe of OpenSSH's agent.
	Socket string
	// Passphrase asks for that of a key file. Nil: nobody can be asked.
	Passphrase func(file string) ([]byte, error)
}

// A Key is a person's key: a signed.Signer that says where its private half is.
type Key struct {
	signed.Signer
	// Comment is what stands beside the public key; "" if nothing does.
	Comment string
	// Agent says that an ssh-agent has the private key, which may want a touch.
	Agent bool
}

// Open finds a key: "agent" (the only key of the ssh-agent), "agent:SHA256:…" or
// "agent:<comment>" or "agent:FILE.pub" (one of its keys), or FILE, a private key in
// OpenSSH's form or PEM. With FILE.pub or FILE-cert.pub the private key is in the agent or in
// FILE, as with ssh-keygen -Y sign -f; a certificate, FILE-cert.pub, is shown in the
// signature if it was given, or stands beside FILE. Errors wrap ErrKey.
func Open(spec string, o Options) (*Key, error) {
	if which, ok := strings.CutPrefix(spec, "agent:"); ok {
		return o.inAgent(which)
	}
	switch {
	case spec == "agent":
		return o.inAgent("")
	case strings.HasSuffix(spec, ".pub"):
		return o.byPublic(spec)
	}
	return o.inFile(spec)
}
