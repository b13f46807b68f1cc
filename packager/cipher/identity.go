package cipher

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"
)

// Generate makes a new identity: the private text for its file (AGE-SECRET-KEY-…), and
// the recipient to encrypt to. quantum makes one that quantum computers do not break.
func Generate(quantum bool) (identity, recipient string, err error) {
	if quantum {
		i, err := age.GenerateHybridIdentity()
		if err != nil {
			return "", "", err
		}
		return i.String(), i.Recipient().String(), nil
	}
	i, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", err
	}
	return i.String(), i.Recipient().String(), nil
}

// Identities reads an identity file: one of age (also encrypted with a passphrase by
// `age -p`, armored or not), or an SSH private key (ed25519, rsa). ask is called where
// the file needs a passphrase. What errors say holds nothing of the file.
func Identities(file []byte, ask func() ([]byte, error)) ([]age.Identity, error) {
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(file), []byte(armor.Header)):
		b, err := io.ReadAll(armor.NewReader(bytes.NewReader(file)))
		if err != nil {
			return nil, err
		}
		return locked(b, ask)
	case bytes.HasPrefix(file, []byte(intro)):
		return locked(file, ask)
	case bytes.Contains(file, []byte("-----BEGIN")):
		return sshIdentity(file, ask)
	}
	list, err := age.ParseIdentities(bytes.NewReader(file))
	if err != nil {
		return nil, errors.New("neither an identity file of age nor an SSH private key")
	}
	return list, nil
}

// locked opens an identity file that is encrypted with a passphrase.
func locked(file []byte, ask func() ([]byte, error)) ([]age.Identity, error) {
	pass, err := ask()
	if err != nil {
		return nil, err
	}
	defer clear(pass)
	key, err := age.NewScryptIdentity(string(pass))
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(file), key)
	if err != nil {
		return nil, errors.New("the passphrase is wrong, or it needs none")
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	defer clear(plain)
	if err != nil {
		return nil, err
	}
	if len(plain) > maxFile {
		return nil, errLong
	}
	return age.ParseIdentities(bytes.NewReader(plain))
}

func sshIdentity(file []byte, ask func() ([]byte, error)) ([]age.Identity, error) {
	key, err := ssh.ParseRawPrivateKey(file)
	var missing *ssh.PassphraseMissingError
	if errors.As(err, &missing) {
		pass, askErr := ask()
		if askErr != nil {
			return nil, askErr
		}
		defer clear(pass)
		key, err = ssh.ParseRawPrivateKeyWithPassphrase(file, pass)
	}
	if err != nil {
		return nil, err
	}
	var one age.Identity
	switch k := key.(type) {
	case *ed25519.PrivateKey:
		one, err = agessh.NewEd25519Identity(*k)
	case ed25519.PrivateKey:
		one, err = agessh.NewEd25519Identity(k)
	case *rsa.PrivateKey:
		one, err = agessh.NewRSAIdentity(k)
	default:
		err = fmt.Errorf("an SSH key of another kind (%T): want ed25519 or rsa", key)
	}
	if err != nil {
		return nil, err
	}
	return []age.Identity{one}, nil
}
