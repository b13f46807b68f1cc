package packager

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager/evidence/fault"
	"hozen/packager/signed"
)

// A Rekey is the statement by which a device's old key names the new one. Both sign it, in
// the namespace of events: whoever believes the old key can believe the new one, and the new
// one was in the same hands.
type Rekey struct {
	Type   string `json:"type"` // hozen/rekey/1
	Device string `json:"device"`
	OldKey string `json:"old_key"`
	NewKey string `json:"new_key"`
	Time   string `json:"time"` // RFC 3339, UTC, nanoseconds
}

const typeRekey = "hozen/rekey/1"

// MakeRekey gives the statement, and the signatures of the old key and the new.
func MakeRekey(old, fresh Device, now time.Time) (statement, oldSig, newSig []byte, err error) {
	oldKey, err := old.Public()
	if err != nil {
		return nil, nil, nil, err
	}
	newKey, err := fresh.Public()
	if err != nil {
		return nil, nil, nil, err
	}
	statement, err = signed.Encode(Rekey{typeRekey, old.Name, signed.PublicText(oldKey), signed.PublicText(newKey), signed.Wall(now)})
	if err != nil {
		return nil, nil, nil, err
	}
	oldSig, err1 := signed.Sign(old.Signer, signed.Event, statement)
	newSig, err2 := signed.Sign(fresh.Signer, signed.Event, statement)
	return statement, oldSig, newSig, fault.Join(err1, err2)
}

// CheckRekey reads such a statement and checks both signatures. Whether the old key is
// believed is up to the caller.
func CheckRekey(statement, oldSig, newSig []byte) (Rekey, error) {
	var r Rekey
	if err := signed.Decode(statement, &r); err != nil {
		return r, fmt.Errorf("rekey: %w", err)
	}
	if r.Type != typeRekey || !devicePattern.MatchString(r.Device) || r.OldKey == r.NewKey {
		return r, fmt.Errorf("rekey: of type %q, device %q", r.Type, r.Device)
	}
	for key, sig := range map[string][]byte{r.OldKey: oldSig, r.NewKey: newSig} {
		public, err := signed.ParsePublic(key)
		if err != nil {
			return r, fmt.Errorf("rekey: %w", err)
		}
		if err := signed.Check(public, signed.Event, statement, sig); err != nil {
			return r, fmt.Errorf("rekey: %w", err)
		}
	}
	return r, nil
}

// AllowedSignerBetween is AllowedSigner for a key that counts only from a time on, or up to
// one; a zero time is no limit.
func AllowedSignerBetween(principal string, k ssh.PublicKey, after, before time.Time) string {
	who, rest, _ := strings.Cut(AllowedSigner(principal, k), " ")
	options, key, _ := strings.Cut(rest, " ")
	const layout = "20060102150405Z"
	if !after.IsZero() {
		options += `,valid-after="` + after.UTC().Format(layout) + `"`
	}
	if !before.IsZero() {
		options += `,valid-before="` + before.UTC().Format(layout) + `"`
	}
	return who + " " + options + " " + key
}

// AllowedAuthority gives the line by which an auditor trusts all whom an organisation's key
// has certified, as far as their principals fit the patterns ("operator:*,device:*").
func AllowedAuthority(patterns string, ca ssh.PublicKey) string {
	uses := []string{signed.Genesis, signed.Seal, signed.Event, signed.Audit, signed.Job}
	return fmt.Sprintf("%s cert-authority,namespaces=\"%s\" %s\n", patterns, strings.Join(uses, ","), signed.PublicText(signed.Plain(ca)))
}
