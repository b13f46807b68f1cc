package policy

import (
	"errors"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager"
	"hozen/packager/revoked"
	"hozen/packager/signed"
	"hozen/service/job"
)

// Due says how many people must sign a job here.
func (p *Policy) Due(j job.Job) int {
	due := 1
	for _, power := range job.Powers(j) {
		n, ok := p.Signers[power]
		if !ok {
			n = job.DefaultSigners(power)
		}
		due = max(due, n)
	}
	return due
}

// checkSignatures wants a good signature of each person that the job names, enough of
// them, and that they are different people.
func (p *Policy) checkSignatures(s *job.Signed, now time.Time) *Refusal {
	trust, err := p.trust()
	if err != nil {
		return refuse(TrustChanged, "%v", err)
	}
	people := s.Job.Signers()
	missing := s.Missing()
	switch due := p.Due(s.Job); {
	case len(missing) == len(people):
		return refuse(Unsigned, "nobody has signed it")
	case len(missing) > 0:
		return refuse(TooFew, "%s has not signed it", missing[0])
	case len(people) < due:
		return refuse(TooFew, "%d people have signed it: %d are due for what it asks", len(people), due)
	}
	issued, err := job.ParseTime(s.Job.Issued)
	if err != nil {
		return refuse(job.Field, "%v", err)
	}
	var keys []ssh.PublicKey
	for i, who := range people {
		key, r := p.checkSigner(s, i, who, trust, issued, now)
		if r != nil {
			return r
		}
		for n, other := range keys {
			if r := apart(trust, people[n], other, who, key, now); r != nil {
				return r
			}
		}
		keys = append(keys, key)
	}
	return nil
}

func (p *Policy) checkSigner(s *job.Signed, i int, who string, trust *packager.Trust, issued, now time.Time) (ssh.PublicKey, *Refusal) {
	key, err := s.SignedBy(i)
	switch {
	case errors.Is(err, job.ErrNamespace):
		return nil, refuse(WrongNamespace, "%s: %v", who, err)
	case err != nil:
		return nil, refuse(BadSignature, "%s: %v", who, err)
	}
	text := signed.PublicText(key)
	if signed.PublicText(signed.Plain(key)) == p.DeviceKey {
		return nil, refuse(WrongKey, "%s: the key of this device signs no job", who)
	}
	for _, at := range []time.Time{issued, now} {
		err := trust.Check(who, text, signed.Job, at)
		switch {
		case errors.Is(err, revoked.ErrRevoked):
			return nil, refuse(KeyRevoked, "%v (%s)", err, signed.Fingerprint(key))
		case errors.Is(err, packager.ErrKeyTime):
			return nil, refuse(KeyTime, "%v", err)
		case err != nil:
			return nil, refuse(WrongKey, "%v (%s)", err, signed.Fingerprint(key))
		}
	}
	return key, nil
}

// apart says why two signers are not two people: one key, or a key that the trust file
// gives to both.
func apart(trust *packager.Trust, a string, aKey ssh.PublicKey, b string, bKey ssh.PublicKey, now time.Time) *Refusal {
	aText, bText := signed.PublicText(aKey), signed.PublicText(bKey)
	switch {
	case signed.PublicText(signed.Plain(aKey)) == signed.PublicText(signed.Plain(bKey)):
		return refuse(SameKey, "%s and %s have signed with one key", a, b)
	case trust.Check(a, bText, signed.Job, now) == nil, trust.Check(b, aText, signed.Job, now) == nil:
		return refuse(job.SamePerson, "the trust file has a key that is both of %s and of %s", a, b)
	}
	return nil
}
