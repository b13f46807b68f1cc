package authenticode

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/smallstep/pkcs7"
)

const (
	maxBERDepth   = 48      // of values in one another; real signatures have under 20
	maxBERValues  = 1 << 16 // of one message
	maxKeyBits    = 1 << 14 // of a signer's RSA key: the time of a check grows with its square
	maxNameOfCert = 16 << 10
)

// parse reads a message. What would cost the parser its stack or hours is not handed to
// it: values that lie in one another a million times are a few bytes each.
func parse(message []byte) (*pkcs7.PKCS7, error) {
	if err := checkBER(message); err != nil {
		return nil, err
	}
	p7, err := pkcs7.Parse(message)
	if err != nil {
		return nil, err
	}
	for _, c := range p7.Certificates {
		if err := checkCertificate(c); err != nil {
			return nil, err
		}
	}
	return p7, nil
}

// checkCertificate refuses keys and names that would take minutes.
func checkCertificate(c *x509.Certificate) error {
	if len(c.RawSubject) > maxNameOfCert || len(c.RawIssuer) > maxNameOfCert {
		return fmt.Errorf("a certificate with names of %d and %d bytes", len(c.RawSubject), len(c.RawIssuer))
	}
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxKeyBits {
		return fmt.Errorf("a certificate with a key of %d bits", key.N.BitLen())
	}
	return nil
}

var errBER = errors.New("a value leads out of the message")

// open is a value that is not at its end yet.
type open struct {
	end     int  // that none in it may lead out of
	zeros   bool // two zeros end it, behind at least one value, as the parser has it
	members int
}

// checkBER goes through the values of a message (X.690, section 8.1) as the parser does,
// but without calling itself, and bounds how many there are and how deep. One that leads
// out of the one around it would be read again and again.
func checkBER(b []byte) error {
	stack := []open{{end: len(b)}}
	for at, values := 0, 0; ; {
		top := &stack[len(stack)-1]
		closed := !top.zeros && at == top.end
		if top.zeros && top.members > 0 && at+2 <= top.end && b[at] == 0 && b[at+1] == 0 {
			closed, at = true, at+2
		}
		if closed && len(stack) > 1 {
			stack = stack[:len(stack)-1]
			continue
		}
		if len(stack) == 1 && values > 0 || len(b) == 0 {
			return nil // what lies behind the message is not read
		}
		if values++; values > maxBERValues || len(stack) > maxBERDepth {
			return fmt.Errorf("more than %d values, or more than %d in one another", maxBERValues, maxBERDepth)
		}
		top.members++
		if at >= top.end {
			return errBER
		}
		constructed := b[at]&0x20 != 0
		from, size, err := berLength(b[:top.end], at)
		switch {
		case err != nil:
			return err
		case size < 0 && !constructed:
			return errBER
		case !constructed:
			at = from + size
		case size < 0:
			stack, at = append(stack, open{end: top.end, zeros: true}), from
		default:
			stack, at = append(stack, open{end: from + size}), from
		}
	}
}

// berLength reads the tag and the length at an offset: where the contents begin, and
// their bytes; -1 if two zeros end them.
func berLength(b []byte, at int) (from, size int, err error) {
	long := b[at]&0x1f == 0x1f
	for at++; long && at < len(b) && b[at] >= 0x80; at++ {
	}
	if long {
		at++
	}
	if at >= len(b) {
		return 0, 0, errBER
	}
	n := int(b[at])
	at++
	if n == 0x80 {
		return at, -1, nil
	}
	if size = n; n > 0x80 {
		if n -= 0x80; n > 4 || at+n > len(b) {
			return 0, 0, errBER
		}
		size = 0
		for range n {
			size, at = size<<8|int(b[at]), at+1
		}
	}
	if size > len(b)-at {
		return 0, 0, errBER
	}
	return at, size, nil
}
