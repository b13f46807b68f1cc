package cipher

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"
)

// party makes a recipient and its identity.
func party(t testing.TB, quantum bool) (string, []age.Identity) {
	t.Helper()
	identity, recipient, err := Generate(quantum)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := Identities([]byte("# comment\n"+identity+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return recipient, ids
}

func encrypt(t testing.TB, plain []byte, to ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, to)
	if err != nil {
		t.Fatal(err)
	}
	if w.Head() != int64(b.Len()) {
		t.Fatalf("head of %d bytes, %d written", w.Head(), b.Len())
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func noise(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// Every kind of key opens what was encrypted to it, at every length around a chunk.
func TestRoundTrip(t *testing.T) {
	x, xi := party(t, false)
	q, qi := party(t, true)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, edi := sshParty(t, edKey, edKey.Public(), "")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	r, ri := sshParty(t, rsaKey, rsaKey.Public(), "open sesame")
	for _, n := range []int{0, 1, ChunkSize - 1, ChunkSize, ChunkSize + 1, 3 * ChunkSize, 200_000} {
		plain := noise(t, n)
		for _, c := range []struct {
			to  []string
			ids []age.Identity
		}{{[]string{x}, xi}, {[]string{q}, qi}, {[]string{x, ed}, edi}, {[]string{r, x}, ri}, {[]string{ed, x}, xi}} {
			file := encrypt(t, plain, c.to...)
			got, err := strictly(file, c.ids)
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%d bytes to %.10s: %v", n, c.to, err)
			}
			if _, err := strictly(file, qi); c.to[0] != q && !errors.Is(err, ErrIdentity) {
				t.Errorf("another identity: %v", err)
			}
		}
	}
}

func sshParty(t *testing.T, private, public any, pass string) (string, []age.Identity) {
	t.Helper()
	pub, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	to, err := Canonical(string(ssh.MarshalAuthorizedKey(pub)[:len(ssh.MarshalAuthorizedKey(pub))-1]) + " somebody@here\n")
	if err != nil || strings.Contains(to, "somebody") {
		t.Fatal(to, err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if pass != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(pass))
	}
	if err != nil {
		t.Fatal(err)
	}
	ids, err := Identities(pem.EncodeToMemory(block), func() ([]byte, error) { return []byte(pass), nil })
	if err != nil {
		t.Fatal(err)
	}
	return to, ids
}

// A file cut at any byte gives the plain bytes that are there, and says that it has no end.
func TestCutAnywhere(t *testing.T) {
	to, ids := party(t, false)
	plain := noise(t, 3*ChunkSize+100)
	file := encrypt(t, plain, to)
	head := len(file) - len(plain) - 4*tagSize
	for cut := 0; cut < len(file); cut += 1 + (cut%7)*997 {
		r, err := Open(bytes.NewReader(file[:cut]), int64(cut), ids)
		if cut < head {
			if !errors.Is(err, ErrHeader) {
				t.Fatalf("cut at %d in the header: %v", cut, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		whole := (cut - head) / chunk * ChunkSize
		if err != nil || len(got) < whole || !bytes.Equal(got[:whole], plain[:whole]) || r.Whole() || r.FailedAt() >= 0 {
			t.Fatalf("cut at %d: %d bytes, whole %v, failed at %d: %v", cut, len(got), r.Whole(), r.FailedAt(), err)
		}
	}
}

// Zeros behind the end, as direct output leaves them, are no part of the file.
func TestZerosBehindTheEnd(t *testing.T) {
	to, ids := party(t, false)
	for _, n := range []int{0, 10, ChunkSize, ChunkSize + 1} {
		plain := noise(t, n)
		file := encrypt(t, plain, to)
		for _, zeros := range []int{1, 16, 4096, 100_000} {
			r, err := Open(bytes.NewReader(append(bytes.Clone(file), make([]byte, zeros)...)), int64(len(file)+zeros), ids)
			if err != nil || !r.Whole() || r.End() != int64(len(file)) || r.Size() != int64(n) {
				t.Errorf("%d bytes and %d zeros: %v, %+v", n, zeros, err, r)
			}
		}
	}
}

// Chunks that were taken out, put in or changed places are found to be that.
func TestMoved(t *testing.T) {
	to, ids := party(t, false)
	file := encrypt(t, noise(t, 5*ChunkSize+1000), to)
	head := len(file) - 5*chunk - 1000 - tagSize
	part := func(i int) []byte { return file[head+i*chunk : min(head+(i+1)*chunk, len(file))] }
	join := func(list ...int) []byte {
		b := bytes.Clone(file[:head])
		for _, i := range list {
			b = append(b, part(i)...)
		}
		return b
	}
	for name, c := range map[string]struct {
		file     []byte
		at, from int64
		found    bool
	}{
		"untouched":    {file, 0, 0, false},
		"cut":          {file[:len(file)-3*chunk-50], 0, 0, false},
		"removed":      {join(0, 2, 3, 4, 5), 1, 2, true},
		"removed most": {join(0, 5), 1, 5, true},
		"swapped":      {join(0, 2, 1, 3, 4, 5), 1, 2, true},
		"doubled":      {join(0, 1, 1, 2, 3, 4, 5), 2, 1, true},
	} {
		r, err := Open(bytes.NewReader(c.file), int64(len(c.file)), ids)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, io.NewSectionReader(r, 0, r.Size())); err != nil {
			t.Fatal(err)
		}
		at, from, found, err := r.Moved()
		if err != nil || at != c.at || from != c.from || found != c.found {
			t.Errorf("%s: chunk %d is that of place %d: %v, %v", name, at, from, found, err)
		}
	}
}

// Any bit that is turned is found.
func TestFlips(t *testing.T) {
	to, ids := party(t, false)
	file := encrypt(t, noise(t, 2*ChunkSize+300), to)
	for i := 0; i < len(file); i += 1 + i/50 {
		b := bytes.Clone(file)
		b[i] ^= 1 << (i % 8)
		if _, err := strictly(b, ids); err == nil {
			t.Errorf("bit %d of byte %d turned: nobody saw", i%8, i)
		}
	}
}

func TestRecipientsRefused(t *testing.T) {
	x, _ := party(t, false)
	q, _ := party(t, true)
	if _, err := Recipients([]string{x, q}); !errors.Is(err, ErrMixed) {
		t.Errorf("mixed: %v", err)
	}
	for name, list := range map[string][]string{
		"none": {}, "twice": {x, x}, "a word": {"alice"}, "an identity": {"AGE-SECRET-KEY-1" + strings.Repeat("Q", 58)}, "two lines": {x + "\n" + x},
		"with spaces": {" " + x}, "upper case": {strings.ToUpper(x)},
	} {
		if _, err := Recipients(list); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	list, err := ReadRecipients(strings.NewReader("# who\n\n" + x + "\n  \n"))
	if err != nil || len(list) != 1 || list[0] != x {
		t.Errorf("file: %v %v", list, err)
	}
	for _, text := range []string{"", "# nobody\n", x + "\nnonsense\n"} {
		if _, err := ReadRecipients(strings.NewReader(text)); err == nil {
			t.Errorf("%q: accepted", text)
		}
	}
}

// What is said of a file that is no identity holds nothing of it.
func TestIdentitiesRefused(t *testing.T) {
	for _, file := range []string{"", "secret words", "AGE-SECRET-KEY-1SECRETWORDS", "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret words\n"} {
		_, err := Identities([]byte(file), func() ([]byte, error) { return nil, errors.New("asked") })
		if err == nil || strings.Contains(strings.ToLower(err.Error()), "secret words") || strings.Contains(err.Error(), "SECRETWORDS") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

// An identity file that `age -p` encrypted opens with its passphrase.
func TestIdentityWithPassphrase(t *testing.T) {
	identity, to, err := Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	pass, err := age.NewScryptRecipient("correct")
	if err != nil {
		t.Fatal(err)
	}
	pass.SetWorkFactor(2)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, pass)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, identity+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ids, err := Identities(b.Bytes(), func() ([]byte, error) { return []byte("correct"), nil })
	if err != nil {
		t.Fatal(err)
	}
	if got, err := strictly(encrypt(t, []byte("x"), to), ids); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := Identities(b.Bytes(), func() ([]byte, error) { return []byte("wrong"), nil }); err == nil {
		t.Error("a wrong passphrase was taken")
	}
}

// FuzzOpen: whatever a file holds, reading it ends, and gives no more bytes than are there.
func FuzzOpen(f *testing.F) {
	to, ids := party(f, false)
	file := encrypt(f, bytes.Repeat([]byte("plain "), 20_000), to)
	f.Add(file, uint32(0), uint32(0))
	f.Add(file, uint32(70_000), uint32(3))
	f.Add([]byte("age-encryption.org/v1\n-> X25519 a\n"), uint32(0), uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, cut, flip uint32) {
		for _, in := range [][]byte{b, bytes.Clone(file[:len(file)-int(cut)%len(file)])} {
			if len(in) > 0 {
				in = bytes.Clone(in)
				in[int(flip)%len(in)] ^= byte(flip >> 8)
			}
			r, err := Open(bytes.NewReader(in), int64(len(in)), ids)
			if err != nil {
				continue
			}
			n, err := io.Copy(io.Discard, io.NewSectionReader(r, 0, r.Size()))
			if err != nil || n != r.Size() || n > int64(len(in)) {
				t.Fatalf("%d of %d bytes of %d: %v", n, r.Size(), len(in), err)
			}
			if _, _, _, err := r.Moved(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What is cut off may be the recipient who must be able to open it all: that is an error.
func TestLongFileOfRecipients(t *testing.T) {
	_, one, err := Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	file := one + "\n" + strings.Repeat("#\n", maxFile/2) + one + "\n"
	if list, err := ReadRecipients(strings.NewReader(file)); err == nil {
		t.Errorf("%d recipients of a file that was cut", len(list))
	}
}
