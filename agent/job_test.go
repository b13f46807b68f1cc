package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"hozen/collector"
	"hozen/packager"
	"hozen/packager/signed"
	"hozen/service/job"
)

// runJob runs `hozen job` and gives its exit code and what it said.
func runJob(t *testing.T, change func(*app), args ...string) (code int, out, errs string) {
	t.Helper()
	a, stdout, stderr := testApp(append([]string{"job"}, args...)...)
	if change != nil {
		change(a)
	}
	code = a.run(context.Background())
	return code, stdout.String(), stderr.String()
}

// operator makes a key file of OpenSSH, with a passphrase if one is given.
func operator(t *testing.T, dir, name, passphrase string) (file string, key ed25519.PrivateKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, name)
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, name, []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, name)
	writeTestFile(t, file, pem.EncodeToMemory(block))
	writeTestFile(t, file+".pub", ssh.MarshalAuthorizedKey(pub))
	return file, key
}

func writeTestFile(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// draft makes a job that two people must sign.
func draft(t *testing.T, dir string) (file string) {
	t.Helper()
	file = filepath.Join(dir, "case 42.job") // a name that a shell would divide
	if code, _, errs := runJob(t, nil, "new", file, "--target", "pc-42", "--operator", "alice", "--approval", "bob", "--reason", "beacon"); code != 0 {
		t.Fatal(errs)
	}
	return file
}

// Without --as the key says who signs, by its comment or its file; one that says nothing is
// the next one's. Nobody signs in the name of another whose key it says to be.
func TestJobSignerByKey(t *testing.T) {
	dir := t.TempDir()
	keys := map[string]string{}
	for _, name := range []string{"alice", "bob", "id_ed25519", "carol"} {
		keys[name], _ = operator(t, dir, name, "")
	}
	mallory := filepath.Join(dir, "m.key")
	if code, _, errs := runKey(t, "new", mallory, "--operator", "mallory"); code != 0 {
		t.Fatal(errs)
	}
	file := draft(t, dir)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := job.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key  string
		code int
		says string
	}{
		{mallory, exitUsage, "operator:mallory"},
		{keys["bob"], exitNotSealed, "the operator alice signs first"},
		{keys["id_ed25519"], exitWhole, "Signed by alice"},
		{keys["alice"], exitUsage, "operator:alice has signed already"},
		{keys["bob"], exitWhole, "Signed by bob"},
	} {
		code, out, errs := runJob(t, nil, "sign", file, "--key", c.key)
		if code != c.code || !strings.Contains(out+errs, c.says) {
			t.Errorf("%s: code %d: %s%s", c.key, code, out, errs)
		}
		if code == exitWhole && !strings.Contains(out, s.Sum()) {
			t.Errorf("what was signed is not told by its hash:\n%s", out)
		}
	}
	if _, out, _ := runJob(t, nil, "show", file); !strings.Contains(out, "SHA-256 signed   "+s.Sum()) {
		t.Errorf("the hash %s is not shown:\n%s", s.Sum(), out)
	}
}

func runKey(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	a, stdout, stderr := testApp(append([]string{"key"}, args...)...)
	code = a.run(context.Background())
	return code, stdout.String(), stderr.String()
}

func TestJobSignedWithPassphrase(t *testing.T) {
	dir := t.TempDir()
	file := draft(t, dir)
	key, _ := operator(t, dir, "alice", "secret")
	asked := ""
	answer := func(word string, err error) func(*app) {
		return func(a *app) {
			a.passphrase = func(prompt string) ([]byte, error) { asked = prompt; return []byte(word), err }
		}
	}
	for _, c := range []struct {
		word string
		err  error
		code int
	}{{"wrong", nil, exitNotSealed}, {"", errors.New("no terminal"), exitNotSealed}, {"secret", nil, exitWhole}} {
		code, _, errs := runJob(t, answer(c.word, c.err), "sign", file, "--key", key, "--as", "alice")
		if code != c.code || !strings.Contains(asked, key) || strings.Contains(errs, "secret") {
			t.Errorf("%q: code %d, asked %q: %s", c.word, code, asked, errs)
		}
	}
}

func TestJobSignedByAgent(t *testing.T) {
	dir := t.TempDir()
	file := draft(t, dir)
	ring := agent.NewKeyring()
	alice, aliceKey := operator(t, dir, "alice", "")
	bob, bobKey := operator(t, dir, "bob", "")
	stranger, _ := operator(t, dir, "stranger", "")
	if err := ring.Add(agent.AddedKey{PrivateKey: aliceKey}); err != nil {
		t.Fatal(err)
	}
	socket := agentSocket(t, ring)
	sign := func(args ...string) (int, string) {
		t.Helper()
		code, _, errs := runJob(t, func(a *app) {
			a.env = func(name string) string { return map[string]string{"SSH_AUTH_SOCK": socket}[name] }
		}, append([]string{"sign", file, "--agent"}, args...)...)
		return code, errs
	}
	if code, errs := sign("--as", "alice", "--key", stranger+".pub"); code != exitNotSealed || !strings.Contains(errs, "does not have the key") {
		t.Errorf("a key that is not there: %d %s", code, errs)
	}
	if code, errs := sign(); code != exitWhole { // alice is the next
		t.Errorf("the only key: %d %s", code, errs)
	}
	if err := ring.Add(agent.AddedKey{PrivateKey: bobKey}); err != nil {
		t.Fatal(err)
	}
	if code, errs := sign("--as", "bob"); code != exitNotSealed || !strings.Contains(errs, "it has 2 keys") {
		t.Errorf("one of two keys: %d %s", code, errs)
	}
	if code, errs := sign("--as", "bob", "--key", alice+".pub"); code != exitNotSealed || !strings.Contains(errs, "has signed already") {
		t.Errorf("the same key: %d %s", code, errs)
	}
	if code, errs := sign("--as", "bob", "--key", bob+".pub"); code != exitWhole {
		t.Errorf("the named key: %d %s", code, errs)
	}
}

