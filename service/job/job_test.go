package job

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"hozen/packager/signed"
)

// example is a job that is as it must be.
func example() Job {
	return Job{
		Type: Type, ID: "job-20261122-053000-0badcafe", Nonce: strings.Repeat("0a", 16),
		Issued: "2026-11-22T05:30:00Z", NotBefore: "2026-11-22T05:30:00Z", Expires: "2026-11-23T05:30:00Z",
		Targets: Targets{Devices: []string{"pc-42"}}, Action: Collect,
		Profile: Profile{Name: "standard", SHA256: strings.Repeat("ab", 32)},
		Case:    "2026-042", Reason: "通信の異常 <b>&", Operator: "alice", Approvals: []string{"bob"},
	}
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// written is the envelope of a job, as a line.
func written(t testing.TB, s *Signed) []byte {
	t.Helper()
	b, err := s.Envelope.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// signedExample is the example with both signatures.
func signedExample(t testing.TB) *Signed {
	t.Helper()
	s, err := New(example())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alice", "bob"} {
		if err := s.Sign(name, newKey(t)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestSignedJobIsReadAgain(t *testing.T) {
	s := signedExample(t)
	got, err := Parse(written(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if got.Sum() != s.Sum() || got.Job.Reason != s.Job.Reason || len(got.Missing()) != 0 {
		t.Errorf("read back: %+v", got)
	}
	for i := range got.Job.Signers() {
		if _, err := got.SignedBy(i); err != nil {
			t.Errorf("signature %d: %v", i, err)
		}
	}
	if !strings.Contains(s.Envelope.Payload, "<b>&") || !strings.HasSuffix(s.Envelope.Payload, "}\n") {
		t.Errorf("payload %q", s.Envelope.Payload)
	}
}

// reasonOf is the word of an error.
func reasonOf(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	return e.Reason
}

func TestCheckRefuses(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	many := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("n%d", i))
		}
		return out
	}
	for name, c := range map[string]struct {
		change func(*Job)
		reason string
		field  string
	}{
		"type":                 {func(j *Job) { j.Type = "hozen/job/2" }, Field, "type"},
		"no id":                {func(j *Job) { j.ID = "" }, Field, "id"},
		"short id":             {func(j *Job) { j.ID = "abc" }, Field, "id"},
		"id of a path":         {func(j *Job) { j.ID = "../../etc" }, Field, "id"},
		"capital nonce":        {func(j *Job) { j.Nonce = strings.Repeat("0A", 16) }, Field, "nonce"},
		"short nonce":          {func(j *Job) { j.Nonce = "0a" }, Field, "nonce"},
		"action":               {func(j *Job) { j.Action = "shell" }, Action, "action"},
		"no action":            {func(j *Job) { j.Action = "" }, Action, "action"},
		"local time":           {func(j *Job) { j.Issued = "2026-11-22T05:30:00+09:00" }, Field, "issued"},
		"parts of seconds":     {func(j *Job) { j.Expires = "2026-11-23T05:30:00.5Z" }, Field, "expires"},
		"long ago":             {func(j *Job) { j.Issued = "1970-01-01T00:00:00Z" }, Field, "issued"},
		"no such day":          {func(j *Job) { j.NotBefore = "2026-02-30T00:00:00Z" }, Field, "not_before"},
		"begins too soon":      {func(j *Job) { j.NotBefore = "2026-11-22T05:29:59Z" }, Field, "not_before"},
		"ends at once":         {func(j *Job) { j.Expires = j.NotBefore }, Field, "expires"},
		"eight days":           {func(j *Job) { j.Expires = "2026-11-29T05:30:01Z" }, Lifetime, "expires"},
		"no target":            {func(j *Job) { j.Targets.Devices = nil }, Field, "targets"},
		"target twice":         {func(j *Job) { j.Targets.Devices = []string{"a", "a"} }, Field, "targets.devices"},
		"target all":           {func(j *Job) { j.Targets.Devices = []string{"*"} }, Field, "targets.devices"},
		"too many targets":     {func(j *Job) { j.Targets.Devices = many(1001) }, Field, "targets.devices"},
		"both":                 {func(j *Job) { j.Targets.Group, j.Targets.Digest = "web", long(64) }, Field, "targets"},
		"group alone":          {func(j *Job) { j.Targets = Targets{Group: "web"} }, Field, "targets.digest"},
		"digest alone":         {func(j *Job) { j.Targets = Targets{Digest: strings.Repeat("ab", 32)} }, Field, "targets.group"},
		"no profile":           {func(j *Job) { j.Profile = Profile{} }, Field, "profile.name"},
		"profile's hash":       {func(j *Job) { j.Profile.SHA256 = "ab" }, Field, "profile.sha256"},
		"no operator":          {func(j *Job) { j.Operator = "" }, Field, "operator"},
		"operator pattern":     {func(j *Job) { j.Operator = "ali*" }, Field, "operator"},
		"alone twice":          {func(j *Job) { j.Approvals = []string{"alice"} }, SamePerson, "approvals"},
		"in capitals":          {func(j *Job) { j.Approvals = []string{"ALICE"} }, SamePerson, "approvals"},
		"approval twice":       {func(j *Job) { j.Approvals = []string{"bob", "bob"} }, Field, "approvals"},
		"nine approvals":       {func(j *Job) { j.Approvals = many(9) }, Field, "approvals"},
		"long case":            {func(j *Job) { j.Case = long(129) }, Field, "case"},
		"escape code":          {func(j *Job) { j.Reason = "\x1b[2Jnothing" }, Field, "reason"},
		"turned around":        {func(j *Job) { j.Authority = "a\u202eb" }, Field, "authority"},
		"line separator":       {func(j *Job) { j.Evidence = "a\u2028b" }, Field, "evidence"},
		"not UTF-8":            {func(j *Job) { j.Case = "\xff" }, Field, "case"},
		"place to send to":     {func(j *Job) { j.Destination = "https://evil.example/" }, Field, "destination"},
		"recipient":            {func(j *Job) { j.Recipients = []string{"ssh-ed25519 AAAA"} }, Field, "recipients"},
		"recipient twice":      {func(j *Job) { j.Recipients = []string{anSSH, anSSH + " mine"} }, Field, "recipients"},
		"recipient, two lines": {func(j *Job) { j.Recipients = []string{anSSH + "\n" + anAge} }, Field, "recipients"},
		"a file":               {func(j *Job) { j.Recipients = []string{"/etc/hozen/lab"} }, Field, "recipients"},
		"long recipient":       {func(j *Job) { j.Recipients = []string{"age1" + long(2200)} }, Field, "recipients"},
		"collector":            {func(j *Job) { j.Params.Only = []string{"/bin/sh"} }, Field, "params.only"},
		"skip":                 {func(j *Job) { j.Params.Skip = []string{""} }, Field, "params.skip"},
		"negative time":        {func(j *Job) { j.Params.TimeLimitS = -1 }, Field, "params.time_limit_s"},
		"long capture":         {func(j *Job) { j.Params.PcapS = 7*24*3600 + 1 }, Field, "params.pcap_s"},
		"size":                 {func(j *Job) { j.Params.MaxSize = 1<<50 + 1 }, Field, "params.max_size"},
		"isolation":            {func(j *Job) { j.Params.IsolateS = MaxIsolation + 1 }, Field, "params.isolate_s"},
		"process 0":            {func(j *Job) { j.Params.Dump = []int{0} }, Field, "params.dump"},
		"process twice":        {func(j *Job) { j.Params.Dump = []int{7, 7} }, Field, "params.dump"},
		"filter":               {func(j *Job) { j.Params.Filter = "port\n53" }, Field, "params.filter"},
		"long filter":          {func(j *Job) { j.Params.Filter = long(1025) }, Field, "params.filter"},
		"two lines":            {func(j *Job) { j.Params.IOC = []string{"a\nb"} }, Field, "params.ioc"},
		"empty line":           {func(j *Job) { j.Params.IOC = []string{""} }, Field, "params.ioc"},
		"memory of what":       {func(j *Job) { j.Params.IOCMemory = true }, Field, "params.ioc_memory"},
		"cancel in passing":    {func(j *Job) { j.Params.Job = "job-1" }, Field, "params.job"},
		"isolate for ever":     {func(j *Job) { *j = bare(*j, Isolate) }, Field, "params.isolate_s"},
		"isolate with RAM":     {func(j *Job) { *j = bare(*j, Isolate); j.Params.IsolateS, j.Params.RAM = 60, true }, Field, "params"},
		"isolate profile":      {func(j *Job) { p := j.Profile; *j = bare(*j, Isolate); j.Params.IsolateS, j.Profile = 60, p }, Field, "profile"},
		"rejoin for":           {func(j *Job) { *j = bare(*j, Rejoin); j.Params.IsolateS = 60 }, Field, "params.isolate_s"},
		"rejoin sends":         {func(j *Job) { *j = bare(*j, Rejoin); j.Destination = "lab" }, Field, "destination"},
		"rejoin for whom":      {func(j *Job) { *j = bare(*j, Rejoin); j.Recipients = []string{anAge} }, Field, "recipients"},
		"cancel nothing":       {func(j *Job) { *j = bare(*j, Cancel) }, Field, "params.job"},
		"cancel by path":       {func(j *Job) { *j = bare(*j, Cancel); j.Params.Job = "/etc/passwd" }, Field, "params.job"},
	} {
		t.Run(name, func(t *testing.T) {
			j := example()
			c.change(&j)
			_, err := New(j)
			var e *Error
			if !errors.As(err, &e) || e.Reason != c.reason || e.Field != c.field {
				t.Errorf("%v (reason %s), want %s of %s", err, reasonOf(err), c.reason, c.field)
			}
		})
	}
}

// bare is a job of another action, without what a collection has.
func bare(j Job, action string) Job {
	j.Action, j.Profile, j.Params = action, Profile{}, Params{}
	return j
}

func TestEveryActionHasItsJob(t *testing.T) {
	for name, change := range map[string]func(*Job){
		"all of collect": func(j *Job) {
			j.Params = Params{Only: []string{"sockets"}, Skip: []string{"disk"}, TimeLimitS: 60, RAM: true, Swap: true, Dump: []int{1, 2}, PcapS: 30, Filter: "port 53",
				IOC: []string{"evil.example", "sha256\tab"}, IOCMemory: true, Integrity: true, MaxSize: 1 << 30, IsolateS: 3600}
			j.Recipients, j.Destination = []string{anAge, anSSH + " lab (室)"}, "lab"
		},
		"group":   func(j *Job) { j.Targets = Targets{Group: "web", Digest: GroupDigest([]string{"a"})} },
		"isolate": func(j *Job) { *j = bare(*j, Isolate); j.Params.IsolateS = 8 * 3600 },
		"rejoin":  func(j *Job) { *j = bare(*j, Rejoin) },
		"cancel":  func(j *Job) { *j = bare(*j, Cancel); j.Params.Job = "job-1" },
	} {
		j := example()
		change(&j)
		s, err := New(j)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := Parse(written(t, s)); err != nil {
			t.Errorf("%s: read back: %v", name, err)
		}
	}
}

// TestParseHasOneEncoding changes the bytes of a good envelope without changing what a
// lenient reader would read.
func TestParseHasOneEncoding(t *testing.T) {
	s := signedExample(t)
	good := string(written(t, s))
	payload := func(from, to string) string {
		p := strings.Replace(s.Envelope.Payload, from, to, 1)
		if p == s.Envelope.Payload {
			t.Fatalf("%q is not in the payload", from)
		}
		b, err := Envelope{p, s.Envelope.Signatures}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, c := range map[string]struct{ text, reason string }{
		"nothing":             {"", Encoding},
		"null":                {"null\n", Encoding},
		"a list":              {"[]\n", Encoding},
		"no newline":          {strings.TrimSuffix(good, "\n"), Encoding},
		"two of them":         {good + good, Encoding},
		"spaces":              {" " + good, Encoding},
		"space within":        {strings.Replace(good, ":", ": ", 1), Encoding},
		"an escape":           {strings.Replace(good, "payload", `pa\u0079load`, 1), Encoding},
		"capitals":            {strings.Replace(good, "payload", "Payload", 1), Encoding},
		"unknown field":       {strings.Replace(good, "}\n", `,"shell":"id"}`+"\n", 1), Unknown},
		"no signatures":       {strings.Replace(good, `"signatures":[`, `"signatures":null,"x":[`, 1), Unknown},
		"payload: unknown":    {payload(`"nonce":`, `"command":"id","nonce":`), Unknown},
		"payload: in params":  {payload(`"ram":false`, `"path":"/etc","ram":false`), Unknown},
		"payload: twice":      {payload(`"action":"collect"`, `"action":"rejoin","action":"collect"`), Encoding},
		"payload: reordered":  {payload(`"operator":"alice","approvals":["bob"]`, `"approvals":["bob"],"operator":"alice"`), Encoding},
		"payload: missing":    {payload(`"evidence":"",`, ``), Encoding},
		"payload: null":       {payload(`"skip":[]`, `"skip":null`), Encoding},
		"payload: capitals":   {payload(`"case":`, `"Case":`), Encoding},
		"payload: number":     {payload(`"pcap_s":0`, `"pcap_s":0.0`), Encoding},
		"payload: no newline": {payload("}\n", "}"), Encoding},
		"payload: two":        {payload("}\n", "}\n{}\n"), Encoding},
		"payload: nothing":    {payload(s.Envelope.Payload, "null\n"), Encoding},
	} {
		if _, err := Parse([]byte(c.text)); reasonOf(err) != c.reason {
			t.Errorf("%s: %v, want %s", name, err, c.reason)
		}
	}
}

func TestParseBoundsSignatures(t *testing.T) {
	s := signedExample(t)
	for name, sigs := range map[string][]string{
		"one too few": {s.Envelope.Signatures[0]}, "one too many": append(slices.Clone(s.Envelope.Signatures), ""),
		"no armor": {"sig", ""}, "huge": {signed.ArmorBegin + strings.Repeat("A", maxSignature) + "\n" + signed.ArmorEnd, ""},
	} {
		b, err := Envelope{s.Envelope.Payload, sigs}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(b); reasonOf(err) != Encoding {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSize(t *testing.T) {
	j := example()
	for i := range 1000 {
		j.Params.IOC = append(j.Params.IOC, fmt.Sprintf("%064d", i))
	}
	if _, err := New(j); reasonOf(err) != Size {
		t.Errorf("a large job is made: %v", err)
	}
	if _, err := Parse(bytes.Repeat([]byte("x"), MaxEnvelope+1)); reasonOf(err) != Size {
		t.Errorf("a large envelope: %v", err)
	}
	if _, err := Parse(bytes.Repeat([]byte("x"), MaxEnvelope)); reasonOf(err) != Encoding {
		t.Errorf("of just the size: %v", err)
	}
}

func TestSigningOrder(t *testing.T) {
	s, err := New(example())
	if err != nil {
		t.Fatal(err)
	}
	alice, bob := newKey(t), newKey(t)
	for _, step := range []struct {
		as   string
		key  ed25519.PrivateKey
		fits bool
	}{{"bob", bob, false}, {"mallory", bob, false}, {"operator:alice", alice, false}, {"alice", alice, true}, {"alice", bob, false}, {"bob", alice, false}, {"bob", bob, true}} {
		err := s.Sign(step.as, step.key)
		if (err == nil) != step.fits || err != nil && !errors.Is(err, ErrSigner) {
			t.Errorf("as %s: %v", step.as, err)
		}
	}
	if len(s.Missing()) != 0 {
		t.Errorf("missing: %v", s.Missing())
	}
}

func TestAgentSigns(t *testing.T) {
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: newKey(t)}); err != nil {
		t.Fatal(err)
	}
	signers, err := ring.Signers()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(example())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SignBy("alice", bySSH(t, signers[0])); err != nil {
		t.Fatal(err)
	}
	key, err := s.SignedBy(0)
	if err != nil || ssh.FingerprintSHA256(key) != ssh.FingerprintSHA256(signers[0].PublicKey()) {
		t.Errorf("signed by %v: %v", key, err)
	}
}

func TestSignatureOfAnotherPurposeOrJob(t *testing.T) {
	s := signedExample(t)
	sig, err := signed.Sign(newKey(t), signed.Event, []byte(s.Envelope.Payload))
	if err != nil {
		t.Fatal(err)
	}
	other := signedExample(t)
	other.Envelope.Payload = strings.Replace(other.Envelope.Payload, "pc-42", "pc-43", 1)
	if _, err := other.SignedBy(0); !errors.Is(err, signed.ErrSignature) {
		t.Errorf("of another job: %v", err)
	}
	s.Envelope.Signatures[0] = string(sig)
	if _, err := s.SignedBy(0); !errors.Is(err, ErrNamespace) {
		t.Errorf("of another purpose: %v", err)
	}
}

func TestPowers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Job)
		want   string
	}{
		"plain":         {func(*Job) {}, "collect"},
		"ram":           {func(j *Job) { j.Params.RAM = true }, "collect ram"},
		"swap":          {func(j *Job) { j.Params.Swap = true }, "collect ram"},
		"named":         {func(j *Job) { j.Params.Only = []string{"ram"} }, "collect ram"},
		"dump":          {func(j *Job) { j.Params.Dump = []int{1} }, "collect memory"},
		"ioc":           {func(j *Job) { j.Params.IOC = []string{"a"} }, "collect"},
		"ioc in memory": {func(j *Job) { j.Params.IOC, j.Params.IOCMemory = []string{"a"}, true }, "collect memory"},
		"full":          {func(j *Job) { j.Profile.Name = "full" }, "collect ram memory"},
		"isolating":     {func(j *Job) { j.Params.IsolateS = 1 }, "collect isolate"},
		"isolate":       {func(j *Job) { j.Action = Isolate }, "isolate"},
		"rejoin":        {func(j *Job) { j.Action = Rejoin }, "isolate"},
		"cancel":        {func(j *Job) { j.Action = Cancel }, "cancel"},
	} {
		j := example()
		c.change(&j)
		if got := strings.Trim(fmt.Sprint(Powers(j)), "[]"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for p, want := range map[Power]int{PowerCollect: 1, PowerRAM: 2, PowerMemory: 2, PowerIsolate: 2, PowerCancel: 1} {
		if DefaultSigners(p) != want || !slices.Contains(AllPowers(), p) {
			t.Errorf("%s: %d signers", p, DefaultSigners(p))
		}
	}
}

func TestGroupDigest(t *testing.T) {
	// printf 'pc-1\npc-2\n' | sha256sum
	const want = "4156873fbe8a55cf1e5b0c7fc5be75f147408d67ab1a201453851250eb6fae78"
	if got := GroupDigest([]string{"pc-2", "pc-1", "pc-2"}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestIDs(t *testing.T) {
	now := time.Date(2026, 11, 22, 5, 30, 0, 999, time.FixedZone("JST", 9*3600))
	id, err := NewID(now, bytes.NewReader([]byte{1, 2, 3, 4}))
	if err != nil || id != "job-20261121-203000-01020304" || !idPattern.MatchString(id) {
		t.Errorf("id %s, %v", id, err)
	}
	a, errA := NewNonce(nil)
	b, errB := NewNonce(nil)
	if errA != nil || errB != nil || a == b || !noncePattern.MatchString(a) {
		t.Errorf("nonces %s %s: %v %v", a, b, errA, errB)
	}
	if got := Time(now); got != "2026-11-21T20:30:00Z" {
		t.Errorf("time %s", got)
	}
}

// FuzzParse: what is read has one encoding, and can be made anew.
func FuzzParse(f *testing.F) {
	s := signedExample(f)
	f.Add(written(f, s))
	s.Envelope.Signatures = []string{"", ""}
	f.Add(written(f, s))
	f.Add([]byte(`{"payload":"{}\n","signatures":[]}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || s != nil {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if again := written(t, s); !bytes.Equal(again, b) {
			t.Fatalf("two encodings:\n%q\n%q", b, again)
		}
		made, err := New(s.Job)
		if reasonOf(err) == Size {
			return
		}
		if err != nil || made.Envelope.Payload != s.Envelope.Payload {
			t.Fatalf("made anew: %v %q", err, made.Envelope.Payload)
		}
		for i := range s.Envelope.Signatures {
			_, _ = s.SignedBy(i) // must not panic
		}
		Powers(s.Job)
	})
}

// TestExampleOfTheProtocol: what PROTOCOL.md shows is a job.
func TestExampleOfTheProtocol(t *testing.T) {
	text, err := os.ReadFile("../PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "```job\n")
	payload, _, ok2 := strings.Cut(after, "```")
	if !ok || !ok2 {
		t.Fatal("no example")
	}
	b, err := Envelope{payload, []string{"", ""}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(b); err != nil {
		t.Error(err)
	}
}

func bySSH(t *testing.T, s ssh.Signer) signed.Signer {
	t.Helper()
	by, err := signed.ByCertificate(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// Public keys that nobody has the other half of.
const (
	anAge = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	anSSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0OYEge/M5VowSDTsTIXcp5BcesFsZ7ohrQ1vXb8Du4"
)
