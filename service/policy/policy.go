// Package policy is this endpoint's own decision about a job: whom it believes, what it
// is, and what it never does. Nothing that comes over the network changes it. Begin with
// Policy.Check; trust.go pins the trust file, signers.go counts the people.
package policy

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"hozen/packager/cipher"
	"hozen/packager/signed"
	"hozen/service/job"
)

// Reasons of refusals: words for programs. An envelope that is none has the reasons of
// package job (size, encoding, fields, action, lifetime, same_person, field).
const (
	Veto           = "veto"            // the veto file is there
	TrustChanged   = "trust_changed"   // the trust file is not the one that root has pinned, or cannot be read
	Unsigned       = "unsigned"        // no signature at all
	TooFew         = "too_few_signers" // fewer signatures than are due for what it asks
	SameKey        = "same_key"        // two signatures by one key
	WrongNamespace = "wrong_namespace" // a signature for another purpose
	WrongKey       = "wrong_key"       // a key that the trust file does not know as this person
	KeyTime        = "key_time"        // a key that is not valid now, or was not when the job was issued
	KeyRevoked     = "key_revoked"     // a key or certificate that the list of revoked ones has
	BadSignature   = "bad_signature"   // a signature that does not fit the job
	OtherTarget    = "other_target"    // for another device
	UnknownGroup   = "unknown_group"   // for a group that is not in the configuration
	GroupDiffers   = "group_differs"   // the group has other members here
	NotYet         = "not_yet"         // before not_before
	Expired        = "expired"
	UnknownProfile = "unknown_profile"
	ProfileDiffers = "profile_differs" // the profile means something else here
	Recipient      = "recipient"       // not in the allow-list
	Destination    = "destination"     // not in the allow-list
)

// A Policy is what an endpoint's configuration says about jobs.
type Policy struct {
	Device    string // this device's name
	DeviceKey string // its key as in authorized_keys: it signs no job, whatever the trust file says
	TrustFile string // allowed_signers of operators
	PinFile   string // what PinTrust wrote of it
	// Revoked is a list of keys and certificates that count no more, whoever vouches for
	// them: a KRL of OpenSSH, or public keys in lines. It is not pinned: it may only take
	// away. "" is none; one that cannot be read lets no job through.
	Revoked  string
	VetoFile string // while it is there, everything is refused
	// Groups has the members of each group that this endpoint knows.
	Groups map[string][]string
	// Signers says how many people must sign for a power; what is not in it is as
	// job.DefaultSigners says. Less than one is one.
	Signers map[job.Power]int
	// Recipients, Destinations are the allow-lists. A job that names none is not refused.
	// Recipients, and those of EncryptTo, are in the one spelling of cipher.Canonical.
	Recipients   []string
	Destinations []string
	// EncryptTo are recipients of every archive of this endpoint.
	EncryptTo []string
	// Profile gives the hash of what a profile means here; an error if there is none.
	Profile func(name string) (sha256 string, err error)
}

// A Refusal says why a job is not done, and what could be read of it.
type Refusal struct {
	Reason string // a word for programs
	Text   string // for people, in English; what is from the job is quoted
	// Authentic says that all signatures were good and enough: operators asked for it. Such
	// a job is remembered as refused, so that nobody who only relays can have it run later.
	Authentic bool
	Job       *job.Signed // nil if the envelope could not be read
}

// Remember says whether the refusal is for good: the operators must sign another job.
func (r *Refusal) Remember() bool { return r.Authentic && r.Reason != NotYet }

// Check decides about an envelope as it came. now is the later of the wall clock and the
// ledger's mark. A job that was seen before is not known here: that is the ledger's part.
func (p *Policy) Check(envelope []byte, now time.Time) (*job.Signed, *Refusal) {
	s, r := p.decide(envelope, now)
	if p.Vetoed() {
		veto := &Refusal{Reason: Veto, Text: fmt.Sprintf("%s is there: nothing is run on this machine", p.VetoFile), Authentic: r == nil || r.Authentic, Job: s}
		if r != nil {
			veto.Job = r.Job
		}
		return nil, veto
	}
	if r != nil {
		return nil, r
	}
	return s, nil
}

// Vetoed says whether this endpoint's veto file is there.
func (p *Policy) Vetoed() bool { return Vetoed(p.VetoFile) }

