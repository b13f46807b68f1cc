package users

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The second recommended choice of RFC 9106, section 4: t=3, p=4, 64 MiB, a salt of
// 128 bits, a tag of 256.
const (
	passes  = 3
	memory  = 64 << 10 // KiB
	lanes   = 4
	saltLen = 16
	tagLen  = 32
)

// A hash is a password as it is kept.
type hash struct {
	time, memory uint32
	lanes        uint8
	salt, tag    []byte
}

func hashOf(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails (crypto/rand)
	tag := argon2.IDKey([]byte(password), salt, passes, memory, lanes, tagLen)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(tag))
}

// parseHash reads the PHC string format. Costs far over ours are refused, so that no
// line of the file stops the hub.
func parseHash(s string) (h hash, err error) {
	var version int
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, fmt.Errorf("password: not an argon2id hash")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return h, fmt.Errorf("password: version %.20q", parts[2])
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.lanes); err != nil {
		return h, fmt.Errorf("password: parameters %.40q", parts[3])
	}
	if h.memory < 8<<10 || h.memory > 256<<10 || h.time < 1 || h.time > 10 || h.lanes < 1 || h.lanes > 16 {
		return h, fmt.Errorf("password: parameters %.40q out of bounds", parts[3])
	}
	h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	if err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return h, fmt.Errorf("password: salt")
	}
	h.tag, err = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err != nil || len(h.tag) < 16 || len(h.tag) > 64 {
		return h, fmt.Errorf("password: tag")
	}
	return h, nil
}

// matches compares in constant time. Against what is no hash (of a user who is not
// there) it works as long, and says no.
func matches(kept, password string) bool {
	h, err := parseHash(kept)
	if err != nil {
		h = hash{passes, memory, lanes, make([]byte, saltLen), make([]byte, tagLen)}
	}
	tag := argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.lanes, uint32(len(h.tag)))
	return subtle.ConstantTimeCompare(tag, h.tag) == 1 && err == nil
}
