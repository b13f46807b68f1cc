// Package signed is how everything is signed here: a statement is one line of JSON and
// a newline, exactly these bytes are signed, and the signature is an armored SSHSIG
// that `ssh-keygen -Y verify` reads. Version 1 has one encoding: a reader encodes what
// it read again and compares, so that unknown, missing, doubled or re-ordered fields
// are refused. statement.go has the encoding, sshsig.go the signatures.
package signed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// MaxStatement bounds one statement and one signature, in bytes.
const MaxStatement = 64 << 10

// Encode gives the one encoding of a statement.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Decode reads a statement into v (a pointer) and refuses every other encoding.
func Decode(b []byte, v any) error {
	if len(b) > MaxStatement {
		return fmt.Errorf("statement of %d bytes: over %d", len(b), MaxStatement)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("statement: %w", err)
	}
	again, err := Encode(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("statement: not in the canonical encoding")
	}
	return nil
}

// HexSum gives the SHA-256 of b in hex.
func HexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Wall is how times are written: RFC 3339, UTC, nanoseconds, always nine digits.
func Wall(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }
