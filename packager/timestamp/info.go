package timestamp

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"

	stdasn1 "encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// A Token is what a time stamp says. Only Verify says whether that is true.
type Token struct {
	Time        time.Time     // genTime, UTC
	Accuracy    time.Duration // Time may be wrong by so much
	HasAccuracy bool          // false: the authority does not say
	Ordering    bool          // its tokens are in the order of their times
	Policy      string        // object identifier
	Serial      string        // hexadecimal
	Hash        crypto.Hash   // SHA-256, SHA-384 or SHA-512
	Imprint     []byte        // the hash that was shown
	Nonce       []byte        // big-endian without leading zeros; nil if none
	TSA         string        // whose certificate signed it; "" if none is in it
	SHA256      string        // of DER, hexadecimal
	DER         []byte        // the token itself

	message *signedMessage
	name    []byte // GeneralName by which the token names its authority; nil if none
}

func parseToken(b []byte) (*Token, error) {
	m, err := readMessage(b)
	if err != nil {
		return nil, err
	}
	t := &Token{message: m}
	if err := t.readInfo(m.content); err != nil {
		return nil, err
	}
	if c := m.signer(nil); c != nil {
		t.TSA = c.Subject.String()
	}
	return t, nil
}

// readInfo reads a TSTInfo (RFC 3161 section 2.4.2).
func (t *Token) readInfo(b []byte) error {
	outer := cryptobyte.String(b)
	var s, imprint, hash, at cryptobyte.String
	var version int64
	serial := new(big.Int)
	if !outer.ReadASN1(&s, asn1.SEQUENCE) || !outer.Empty() || !s.ReadASN1Integer(&version) || version != 1 {
		return broken("no TSTInfo of version 1")
	}
	if t.Policy = readOID(&s); t.Policy == "" || !s.ReadASN1(&imprint, asn1.SEQUENCE) {
		return broken("its policy or its imprint")
	}
	t.Hash = hashOf(readAlgorithm(&imprint))
	if t.Hash == 0 || !imprint.ReadASN1(&hash, asn1.OCTET_STRING) || !imprint.Empty() || len(hash) != t.Hash.Size() {
		return broken("its imprint is not SHA-256, SHA-384 or SHA-512")
	}
	t.Imprint = hash
	if !s.ReadASN1Integer(serial) || serial.BitLen() > 8*maxSerial {
		return broken("its serial number")
	}
	t.Serial = fmt.Sprintf("%x", serial)
	if !s.ReadASN1(&at, asn1.GeneralizedTime) {
		return broken("its time")
	}
	var err error
	if t.Time, err = genTime(string(at)); err != nil {
		return err
	}
	return t.readOptional(s)
}

// readOptional reads what may stand behind the time.
func (t *Token) readOptional(s cryptobyte.String) error {
	var accuracy, name, extensions cryptobyte.String
	var some bool
	if !s.ReadOptionalASN1(&accuracy, &t.HasAccuracy, asn1.SEQUENCE) {
		return broken("its accuracy")
	}
	if t.HasAccuracy {
		if err := t.readAccuracy(accuracy); err != nil {
			return err
		}
	}
	if s.PeekASN1Tag(asn1.BOOLEAN) && (!s.ReadASN1Boolean(&t.Ordering) || !t.Ordering) {
		return broken("its ordering: false is the default, and not written")
	}
	if s.PeekASN1Tag(asn1.INTEGER) {
		nonce := new(big.Int)
		if !s.ReadASN1Integer(nonce) || nonce.Sign() < 0 || nonce.BitLen() > 8*maxSerial {
			return broken("its nonce")
		}
		t.Nonce = nonce.Bytes()
	}
	if !s.ReadOptionalASN1(&name, &some, context(0)) {
		return broken("its name")
	}
	if some {
		t.name = bytes.Clone(name)
	}
	if !s.ReadOptionalASN1(&extensions, &some, context(1)) || !s.Empty() {
		return broken("what follows its name")
	}
	return noCritical(extensions)
}

// noCritical refuses extensions that must be understood: none is.
func noCritical(s cryptobyte.String) error {
	for !s.Empty() {
		var one cryptobyte.String
		critical := false
		if !s.ReadASN1(&one, asn1.SEQUENCE) || readOID(&one) == "" || one.PeekASN1Tag(asn1.BOOLEAN) && !one.ReadASN1Boolean(&critical) {
			return broken("its extensions")
		}
		if critical {
			return broken("a critical extension that is not known")
		}
	}
	return nil
}

func (t *Token) readAccuracy(s cryptobyte.String) error {
	var seconds int64
	if s.PeekASN1Tag(asn1.INTEGER) && (!s.ReadASN1Integer(&seconds) || seconds < 0 || seconds > 1<<31) {
		return broken("its accuracy")
	}
	total := time.Duration(seconds) * time.Second
	for n, unit := range []time.Duration{time.Millisecond, time.Microsecond} {
		tag := asn1.Tag(n).ContextSpecific()
		if !s.PeekASN1Tag(tag) {
			continue
		}
		var value int64
		if !s.ReadASN1Int64WithTag(&value, tag) || value < 1 || value > 999 {
			return broken("its accuracy")
		}
		total += time.Duration(value) * unit
	}
	if !s.Empty() {
		return broken("its accuracy")
	}
	t.Accuracy = total
	return nil
}

// genTime reads the time as RFC 3161 writes it: YYYYMMDDhhmmss[.s…]Z, without trailing
// zeros in the fraction; of that nine digits count.
func genTime(s string) (time.Time, error) {
	digits, ok := strings.CutSuffix(s, "Z")
	whole, fraction, has := strings.Cut(digits, ".")
	if !ok || len(whole) != len("20060102150405") || len(s) > 64 || has && (fraction == "" || strings.HasSuffix(fraction, "0")) {
		return time.Time{}, broken("its time %q", s)
	}
	at, err := time.ParseInLocation("20060102150405", whole, time.UTC)
	if err != nil {
		return time.Time{}, broken("its time: %w", err)
	}
	unit := 100 * time.Millisecond
	for _, c := range fraction {
		if c < '0' || c > '9' {
			return time.Time{}, broken("its time %q", s)
		}
		at, unit = at.Add(time.Duration(c-'0')*unit), unit/10
	}
	return at, nil
}

// For says whether the token is for these bytes.
func (t *Token) For(data []byte) error {
	h := t.Hash.New()
	h.Write(data)
	if !bytes.Equal(h.Sum(nil), t.Imprint) {
		return fmt.Errorf("%w: the bytes have another hash than %s", ErrOther, hex.EncodeToString(t.Imprint))
	}
	return nil
}

// directoryName gives the subject of a GeneralName of that kind, DER; nil of another.
func directoryName(general []byte) []byte {
	s := cryptobyte.String(general)
	var name cryptobyte.String
	if !s.ReadASN1(&name, context(4)) || !s.Empty() {
		return nil
	}
	var raw stdasn1.RawValue
	if rest, err := stdasn1.Unmarshal(name, &raw); err != nil || len(rest) > 0 {
		return nil
	}
	return name
}
