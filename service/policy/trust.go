package policy

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"hozen/packager"
	"hozen/packager/revoked"
	"hozen/packager/signed"
	"hozen/service/durable"
)

// maxTrust bounds a trust file, in bytes.
const maxTrust = 1 << 20

// ErrNotPinned is wrapped when the trust file is not the one that was pinned.
var ErrNotPinned = errors.New("the trust file is not the one that was pinned")

// PinTrust writes down, as root's decision, that the trust file is as it shall be: its
// SHA-256 and name as sha256sum writes them, so that `sha256sum -c` checks it, too. It
// gives the hash. A trust file that cannot be read as one, or that others may write, is
// not pinned.
func PinTrust(trustFile, pinFile string) (sha256 string, err error) {
	b, err := readTrust(trustFile)
	if err != nil {
		return "", err
	}
	if _, err := packager.ParseTrust(bytes.NewReader(b)); err != nil {
		return "", fmt.Errorf("%s: %w", trustFile, err)
	}
	if trustFile, err = filepath.Abs(trustFile); err != nil {
		return "", err
	}
	sum := signed.HexSum(b)
	return sum, durable.Replace(pinFile, []byte(sum+"  "+trustFile+"\n"))
}

// TrustPinned reads the trust file and checks it against the pin; ErrNotPinned if it is
// another.
func TrustPinned(trustFile, pinFile string) (*packager.Trust, error) {
	pin, err := os.ReadFile(pinFile)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotPinned, err)
	}
	want, _, ok := strings.Cut(string(pin), "  ")
	if !ok || len(want) != 64 {
		return nil, fmt.Errorf("%w: %s cannot be read", ErrNotPinned, pinFile)
	}
	b, err := readTrust(trustFile)
	if err != nil {
		return nil, err
	}
	if have := signed.HexSum(b); have != want {
		return nil, fmt.Errorf("%w: %s is %s, pinned was %s", ErrNotPinned, trustFile, have, want)
	}
	return packager.ParseTrust(bytes.NewReader(b))
}

func (p *Policy) trust() (*packager.Trust, error) {
	t, err := TrustPinned(p.TrustFile, p.PinFile)
	if err != nil || p.Revoked == "" {
		return t, err
	}
	b, err := readOurs(p.Revoked, revoked.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("revoked keys: %w", err)
	}
	list, err := revoked.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Revoked, err)
	}
	return t.Without(list), nil
}

func readTrust(name string) ([]byte, error) { return readOurs(name, maxTrust) }

// readOurs reads a file that nobody else may write.
func readOurs(name string, limit int64) ([]byte, error) {
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case runtime.GOOS != "windows" && st.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("%s: others may write it (mode %04o)", name, st.Mode().Perm())
	}
	return durable.Read(name, limit)
}
