package packager

import (
	"slices"
	"strings"
	"time"

	"hozen/packager/signed"
)

// believes says why the auditor does not believe that a key is principal's for all of
// the uses; nil if he does. A key that is revoked is believed by no way.
func (o *VerifyOptions) believes(principal, key string, at time.Time, uses ...string) error {
	if err := o.Trust.Revoked(key); err != nil {
		return err
	}
	public, err := signed.ParsePublic(key)
	if err != nil {
		return err
	}
	if slices.Contains(o.Fingerprints, signed.Fingerprint(public)) {
		return nil
	}
	for _, use := range uses {
		if err := o.Trust.Check(principal, key, use, at); err != nil {
			return err
		}
	}
	return nil
}

// believes is VerifyOptions.believes for this archive: a fingerprint on paper vouches for the
// device's key as the device's, and for no person. Who holds the machine holds that key.
func (v *verification) believes(principal, key string, at time.Time, uses ...string) error {
	o := v.o
	if sameKey(key, v.deviceKey().key) && !strings.HasPrefix(principal, "device:") {
		o.Fingerprints = nil
	}
	return o.believes(principal, key, at, uses...)
}

// sameKey says whether two keys, of which each may be a certificate, have one private half.
func sameKey(a, b string) bool {
	if a == b {
		return true
	}
	ka, errA := signed.ParsePublic(a)
	kb, errB := signed.ParsePublic(b)
	return errA == nil && errB == nil && signed.PublicText(signed.Plain(ka)) == signed.PublicText(signed.Plain(kb))
}
