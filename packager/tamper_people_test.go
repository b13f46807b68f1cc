package packager

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager/revoked"
	"hozen/packager/signed"
)

// A person is somebody with a key.
type person struct {
	by     signed.Signer
	signer ssh.Signer
}

func newPerson(t testing.TB) person {
	t.Helper()
	k, err := newSessionKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromSigner(k.private)
	if err != nil {
		t.Fatal(err)
	}
	return person{k.by, s}
}

// line is that of an allowed_signers file for a person, with options.
func (p person) line(principal, options string) string {
	if options != "" {
		options += " "
	}
	return principal + " " + options + signed.PublicText(p.by.Public()) + "\n"
}

// certified gives a person's key a certificate.
func (p person) certified(t testing.TB, ca person, change func(*ssh.Certificate)) person {
	t.Helper()
	c := &ssh.Certificate{Key: p.signer.PublicKey(), Serial: 7, KeyId: "seven", CertType: ssh.UserCert, ValidPrincipals: []string{"operator:sato", "device:pc-42"},
		ValidAfter: uint64(time.Now().Add(-time.Hour).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix())}
	if change != nil {
		change(c)
	}
	if err := c.SignCert(rand.Reader, ca.signer); err != nil {
		t.Fatal(err)
	}
	by, err := signed.ByCertificate(p.signer, c)
	if err != nil {
		t.Fatal(err)
	}
	return person{by, p.signer}
}

// A signedArchive is one that people have signed, and what an auditor believes.
type signedArchive struct {
	archive, log []byte
	device       Device
	sealed       Sealed
	dir          string
}

func (s *signedArchive) deviceLine(t testing.TB) string {
	t.Helper()
	line, err := s.device.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// signedBy makes an archive whose seal the operator signs; nil if nobody does.
func signedBy(t testing.TB, operator *CoSigner, change func(*Options)) *signedArchive {
	t.Helper()
	dir := t.TempDir()
	o := testOptions(t, dir)
	o.Genesis.Operator, o.Operator = "sato", operator
	if change != nil {
		change(&o)
	}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	put(t, w, "a.txt", "a\n")
	sealed, err := w.Seal("")
	if err != nil {
		t.Fatal(err)
	}
	return &signedArchive{archive: readFile(t, filepath.Join(dir, sealed.Name)), log: readFile(t, filepath.Join(dir, LogName(o.ID))), device: o.Device, sealed: sealed, dir: dir}
}

// resealed changes the members of the seal frame, and leaves everything else as it is.
func resealed(t testing.TB, archive []byte, edit func([]member) []member) []byte {
	t.Helper()
	frames := framesOf(t, archive)
	rep := verdict(t, archive, VerifyOptions{})
	for i, f := range frames {
		if f.kind != frameStored {
			continue
		}
		list, rest, err := storedMembers(plainOf(t, f), rep.Genesis.Epoch, rep.Collection)
		if err != nil || len(list) == 0 {
			t.Fatal(err)
		}
		if list[0].name != nameSeal {
			continue
		}
		w := Writer{o: Options{ID: rep.Collection, Genesis: Genesis{Epoch: rep.Genesis.Epoch}}}
		frames[i] = raw(storedFrame(append(w.members(edit(list)...), rest...)))
	}
	return joinFrames(frames)
}

func stripped(list []member) []member { return append(append([]member(nil), list[:3]...), list[4:]...) }

// withEvent appends an event to the log as somebody.
func (s *signedArchive) withEvent(t testing.TB, by signed.Signer, e Event) []byte {
	t.Helper()
	id, _ := strings.CutSuffix(s.sealed.Name, ".tar.zst")
	if err := AppendEventBy(s.dir, id, by, e, time.Now()); err != nil {
		t.Fatal(err)
	}
	return readFile(t, filepath.Join(s.dir, LogName(id)))
}

func (s *signedArchive) countersigned(t testing.TB, by person, principal string, edit func(*Event)) []byte {
	t.Helper()
	rep := verdict(t, s.archive, VerifyOptions{})
	e, err := Countersign(rep, EventObject{Name: s.sealed.Name, Bytes: s.sealed.Bytes, SHA256: s.sealed.SHA256}, principal, by.by)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(&e)
	}
	return s.withEvent(t, by.by, e)
}

