package packager

import (
	"crypto"
	"errors"
	"fmt"
	"io"

	"hozen/packager/secret"
)

// RestingDevice is the device of a key file whose private key is in memory only while it
// signs: a program that runs for months need not hold it, and it is in no image of
// memory that is taken meanwhile. The file is one that SaveDevice wrote.
func RestingDevice(file, name string) (Device, error) {
	d, err := LoadDevice(file, name)
	if err != nil {
		return Device{}, err
	}
	k, ok := d.Signer.(*secret.Key)
	if !ok || d.File == "" {
		return d, nil // of another kind, or a pipe: read once
	}
	k.Erase()
	d.Signer = restingKey{file, k.Public()}
	return d, nil
}

// errOtherKey says that a key file was replaced.
var errOtherKey = errors.New("holds another key than before")

type restingKey struct {
	file   string
	public crypto.PublicKey
}

// Public implements crypto.Signer.
func (r restingKey) Public() crypto.PublicKey { return r.public }

// Sign implements crypto.Signer.
func (r restingKey) Sign(random io.Reader, msg []byte, o crypto.SignerOpts) ([]byte, error) {
	k, _, err := secret.Read(r.file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	defer k.Erase()
	if p, ok := k.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !p.Equal(r.public) {
		return nil, fmt.Errorf("%w %s: %w", ErrKey, r.file, errOtherKey)
	}
	return k.Sign(random, msg, o)
}
