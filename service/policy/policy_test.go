package policy

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hozen/packager/cipher"
	"hozen/packager/signed"
	"hozen/service/job"
)

var now = time.Date(2026, 11, 22, 5, 30, 0, 0, time.UTC)

const profileHash = "abababababababababababababababababababababababababababababababab"

// A scene is an endpoint with operators and their keys.
type scene struct {
	Policy
	keys map[string]ed25519.PrivateKey
}

func newKey(t testing.TB) (ed25519.PrivateKey, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, signed.PublicText(pub)
}

func newScene(t testing.TB) *scene {
	t.Helper()
	dir := t.TempDir()
	s := &scene{keys: map[string]ed25519.PrivateKey{}}
	var trust strings.Builder
	for _, who := range []string{"alice", "bob", "carol", "eve", "old", "young", "mac", "twin"} {
		key, text := newKey(t)
		s.keys[who] = key
		options := map[string]string{"eve": `namespaces="file" `, "old": `valid-before="20261122052959Z" `, "young": `valid-after="20261122060000Z" `}[who]
		if options == "" {
			options = `namespaces="hozen-job-v1" `
		}
		fmt.Fprintf(&trust, "operator:%s %s%s\n", who, options, text)
		if who == "twin" { // the second name of one person
			fmt.Fprintf(&trust, "operator:bob %s%s\n", options, text)
		}
	}
	device, text := newKey(t)
	s.keys["device"] = device
	fmt.Fprintf(&trust, "operator:device %s\n", text)
	s.keys["stranger"], _ = newKey(t)
	_, labSSH := newKey(t)
	_, quantum, err := cipher.Generate(true)
	if err != nil {
		t.Fatal(err)
	}
	s.Policy = Policy{
		Device: "pc-42", DeviceKey: text, TrustFile: filepath.Join(dir, "trust"), PinFile: filepath.Join(dir, "trust.pin"), VetoFile: filepath.Join(dir, "veto"),
		Groups:     map[string][]string{"web": {"pc-41", "pc-42"}, "db": {"pc-1"}},
		Recipients: []string{"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", labSSH, quantum}, Destinations: []string{"lab"},
		Profile: func(name string) (string, error) {
			if name != "standard" && name != "full" {
				return "", fmt.Errorf("profile %q: there is none", name)
			}
			return profileHash, nil
		},
	}
	if err := os.WriteFile(s.TrustFile, []byte(trust.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := PinTrust(s.TrustFile, s.PinFile); err != nil {
		t.Fatal(err)
	}
	return s
}

func example() job.Job {
	return job.Job{
		Type: job.Type, ID: "job-0001", Nonce: strings.Repeat("0a", 16), Issued: job.Time(now), NotBefore: job.Time(now), Expires: job.Time(now.Add(time.Hour)),
		Targets: job.Targets{Devices: []string{"pc-42"}}, Action: job.Collect, Profile: job.Profile{Name: "standard", SHA256: profileHash}, Operator: "alice",
	}
}

// envelope makes a job and signs it by the keys of these people, in the places of its
// signers. What the makers of jobs refuse is done all the same.
func (s *scene) envelope(t testing.TB, j job.Job, namespace string, keys ...string) []byte {
	t.Helper()
	made, err := job.New(j)
	if err != nil {
		t.Fatal(err)
	}
	for i, who := range keys {
		if who == "" {
			continue
		}
		sig, err := signed.Sign(s.keys[who], namespace, []byte(made.Envelope.Payload))
		if err != nil {
			t.Fatal(err)
		}
		made.Envelope.Signatures[i] = string(sig)
	}
	b, err := made.Envelope.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAccepted(t *testing.T) {
	s := newScene(t)
	for name, c := range map[string]struct {
		change func(*job.Job)
		keys   []string
	}{
		"one person": {func(*job.Job) {}, []string{"alice"}},
		"two people": {func(j *job.Job) { j.Params.RAM, j.Approvals = true, []string{"bob"} }, []string{"alice", "bob"}},
		"three":      {func(j *job.Job) { j.Approvals = []string{"bob", "carol"} }, []string{"alice", "bob", "carol"}},
		"group": {func(j *job.Job) {
			j.Targets = job.Targets{Group: "web", Digest: job.GroupDigest([]string{"pc-42", "pc-41"})}
		}, []string{"alice"}},
		"in the list":      {func(j *job.Job) { j.Recipients, j.Destination = s.Recipients[:2], "lab" }, []string{"alice"}},
		"post-quantum":     {func(j *job.Job) { j.Recipients = s.Recipients[2:] }, []string{"alice"}},
		"SSH, with a name": {func(j *job.Job) { j.Recipients = []string{s.Recipients[1] + " lab@example"} }, []string{"alice"}},
		"rejoin":           {func(j *job.Job) { j.Action, j.Profile, j.Approvals = job.Rejoin, job.Profile{}, []string{"bob"} }, []string{"alice", "bob"}},
		"cancel":           {func(j *job.Job) { j.Action, j.Profile, j.Params.Job = job.Cancel, job.Profile{}, "job-0000" }, []string{"alice"}},
		"clock of the operator is ahead": {func(j *job.Job) {
			j.Issued = job.Time(now.Add(Skew))
			j.NotBefore, j.Expires = j.Issued, job.Time(now.Add(time.Hour))
		}, []string{"alice"}},
	} {
		j := example()
		c.change(&j)
		got, r := s.Check(s.envelope(t, j, signed.Job, c.keys...), now)
		if r != nil || got == nil || got.Job.ID != j.ID {
			t.Errorf("%s: refused: %+v", name, r)
		}
	}
}

func TestRefused(t *testing.T) {
	s := newScene(t)
	_, stranger, err := cipher.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	_, strangerSSH := newKey(t)
	two := func(j *job.Job) { j.Approvals = []string{"bob"} }
	for name, c := range map[string]struct {
		change    func(*job.Job)
		keys      []string
		at        time.Time
		reason    string
		authentic bool
	}{
		"unsigned":                              {two, nil, now, Unsigned, false},
		"one signature is missing":              {two, []string{"alice", ""}, now, TooFew, false},
		"the operator's is missing":             {two, []string{"", "bob"}, now, TooFew, false},
		"RAM by one":                            {func(j *job.Job) { j.Params.RAM = true }, []string{"alice"}, now, TooFew, false},
		"RAM by name":                           {func(j *job.Job) { j.Params.Only = []string{"ram"} }, []string{"alice"}, now, TooFew, false},
		"full by one":                           {func(j *job.Job) { j.Profile.Name = "full" }, []string{"alice"}, now, TooFew, false},
		"isolation by one":                      {func(j *job.Job) { j.Params.IsolateS = 60 }, []string{"alice"}, now, TooFew, false},
		"one key for two":                       {two, []string{"alice", "alice"}, now, WrongKey, false},
		"one person, two names":                 {func(j *job.Job) { j.Operator, j.Approvals = "twin", []string{"bob"} }, []string{"twin", "bob"}, now, job.SamePerson, false},
		"the same key by two names":             {func(j *job.Job) { j.Operator, j.Approvals = "twin", []string{"bob"} }, []string{"twin", "twin"}, now, SameKey, false},
		"a stranger":                            {func(*job.Job) {}, []string{"stranger"}, now, WrongKey, false},
		"a stranger approves":                   {two, []string{"alice", "stranger"}, now, WrongKey, false},
		"bob as alice":                          {func(*job.Job) {}, []string{"bob"}, now, WrongKey, false},
		"operator unknown":                      {func(j *job.Job) { j.Operator = "mallory" }, []string{"alice"}, now, WrongKey, false},
		"trusted for other things":              {func(j *job.Job) { j.Operator = "eve" }, []string{"eve"}, now, WrongKey, false},
		"the device itself":                     {func(j *job.Job) { j.Operator = "device" }, []string{"device"}, now, WrongKey, false},
		"key has expired":                       {func(j *job.Job) { j.Operator = "old" }, []string{"old"}, now, KeyTime, false},
		"key is not valid yet":                  {func(j *job.Job) { j.Operator = "young" }, []string{"young"}, now, KeyTime, false},
		"key was not valid when it was issued":  {func(j *job.Job) { j.Operator = "young" }, []string{"young"}, now.Add(45 * time.Minute), KeyTime, false},
		"another device":                        {func(j *job.Job) { j.Targets.Devices = []string{"pc-43"} }, []string{"alice"}, now, OtherTarget, true},
		"in other letters":                      {func(j *job.Job) { j.Targets.Devices = []string{"PC-42"} }, []string{"alice"}, now, OtherTarget, true},
		"group unknown":                         {func(j *job.Job) { j.Targets = job.Targets{Group: "mail", Digest: profileHash} }, []string{"alice"}, now, UnknownGroup, true},
		"group differs":                         {func(j *job.Job) { j.Targets = job.Targets{Group: "web", Digest: job.GroupDigest([]string{"pc-42"})} }, []string{"alice"}, now, GroupDiffers, true},
		"not in the group":                      {func(j *job.Job) { j.Targets = job.Targets{Group: "db", Digest: job.GroupDigest([]string{"pc-1"})} }, []string{"alice"}, now, OtherTarget, true},
		"too soon":                              {func(j *job.Job) { j.NotBefore = job.Time(now.Add(time.Second)) }, []string{"alice"}, now, NotYet, true},
		"from the future":                       {func(*job.Job) {}, []string{"alice"}, now.Add(-Skew - time.Second), NotYet, true},
		"just expired":                          {func(*job.Job) {}, []string{"alice"}, now.Add(time.Hour), Expired, true},
		"profile unknown":                       {func(j *job.Job) { j.Profile.Name = "mine" }, []string{"alice"}, now, UnknownProfile, true},
		"profile differs":                       {func(j *job.Job) { j.Profile.SHA256 = strings.Repeat("cd", 32) }, []string{"alice"}, now, ProfileDiffers, true},
		"recipient":                             {func(j *job.Job) { j.Recipients = []string{stranger} }, []string{"alice"}, now, Recipient, true},
		"one recipient of two":                  {func(j *job.Job) { j.Recipients = []string{s.Recipients[0], stranger} }, []string{"alice"}, now, Recipient, true},
		"an SSH key with an allowed one's name": {func(j *job.Job) { j.Recipients = []string{strangerSSH + " " + s.Recipients[0]} }, []string{"alice"}, now, Recipient, true},
		"spelled with spaces":                   {func(j *job.Job) { j.Recipients = []string{"  " + strangerSSH + "  lab"} }, []string{"alice"}, now, Recipient, true},
		"post-quantum beside others":            {func(j *job.Job) { j.Recipients = []string{s.Recipients[0], s.Recipients[2]} }, []string{"alice"}, now, Recipient, true},
		"destination":                           {func(j *job.Job) { j.Destination = "elsewhere" }, []string{"alice"}, now, Destination, true},
	} {
		t.Run(name, func(t *testing.T) {
			j := example()
			c.change(&j)
			got, r := s.Check(s.envelope(t, j, signed.Job, c.keys...), c.at)
			switch {
			case r == nil || got != nil:
				t.Fatal("accepted")
			case r.Reason != c.reason || r.Authentic != c.authentic || r.Text == "":
				t.Errorf("%+v, want %s, authentic %v", r, c.reason, c.authentic)
			case r.Job == nil || r.Job.Job.ID != j.ID:
				t.Error("what could be read of it is not given")
			case r.Remember() != (c.authentic && c.reason != NotYet):
				t.Error("remembered or not, wrongly")
			}
		})
	}
}

func TestRefusedEnvelopes(t *testing.T) {
	s := newScene(t)
	good := string(s.envelope(t, example(), signed.Job, "alice"))
	change := func(from, to string) string {
		changed := strings.Replace(good, from, to, 1)
		if changed == good {
			t.Fatalf("%q is not there", from)
		}
		return changed
	}
	for name, c := range map[string]struct{ text, reason string }{
		"too large":        {good + strings.Repeat(" ", job.MaxEnvelope), job.Size},
		"garbage":          {"\x00\xff", job.Encoding},
		"nothing":          {"", job.Encoding},
		"unknown field":    {change(`"signatures"`, `"run":"id","signatures"`), job.Unknown},
		"in the job":       {change(`\"nonce\"`, `\"path\":\"/etc\",\"nonce\"`), job.Unknown},
		"unknown action":   {change(`\"collect\"`, `\"shell\"`), job.Action},
		"a long life":      {change(job.Time(now.Add(time.Hour)), job.Time(now.Add(7*24*time.Hour+time.Second))), job.Lifetime},
		"same person":      {change(`\"approvals\":[]`, `\"approvals\":[\"alice\"]`), job.SamePerson},
		"field":            {change(`\"case\":\"\"`, `\"case\":\"\\u001b\"`), job.Field},
		"changed":          {change(`\"reason\":\"\"`, `\"reason\":\"x\"`), BadSignature},
		"wrong namespace":  {string(s.envelope(t, example(), signed.Event, "alice")), WrongNamespace},
		"wrong namespace2": {string(s.envelope(t, example(), "file", "alice")), WrongNamespace},
		"armor":            {change(`SIGNATURE-----\n`, `SIGNATURE-----\n\n`), BadSignature},
	} {
		_, r := s.Check([]byte(c.text), now)
		if r == nil || r.Reason != c.reason || r.Authentic || r.Remember() {
			t.Errorf("%s: %+v, want %s", name, r, c.reason)
		}
	}
}

func TestVeto(t *testing.T) {
	s := newScene(t)
	good, bad := s.envelope(t, example(), signed.Job, "alice"), s.envelope(t, example(), signed.Job, "stranger")
	if err := os.WriteFile(s.VetoFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		envelope  []byte
		authentic bool
	}{{good, true}, {bad, false}, {[]byte("x"), false}} {
		got, r := s.Check(c.envelope, now)
		if got != nil || r == nil || r.Reason != Veto || r.Authentic != c.authentic {
			t.Errorf("%.20q: %+v", c.envelope, r)
		}
	}
	if err := os.Remove(s.VetoFile); err != nil {
		t.Fatal(err)
	}
	// What hinders us from seeing whether it is there counts as if it were.
	if err := os.Symlink("nowhere", s.VetoFile); err == nil {
		if _, r := s.Check(good, now); r == nil || r.Reason != Veto {
			t.Errorf("a link to nowhere: %+v", r)
		}
		if err := os.Remove(s.VetoFile); err != nil {
			t.Fatal(err)
		}
	}
	if _, r := s.Check(good, now); r != nil {
		t.Errorf("without veto: %+v", r)
	}
}

func TestTrustIsPinned(t *testing.T) {
	s := newScene(t)
	good := s.envelope(t, example(), signed.Job, "alice")
	old, err := os.ReadFile(s.TrustFile)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(s.TrustFile, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(when string) {
		t.Helper()
		if _, r := s.Check(good, now); r == nil || r.Reason != TrustChanged || r.Authentic {
			t.Errorf("%s: %+v", when, r)
		}
	}
	write(append(bytes.Clone(old), "# a comment\n"...))
	refused("changed")
	if _, err := TrustPinned(s.TrustFile, s.PinFile); !errors.Is(err, ErrNotPinned) {
		t.Errorf("changed: %v", err)
	}
	sum, err := PinTrust(s.TrustFile, s.PinFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, r := s.Check(good, now); r != nil {
		t.Errorf("pinned again: %+v", r)
	}
	pin, err := os.ReadFile(s.PinFile)
	if err != nil || string(pin) != sum+"  "+s.TrustFile+"\n" {
		t.Errorf("pin %q, %v", pin, err)
	}
	write([]byte("operator:alice what is this\n"))
	if _, err := PinTrust(s.TrustFile, s.PinFile); err == nil {
		t.Error("a trust file that cannot be read is pinned")
	}
	write(old)
	refused("the old one")
	for name, text := range map[string]string{"empty": "", "short": "abc  trust\n", "no spaces": sum} {
		if err := os.WriteFile(s.PinFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		refused("pin " + name)
	}
	if err := os.Remove(s.PinFile); err != nil {
		t.Fatal(err)
	}
	refused("no pin")
	if err := os.Remove(s.TrustFile); err != nil {
		t.Fatal(err)
	}
	refused("no trust file")
}

func TestTrustThatOthersMayWrite(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("not on linux")
	}
	s := newScene(t)
	if err := os.Chmod(s.TrustFile, 0o664); err != nil {
		t.Fatal(err)
	}
	if _, err := PinTrust(s.TrustFile, s.PinFile); err == nil {
		t.Error("it is pinned")
	}
	if _, r := s.Check(s.envelope(t, example(), signed.Job, "alice"), now); r == nil || r.Reason != TrustChanged {
		t.Errorf("it is believed: %+v", r)
	}
}

// TestConfiguredSigners: the endpoint says how many people are due.
func TestConfiguredSigners(t *testing.T) {
	s := newScene(t)
	ram := example()
	ram.Params.RAM = true
	s.Signers = map[job.Power]int{job.PowerRAM: 1, job.PowerCollect: 0}
	if _, r := s.Check(s.envelope(t, ram, signed.Job, "alice"), now); r != nil {
		t.Errorf("lowered: %+v", r)
	}
	if _, r := s.Check(s.envelope(t, example(), signed.Job), now); r == nil || r.Reason != Unsigned {
		t.Errorf("lowered to none: %+v", r)
	}
	s.Signers = map[job.Power]int{job.PowerCollect: 3}
	two := example()
	two.Approvals = []string{"bob"}
	if _, r := s.Check(s.envelope(t, two, signed.Job, "alice", "bob"), now); r == nil || r.Reason != TooFew {
		t.Errorf("raised: %+v", r)
	}
	three := example()
	three.Approvals = []string{"bob", "carol"}
	if _, r := s.Check(s.envelope(t, three, signed.Job, "alice", "bob", "carol"), now); r != nil {
		t.Errorf("raised, and met: %+v", r)
	}
}