func believing(t testing.TB, lines ...string) *Trust {
	t.Helper()
	trust, err := ParseTrust(strings.NewReader(strings.Join(lines, "")))
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

func requiring(roles ...string) func(*Options) {
	return func(o *Options) { o.Genesis.Require = roles }
}

// held checks a verdict, and that it says why.
func held(t *testing.T, what string, archive []byte, o VerifyOptions, want Verdict, why string) *Report {
	t.Helper()
	r := verdict(t, archive, o)
	if r.Verdict != want || why != "" && !strings.Contains(strings.Join(append(r.Findings, r.Notes...), "; "), why) {
		t.Errorf("%s: %s, want %s because of %q: findings %q, notes %q", what, r.Verdict, want, why, r.Findings, r.Notes)
	}
	return r
}

func TestOperatorsSignature(t *testing.T) {
	sato, other := newPerson(t), newPerson(t)
	s := signedBy(t, &CoSigner{Signer: sato.by}, nil)
	if !s.sealed.CoSigned || s.sealed.CoSignErr != nil {
		t.Fatalf("%+v", s.sealed)
	}
	device := s.deviceLine(t)
	known := believing(t, device, sato.line("operator:sato", ""))
	r := held(t, "untouched", s.archive, VerifyOptions{Trust: known, Log: s.log}, Valid, "")
	if len(r.CoSignatures) != 1 || !r.CoSignatures[0].Trusted || r.CoSignatures[0].Principal != "operator:sato" || !strings.Contains(strings.Join(r.Axes.Anchors, ";"), "co-signature of operator:sato") {
		t.Errorf("%+v, %q", r.CoSignatures, r.Axes.Anchors)
	}
	for what, c := range map[string]struct {
		trust *Trust
		why   string
	}{
		"unknown operator":        {believing(t, device), "operator:sato: the key is unknown"},
		"bob signs as sato":       {believing(t, device, sato.line("operator:bob", "")), "known, but as operator:bob"},
		"trusted for jobs alone":  {believing(t, device, sato.line("operator:sato", `namespaces="hozen-job-v1"`)), "not trusted for hozen-seal-v1"},
		"not yet valid":           {believing(t, device, sato.line("operator:sato", `valid-after="20990101"`)), "not valid before"},
		"a witness, not operator": {believing(t, device, sato.line("witness:sato", "")), "known, but as witness:sato"},
		"revoked":                 {known.Without(revoking(sato.by.Public())), "revoked"},
	} {
		held(t, what, s.archive, VerifyOptions{Trust: c.trust, Log: s.log}, UntrustedSigner, c.why)
	}
	held(t, "by the fingerprint on paper", s.archive, VerifyOptions{Trust: believing(t, device), Fingerprints: []string{signed.Fingerprint(sato.by.Public())}}, Valid, "")

	body := verdict(t, s.archive, VerifyOptions{}).Seal
	statement, err := signed.Encode(body)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(p person, namespace string, msg []byte) func([]member) []member {
		return func(list []member) []member {
			sig, err := p.by.Sign(namespace, msg)
			if err != nil {
				t.Fatal(err)
			}
			list[3].body = sig
			return list
		}
	}
	flipped := func(list []member) []member {
		list[3].body = bytes.Replace(list[3].body, []byte("U1NIU0lH"), []byte("U1NIU0lI"), 1)
		return list
	}
	for what, c := range map[string]struct {
		edit   func([]member) []member
		alone  Verdict // without the log
		logged string  // with it: INVALID, because
	}{
		"stripped":                     {stripped, Valid, "gone from the archive"},
		"by another":                   {sign(other, signed.Seal, statement), UntrustedSigner, "not the one that it was sealed with"},
		"for another purpose":          {sign(sato, signed.Event, statement), Invalid, ""},
		"for another seal":             {sign(sato, signed.Seal, append(statement, ' ')), Invalid, ""},
		"flipped":                      {flipped, Invalid, ""},
		"armor wrapped otherwise":      {func(l []member) []member { l[3].body = append(l[3].body, '\n'); return l }, Invalid, ""},
		"twice":                        {func(l []member) []member { return append(append(append([]member(nil), l[:4]...), l[3]), l[4:]...) }, Invalid, ""},
		"before the device's":          {func(l []member) []member { l[2], l[3] = l[3], l[2]; return l }, Invalid, ""},
		"under the name of a stranger": {func(l []member) []member { l[3].name = nameSeal + ".witness.sig"; return l }, Invalid, ""},
	} {
		changed := resealed(t, s.archive, c.edit)
		held(t, what, changed, VerifyOptions{Trust: known}, c.alone, "")
		held(t, what+", with the log", changed, VerifyOptions{Trust: known, Log: s.log}, Invalid, c.logged)
	}
	added := signedBy(t, nil, nil)
	forged := resealed(t, added.archive, func(l []member) []member {
		return append(append(append([]member(nil), l[:3]...), member{nameSeal + operatorSigSuffix, nil}), l[3:]...)
	})
	held(t, "empty where there was none", forged, VerifyOptions{Trust: known}, Invalid, "")
}

func revoking(keys ...ssh.PublicKey) *revoked.List {
	var l revoked.List
	for _, k := range keys {
		l.AddKey(k)
	}
	return &l
}

func TestRequire(t *testing.T) {
	sato, tanaka := newPerson(t), newPerson(t)
	s := signedBy(t, &CoSigner{Signer: sato.by}, requiring("operator", "witness"))
	all := believing(t, s.deviceLine(t), sato.line("operator:sato", ""), sato.line("witness:sato", ""), tanaka.line("witness:tanaka", ""))
	held(t, "no witness yet", s.archive, VerifyOptions{Trust: all, Log: s.log}, UntrustedSigner, "required: a signature of the witness")
	held(t, "stripped", resealed(t, s.archive, stripped), VerifyOptions{Trust: all}, UntrustedSigner, "required: a signature of the operator")
	log := s.countersigned(t, sato, "witness:sato", nil)
	held(t, "nobody is his own witness", s.archive, VerifyOptions{Trust: all, Log: log}, UntrustedSigner, "required: a signature of the witness")
	log = s.countersigned(t, tanaka, "witness:tanaka", nil)
	held(t, "countersigned", s.archive, VerifyOptions{Trust: all, Log: log}, Valid, "")
	held(t, "the log is gone", s.archive, VerifyOptions{Trust: all}, UntrustedSigner, "required: a signature of the witness")
	held(t, "the witness is revoked", s.archive, VerifyOptions{Trust: all.Without(revoking(tanaka.by.Public())), Log: log}, UntrustedSigner, "revoked")

	named := signedBy(t, nil, requiring("witness:suzuki"))
	trust := believing(t, named.deviceLine(t), tanaka.line("witness:tanaka,witness:suzuki", ""))
	held(t, "another witness than the named", named.archive, VerifyOptions{Trust: trust, Log: named.countersigned(t, tanaka, "witness:tanaka", nil)}, UntrustedSigner, "witness suzuki")
	held(t, "the named one", named.archive, VerifyOptions{Trust: trust, Log: named.countersigned(t, tanaka, "witness:suzuki", nil)}, Valid, "")

	frames := framesOf(t, s.archive)
	for i, f := range frames {
		if f.kind == frameMarker {
			held(t, "not sealed", joinFrames(frames[:i+1]), VerifyOptions{Trust: all}, ValidPartial, "")
			break
		}
	}
	for _, bad := range [][]string{{"stranger"}, {"operator", "operator"}, {"witness:"}, {"operator:a b"}, {""}} {
		o := testOptions(t, t.TempDir())
		o.Genesis.Require = bad
		if _, err := Create(o); err == nil {
			t.Errorf("%q is required", bad)
		}
	}
}

func TestCountersign(t *testing.T) {
	tanaka, other := newPerson(t), newPerson(t)
	s := signedBy(t, nil, nil)
	known := believing(t, s.deviceLine(t), tanaka.line("witness:tanaka", ""))
	whole := s.log
	again := func() *signedArchive { // each case has its own log
		c := *s
		c.dir = t.TempDir()
		if err := os.WriteFile(filepath.Join(c.dir, LogName(strings.TrimSuffix(s.sealed.Name, ".tar.zst"))), whole, 0o600); err != nil {
			t.Fatal(err)
		}
		return &c
	}
	set := func(name, value string) func(*Event) {
		return func(e *Event) {
			for i := range e.Detail {
				if e.Detail[i].Name == name {
					e.Detail[i].Value = value
				}
			}
		}
	}
	othersSig, err := other.by.Sign(signed.Seal, []byte("{}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		by   person
		edit func(*Event)
		want Verdict
		why  string
	}{
		"whole":                          {tanaka, nil, Valid, ""},
		"by a stranger":                  {other, nil, UntrustedSigner, "known, but as"},
		"about another seal":             {tanaka, set("seal", strings.Repeat("0", 64)), Invalid, "another seal"},
		"with the signature of another":  {tanaka, set("signature", string(othersSig)), Invalid, "over the seal"},
		"with what is no signature":      {tanaka, set("signature", "x"), Invalid, "over the seal"},
		"as somebody who does not sign":  {tanaka, func(e *Event) { e.Actor = "carrier:tanaka" }, UntrustedSigner, "not counted"},
		"without one, about these bytes": {tanaka, set("signature", ""), Valid, ""},
		"without one, about others":      {tanaka, func(e *Event) { set("signature", "")(e); e.Object.SHA256 = strings.Repeat("0", 64) }, Valid, "not counted"},
	} {
		trust := known
		if what == "by a stranger" {
			trust = believing(t, s.deviceLine(t), other.line("witness:other", ""))
		}
		r := held(t, what, s.archive, VerifyOptions{Trust: trust, Log: again().countersigned(t, c.by, "witness:tanaka", c.edit)}, c.want, c.why)
		if counted := len(r.CoSignatures) == 1 && r.CoSignatures[0].Trusted; counted != (c.want == Valid && c.why == "") {
			t.Errorf("%s: counted: %v", what, counted)
		}
	}
	rep := verdict(t, s.archive, VerifyOptions{})
	for _, principal := range []string{"device:pc-42", "tanaka", "witness:", "hub:h"} {
		if _, err := Countersign(rep, EventObject{}, principal, tanaka.by); err == nil {
			t.Errorf("signed as %q", principal)
		}
	}
	rep.Verdict = Invalid
	if _, err := Countersign(rep, EventObject{}, "witness:tanaka", tanaka.by); err == nil {
		t.Error("what is INVALID is signed")
	}
}

// TestCertificates: an organisation's line stands for all whom it has certified.
func TestCertificates(t *testing.T) {
	ca, plain := newPerson(t), newPerson(t)
	now := uint64(time.Now().Unix())
	authority := ca.line("operator:*,device:*", "cert-authority")
	for what, c := range map[string]struct {
		change func(*ssh.Certificate)
		trust  string
		want   Verdict
		why    string
	}{
		"good":                     {nil, authority, Valid, ""},
		"for another":              {func(c *ssh.Certificate) { c.ValidPrincipals = []string{"operator:bob"} }, authority, UntrustedSigner, "not for that name"},
		"for anybody":              {func(c *ssh.Certificate) { c.ValidPrincipals = nil }, authority, UntrustedSigner, "not for that name"},
		"a pattern is not a name":  {func(c *ssh.Certificate) { c.ValidPrincipals = []string{"operator:*"} }, authority, UntrustedSigner, "not for that name"},
		"of a host":                {func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, authority, UntrustedSigner, "not that of a user"},
		"expired":                  {func(c *ssh.Certificate) { c.ValidBefore = now - 60 }, authority, UntrustedSigner, "not valid any more"},
		"not yet valid":            {func(c *ssh.Certificate) { c.ValidAfter = now + 600 }, authority, UntrustedSigner, "not valid yet"},
		"with a critical option":   {func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"force-command": "x"} }, authority, UntrustedSigner, "critical"},
		"line for other names":     {nil, ca.line("operator:b*", "cert-authority"), UntrustedSigner, "known, but as"},
		"line for other purposes":  {nil, ca.line("operator:*", `cert-authority,namespaces="hozen-job-v1"`), UntrustedSigner, "not trusted for"},
		"line that has expired":    {nil, ca.line("operator:*", `cert-authority,valid-before="20200101"`), UntrustedSigner, "not valid after"},
		"a key is no authority":    {nil, ca.line("operator:*", ""), UntrustedSigner, "authority that certified the key is unknown"},
		"the plain key is trusted": {nil, plain.line("operator:sato", ""), UntrustedSigner, "authority that certified the key is unknown"},
	} {
		s := signedBy(t, &CoSigner{Signer: plain.certified(t, ca, c.change).by}, nil)
		r := held(t, what, s.archive, VerifyOptions{Trust: believing(t, s.deviceLine(t), c.trust), Log: s.log}, c.want, c.why)
		if r.CoSignatures[0].Fingerprint != signed.Fingerprint(plain.by.Public()) {
			t.Errorf("%s: fingerprint %s", what, r.CoSignatures[0].Fingerprint)
		}
	}
	good := signedBy(t, &CoSigner{Signer: plain.certified(t, ca, nil).by}, nil)
	for what, list := range map[string]*revoked.List{
		"the key": revoking(plain.by.Public()), "the authority": revoking(ca.by.Public()), "the certificate": revokingNumber(t, plain.certified(t, ca, nil).by.Public()),
	} {
		trust := believing(t, good.deviceLine(t), authority).Without(list)
		held(t, "revoked: "+what, good.archive, VerifyOptions{Trust: trust}, UntrustedSigner, "revoked")
		held(t, "revoked, on paper: "+what, good.archive, VerifyOptions{Trust: trust, Fingerprints: []string{signed.Fingerprint(plain.by.Public())}}, UntrustedSigner, "revoked")
	}
}

