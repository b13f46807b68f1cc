package timestamp

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// MaxResponse bounds an answer, in bytes. Real ones have 1 to 10 KiB.
const MaxResponse = 128 << 10

// What an error of this package wraps, so that callers may tell apart what they say of it.
var (
	// ErrRefused: the authority answered, and gave no time stamp.
	ErrRefused = errors.New("the authority refused")
	// ErrBroken: it is no time stamp, or its signature is not valid.
	ErrBroken = errors.New("not a valid time stamp")
	// ErrOther: a time stamp, but for something else.
	ErrOther = errors.New("a time stamp for something else")
	// ErrChain: a time stamp of somebody who is not believed.
	ErrChain = errors.New("not by an authority that the given roots name")
)

func broken(format string, a ...any) error {
	return fmt.Errorf("%w: %w", ErrBroken, fmt.Errorf(format, a...))
}

// Parse reads an answer (TimeStampResp, RFC 3161 section 2.4.2), or the TimeStampToken out
// of one alone, as "openssl ts -reply -token_out" writes it. Nothing of it is proved yet.
// An answer without a token wraps ErrRefused, and says why; what cannot be read wraps ErrBroken.
func Parse(b []byte) (*Token, error) {
	if len(b) > MaxResponse {
		return nil, broken("%d bytes: over %d", len(b), MaxResponse)
	}
	s := cryptobyte.String(b)
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, asn1.SEQUENCE) || !s.Empty() {
		return nil, broken("no DER of one SEQUENCE")
	}
	token := b
	if !seq.PeekASN1Tag(asn1.OBJECT_IDENTIFIER) { // a ContentInfo begins with one
		var err error
		if token, err = granted(seq); err != nil {
			return nil, err
		}
	}
	t, err := parseToken(token)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(token)
	t.DER, t.SHA256 = token, hex.EncodeToString(sum[:])
	return t, nil
}

// granted reads the status of an answer and gives the token.
func granted(s cryptobyte.String) (token []byte, err error) {
	var info cryptobyte.String
	var status int64
	if !s.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1Integer(&status) {
		return nil, broken("no status")
	}
	var texts cryptobyte.String
	var some bool
	if !info.ReadOptionalASN1(&texts, &some, asn1.SEQUENCE) {
		return nil, broken("status text")
	}
	why, ok := statusText(texts)
	if !ok {
		return nil, broken("status text")
	}
	var fail cryptobyte.String
	if !info.ReadOptionalASN1(&fail, &some, asn1.BIT_STRING) || !info.Empty() {
		return nil, broken("status")
	}
	why = append(why, failText(fail)...)
	if status != 0 && status != 1 { // granted, grantedWithMods
		return nil, fmt.Errorf("%w: status %d: %q", ErrRefused, status, strings.Join(why, "; "))
	}
	var whole cryptobyte.String
	if !s.ReadASN1Element(&whole, asn1.SEQUENCE) || !s.Empty() {
		return nil, broken("granted, and no token")
	}
	return whole, nil
}

// statusText reads a PKIFreeText; of a long one, what people will read.
func statusText(s cryptobyte.String) (texts []string, ok bool) {
	for !s.Empty() {
		var text cryptobyte.String
		if !s.ReadASN1(&text, asn1.UTF8String) || !utf8.Valid(text) {
			return nil, false
		}
		if len(texts) < 4 {
			texts = append(texts, strings.ToValidUTF8(string(text[:min(len(text), 200)]), ""))
		}
	}
	return texts, true
}

// failText names the bits of a PKIFailureInfo (RFC 3161 section 2.4.2), of which s holds
// the number of unused bits and the bits.
func failText(s cryptobyte.String) (names []string) {
	if len(s) < 2 {
		return nil
	}
	for bit, name := range map[int]string{0: "badAlg", 2: "badRequest", 5: "badDataFormat", 14: "timeNotAvailable",
		15: "unacceptedPolicy", 16: "unacceptedExtension", 17: "addInfoNotAvailable", 25: "systemFailure"} {
		if at := 1 + bit/8; at < len(s) && s[at]&(0x80>>(bit%8)) != 0 {
			names = append(names, name)
		}
	}
	return names
}
