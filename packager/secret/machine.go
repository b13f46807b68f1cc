package secret

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"hozen/packager/evidence/fault"
)

// A key file that only this machine can read: machineMagic, four bytes with the length of
// what DPAPI gave (little endian), that, and zeros up to a whole block. Within it is what
// Write would have written.
const machineMagic = "hozen-dpapi-1\n"

// ErrMachine says that a key file was sealed by another machine, or another Windows on this
// one.
var ErrMachine = errors.New("sealed to the machine that made it (DPAPI)")

// WriteForMachine is Write, but only processes on this machine can read the key, where the
// system can do that (Windows, DPAPI): a copy of the file, or of the disk without the
// machine's secrets, is worth nothing. Who is SYSTEM or an administrator there, or has the
// whole disk with the registry, can read it: the list of who may open the file is the other
// half. Elsewhere it is Write.
func (k *Key) WriteForMachine(file, comment string) error {
	if !machineSeals {
		return k.Write(file, comment, true)
	}
	text, n, err := k.text(comment)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer text.free()
	blob, err := protect(text.b[:n])
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return WriteNew(file, wrap(blob), 0o600)
}

// TryMachine seals something to this machine and opens it again, in memory. A changed
// byte must not open.
func TryMachine() error {
	plain := []byte("whatever is sealed")
	sealed, err := protect(plain)
	if err != nil {
		return err
	}
	got := make([]byte, 2*len(plain))
	if n, err := unprotect(sealed, got); err != nil || !bytes.Equal(got[:n], plain) {
		return fault.Join(err, errors.New("what comes back is not what was sealed"))
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := unprotect(sealed, got); err == nil {
		return errors.New("it opens although a byte was changed")
	}
	return nil
}

// wrap makes the file of what DPAPI gave.
func wrap(blob []byte) []byte {
	b := append([]byte(machineMagic), binary.LittleEndian.AppendUint32(nil, uint32(len(blob)))...)
	b = append(b, blob...)
	return append(b, make([]byte, (pageSize-len(b)%pageSize)%pageSize)...)
}

// unwrap gives what DPAPI gave; ok is false where the file is another.
func unwrap(b []byte) (blob []byte, ok bool, err error) {
	rest, ok := bytes.CutPrefix(b, []byte(machineMagic))
	if !ok {
		return nil, false, nil
	}
	if len(rest) < 4 || int64(binary.LittleEndian.Uint32(rest)) > int64(len(rest)-4) {
		return nil, true, errors.New("damaged")
	}
	blob, rest = rest[4:4+binary.LittleEndian.Uint32(rest)], rest[4+binary.LittleEndian.Uint32(rest):]
	if len(bytes.Trim(rest, "\x00")) > 0 {
		return nil, true, errors.New("damaged: something is behind it")
	}
	return blob, true, nil
}