func revokingNumber(t testing.TB, key ssh.PublicKey) *revoked.List {
	t.Helper()
	var l revoked.List
	if err := l.AddCertificate(key.(*ssh.Certificate)); err != nil {
		t.Fatal(err)
	}
	return &l
}

// TestCertifiedDevice: a device with a certificate needs no line of its own, and its log
// goes on when it has lost that.
func TestCertifiedDevice(t *testing.T) {
	ca := newPerson(t)
	s := signedBy(t, nil, func(o *Options) {
		key, err := ssh.NewSignerFromSigner(o.Device.Signer)
		if err != nil {
			t.Fatal(err)
		}
		o.Device.Certificate, _ = person{signer: key}.certified(t, ca, nil).by.Public().(*ssh.Certificate)
	})
	trust := believing(t, ca.line("device:*", "cert-authority"))
	r := held(t, "by the authority", s.archive, VerifyOptions{Trust: trust, Log: s.log}, Valid, "")
	if !strings.HasPrefix(r.Genesis.DeviceKey, "ssh-ed25519-cert-v01@openssh.com ") || r.Axes.Signer != "trusted" {
		t.Errorf("%s, %s", r.Genesis.DeviceKey, r.Axes.Signer)
	}
	held(t, "by its fingerprint", s.archive, VerifyOptions{Fingerprints: []string{r.Fingerprint}, Log: s.log}, Valid, "")
	held(t, "by nobody", s.archive, VerifyOptions{Log: s.log}, UntrustedSigner, "unknown")
	held(t, "by another authority", s.archive, VerifyOptions{Trust: believing(t, newPerson(t).line("device:*", "cert-authority"))}, UntrustedSigner, "unknown")
	held(t, "revoked", s.archive, VerifyOptions{Trust: trust.Without(revoking(ca.by.Public()))}, UntrustedSigner, "revoked")
	held(t, "revoked, on paper", s.archive, VerifyOptions{Trust: (*Trust)(nil).Without(revoking(ca.by.Public())), Fingerprints: []string{r.Fingerprint}}, UntrustedSigner, "revoked")
	device := s.device
	device.Certificate = nil
	if err := AppendEvent(s.dir, strings.TrimSuffix(s.sealed.Name, ".tar.zst"), device, Event{Event: "described", Reason: "x"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	held(t, "an event without the certificate", s.archive, VerifyOptions{Trust: trust, Log: readFile(t, filepath.Join(s.dir, LogName(r.Collection)))}, Valid, "")
}

// A slowPerson does not sign before he is let.
type slowPerson struct {
	person
	until chan struct{}
}

func (s slowPerson) Public() ssh.PublicKey { return s.by.Public() }

func (s slowPerson) Sign(string, []byte) ([]byte, error) {
	<-s.until
	return nil, errors.New("too late")
}

// TestNobodySigns: an archive is sealed without who does not answer, or cannot sign.
func TestNobodySigns(t *testing.T) {
	slow := slowPerson{newPerson(t), make(chan struct{})}
	asked := false
	s := signedBy(t, &CoSigner{Signer: slow, Wait: time.Millisecond, Asked: func() { asked = true }}, requiring("operator"))
	close(slow.until)
	if s.sealed.CoSigned || !errors.Is(s.sealed.CoSignErr, ErrNoAnswer) || !asked {
		t.Errorf("%+v, asked: %v", s.sealed, asked)
	}
	held(t, "nobody answered", s.archive, VerifyOptions{Trust: believing(t, s.deviceLine(t)), Log: s.log}, UntrustedSigner, "required: a signature of the operator")
	wrong := newPerson(t)
	s = signedBy(t, &CoSigner{Signer: liar{newPerson(t).by, wrong.by.Public()}}, nil)
	if s.sealed.CoSigned || s.sealed.CoSignErr == nil {
		t.Errorf("a signature by another key is kept: %+v", s.sealed)
	}
	held(t, "the signer lied", s.archive, VerifyOptions{Trust: believing(t, s.deviceLine(t)), Log: s.log}, Valid, "")
	o := testOptions(t, t.TempDir())
	o.Operator = &CoSigner{Signer: wrong.by}
	if _, err := Create(o); err == nil {
		t.Errorf("an operator called %q signs", o.Genesis.Operator)
	}
}

// A liar shows another key than he signs with.
type liar struct {
	signed.Signer
	shown ssh.PublicKey
}

func (l liar) Public() ssh.PublicKey { return l.shown }