// Vetoed says whether a veto file is there: then nothing is run. One of which that cannot be
// known counts as there; "" is no file.
func Vetoed(file string) bool {
	_, err := os.Lstat(file)
	return file != "" && !errors.Is(err, os.ErrNotExist)
}

func (p *Policy) decide(envelope []byte, now time.Time) (*job.Signed, *Refusal) {
	s, err := job.Parse(envelope)
	if err != nil {
		var e *job.Error
		if !errors.As(err, &e) {
			return nil, &Refusal{Reason: job.Encoding, Text: err.Error()}
		}
		return nil, &Refusal{Reason: e.Reason, Text: e.Error()}
	}
	if r := p.checkSignatures(s, now); r != nil {
		r.Job = s
		return nil, r
	}
	for _, check := range []func(*job.Signed, time.Time) *Refusal{p.checkTarget, checkTime, p.checkProfile, p.checkLists} {
		if r := check(s, now); r != nil {
			r.Job, r.Authentic = s, true
			return nil, r
		}
	}
	return s, nil
}

//go:noinline
func refuse(reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Text: fmt.Sprintf(format, args...)}
}

func (p *Policy) checkTarget(s *job.Signed, _ time.Time) *Refusal {
	t := s.Job.Targets
	if t.Group == "" {
		if !slices.Contains(t.Devices, p.Device) {
			return refuse(OtherTarget, "it is not for %s", p.Device)
		}
		return nil
	}
	members, ok := p.Groups[t.Group]
	switch {
	case !ok:
		return refuse(UnknownGroup, "group %s is not in the configuration", t.Group)
	case job.GroupDigest(members) != t.Digest:
		return refuse(GroupDiffers, "group %s has other members here: digest %s, not %s", t.Group, job.GroupDigest(members), t.Digest)
	case !slices.Contains(members, p.Device):
		return refuse(OtherTarget, "%s is not in group %s", p.Device, t.Group)
	}
	return nil
}

// Skew is how far ahead of ours the clock of whoever made a job may be. Up to that, the
// job itself proves that it is as late as it was issued: operators signed it.
const Skew = 10 * time.Minute

func checkTime(s *job.Signed, now time.Time) *Refusal {
	issued, err := job.ParseTime(s.Job.Issued)
	notBefore, err2 := job.ParseTime(s.Job.NotBefore)
	expires, err3 := job.ParseTime(s.Job.Expires)
	ours := now
	if issued.After(now) && !issued.After(now.Add(Skew)) {
		now = issued
	}
	switch {
	case err != nil || err2 != nil || err3 != nil: // job.Parse has read them
		return refuse(job.Field, "its times cannot be read")
	case ours.Add(Skew).Before(issued):
		return refuse(NotYet, "issued at %s; here it is %s", s.Job.Issued, signed.Wall(ours))
	case now.Before(notBefore):
		return refuse(NotYet, "not before %s; here it is %s", s.Job.NotBefore, signed.Wall(now))
	case !now.Before(expires):
		return refuse(Expired, "expired at %s; here it is %s", s.Job.Expires, signed.Wall(now))
	}
	return nil
}

func (p *Policy) checkProfile(s *job.Signed, _ time.Time) *Refusal {
	want := s.Job.Profile
	if want.Name == "" { // no collection
		return nil
	}
	have, err := p.Profile(want.Name)
	switch {
	case err != nil:
		return refuse(UnknownProfile, "%v", err)
	case have != want.SHA256:
		return refuse(ProfileDiffers, "profile %s means something else here: %s, not %s (another version of the program?)", want.Name, have, want.SHA256)
	}
	return nil
}

func (p *Policy) checkLists(s *job.Signed, _ time.Time) *Refusal {
	readers := s.Job.Readers()
	for _, r := range readers {
		if !slices.Contains(p.Recipients, r) {
			return refuse(Recipient, "recipient %s is not in the allow-list", r)
		}
	}
	if all := slices.Concat(p.EncryptTo, readers); len(all) > 0 {
		slices.Sort(all)
		if _, err := cipher.Recipients(slices.Compact(all)); err != nil {
			return refuse(Recipient, "the archive cannot be encrypted to all of them: %v", err)
		}
	}
	if d := s.Job.Destination; d != "" && !slices.Contains(p.Destinations, d) {
		return refuse(Destination, "destination %s is not in the allow-list", d)
	}
	return nil
}