// agentSocket serves a keyring as ssh-agent does.
func agentSocket(t *testing.T, ring agent.Agent) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // sockets have short names
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = agent.ServeAgent(ring, c) // ends when the other side does
			}()
		}
	}()
	return l.Addr().String()
}

// signedDraft is a job that alice and bob have signed, and a trust file that has both.
func signedDraft(t *testing.T, dir string) (file, trust string) {
	t.Helper()
	file, trust = draft(t, dir), filepath.Join(dir, "trust")
	var lines strings.Builder
	for _, name := range []string{"alice", "bob"} {
		key, private := operator(t, dir, name, "")
		pub, err := ssh.NewPublicKey(private.Public())
		if err != nil {
			t.Fatal(err)
		}
		lines.WriteString(packager.AllowedSigner("operator:"+name, pub))
		if code, _, errs := runJob(t, nil, "sign", file, "--key", key, "--as", name); code != 0 {
			t.Fatal(errs)
		}
	}
	writeTestFile(t, trust, []byte(lines.String()))
	return file, trust
}

func TestAlteredJobIsShownAsSuch(t *testing.T) {
	dir := t.TempDir()
	file, trust := signedDraft(t, dir)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := job.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	sigs := s.Envelope.Signatures
	for name, c := range map[string]struct {
		e    job.Envelope
		code int
	}{
		"as it is":         {s.Envelope, 0},
		"other text":       {job.Envelope{Payload: strings.Replace(s.Envelope.Payload, "beacon", "beakon", 1), Signatures: sigs}, 4},
		"swapped":          {job.Envelope{Payload: s.Envelope.Payload, Signatures: []string{sigs[1], sigs[0]}}, 6},
		"one for both":     {job.Envelope{Payload: s.Envelope.Payload, Signatures: []string{sigs[0], sigs[0]}}, 4},
		"one taken away":   {job.Envelope{Payload: s.Envelope.Payload, Signatures: []string{sigs[0], ""}}, 5},
		"another's places": {job.Envelope{Payload: s.Envelope.Payload, Signatures: []string{"", sigs[1]}}, 5},
	} {
		b, err := c.e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		altered := filepath.Join(dir, "altered.job")
		writeTestFile(t, altered, b)
		code, out, errs := runJob(t, nil, "show", "--json", "--trust", trust, altered)
		var r jobReport
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%s: %v: %s", name, err, errs)
		}
		if code != c.code {
			t.Errorf("%s: code %d, verdict %s, want %d", name, code, r.Verdict, c.code)
		}
	}
}

// TestHowToCheckByHand runs what job show says.
func TestHowToCheckByHand(t *testing.T) {
	for _, tool := range []string{"sh", "jq", "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
	dir := t.TempDir()
	file, trust := signedDraft(t, dir)
	_, out, _ := runJob(t, nil, "show", file)
	_, recipe, ok := strings.Cut(out, "without this program:\n")
	if !ok {
		t.Fatal(out)
	}
	c := exec.Command("sh", "-ec", strings.ReplaceAll(recipe, "TRUST", trust))
	c.Dir = dir
	said, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(said), `Good "hozen-job-v1" signature for operator:alice`) {
		t.Errorf("%v: %s\n%s", err, said, recipe)
	}
}

func TestProfileHash(t *testing.T) {
	a, _, _ := testApp()
	a.collectors = collectors
	seen := map[string]string{}
	for _, p := range collector.Profiles() {
		h, err := a.profileHash(p.Name)
		again, err2 := a.profileHash(p.Name)
		if err != nil || err2 != nil || h != again || len(h) != 64 || seen[h] != "" {
			t.Errorf("%s: %s and %s (as %q): %v %v", p.Name, h, again, seen[h], err, err2)
		}
		seen[h] = p.Name
	}
	if _, err := a.profileHash("mine"); err == nil {
		t.Error("a profile that is not there has a hash")
	}
	a.collectors = func(r request) []collector.Collector {
		all := collectors(r)
		all[0].Asked += "-else"
		return all
	}
	if h, err := a.profileHash("full"); err != nil || seen[h] != "" {
		t.Errorf("another flag, and the same hash: %v", err)
	}
	a.collectors = func(r request) []collector.Collector {
		all := collectors(r)
		all[0].Limit.Time += time.Second // each system has its own
		return all
	}
	if h, err := a.profileHash("full"); err != nil || seen[h] != "full" {
		t.Errorf("another limit of one collector, and another hash: %v", err)
	}
	m, err := a.profileMeaning("volatile")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range m.Collectors {
		if c.Volatility == "disk" {
			t.Errorf("volatile has %s", c.Name)
		}
	}
	if b, err := signed.Encode(m); err != nil || !strings.Contains(string(b), `"name":"sockets"`) {
		t.Errorf("%s %v", b, err)
	}
}
