package deliver

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// content is data that does not repeat, the same for the same seed.
func content(seed uint64, size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

func sumOf(b []byte) string { return hex.EncodeToString(sha256of(b)) }

func fileOf(name string, b []byte) File {
	return File{Name: name, ReaderAt: bytes.NewReader(b), Size: int64(len(b)), SHA256: sumOf(b)}
}

// TestDestinations holds every kind of destination to the same rules.
func TestDestinations(t *testing.T) {
	for kind, make := range peers() {
		t.Run(kind, func(t *testing.T) {
			p := make(t, t.TempDir())
			for _, c := range []struct {
				name string
				test func(*testing.T, *peer)
			}{
				{"try", testTry}, {"whole", testWhole}, {"empty", testEmpty}, {"again", testAgain}, {"resume", testResume}, {"stream", testStream},
				{"spoilt", testSpoilt}, {"no overwrite", testNoOverwrite}, {"wrong hash", testWrongHash}, {"wrong size", testWrongSize},
				{"names", testNames}, {"cut", testCut}, {"cancel", testCancel}, {"who", testWho}, {"read back", testReadBack},
			} {
				t.Run(c.name, func(t *testing.T) { c.test(t, p) })
			}
		})
	}
}

func testTry(t *testing.T, p *peer) {
	if err := p.open(t).Try(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name := range p.files(t) {
		if strings.Contains(name, "try") {
			t.Errorf("left behind: %s", name)
		}
	}
}

// vacant takes away what an earlier test left where there is room for one file only.
func vacant(t *testing.T, p *peer) {
	if p.vacate != nil {
		if err := p.vacate(); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

func send(t *testing.T, d Destination, name string, b []byte) Sent {
	t.Helper()
	s, err := Send(t.Context(), d, fileOf(name, b), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Size != int64(len(b)) || s.SHA256 != sumOf(b) {
		t.Errorf("%s: %+v", name, s)
	}
	return s
}

func arrived(t *testing.T, p *peer, name string, b []byte) {
	t.Helper()
	got, err := p.whole(name)
	if err != nil || !bytes.Equal(got, b) {
		t.Errorf("%s: %d bytes arrived, want %d; %v", name, len(got), len(b), err)
	}
}

func testWhole(t *testing.T, p *peer) {
	for i, size := range []int{1, 5000, 1 << 20, 20<<20 + 17} {
		vacant(t, p)
		b, name := content(uint64(i), size), "whole-"+string(rune('a'+i))+".tar.zst"
		send(t, p.open(t), name, b)
		arrived(t, p, name, b)
	}
}

func testEmpty(t *testing.T, p *peer) {
	vacant(t, p)
	send(t, p.open(t), "empty.tar.zst", nil)
	arrived(t, p, "empty.tar.zst", nil)
}

// What was sent may be sent again: a crash can come between the end and our note of it.
func testAgain(t *testing.T, p *peer) {
	vacant(t, p)
	b := content(9, 300_000)
	for range 2 {
		send(t, p.open(t), "again.tar.zst", b)
		arrived(t, p, "again.tar.zst", b)
	}
}

// killed writes the beginning of a file and is never heard of again.
func killed(t *testing.T, p *peer, name string, b []byte, n int) {
	t.Helper()
	d := p.open(t)
	u, err := d.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for at := int(u.Offset()); at < n; {
		k := min(n-at, 200_000)
		if err := u.Write(t.Context(), b[at:at+k]); err != nil {
			t.Fatal(err)
		}
		at += k
	}
	if err := u.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if u.Offset() != int64(n) {
		t.Errorf("%s: %d bytes acknowledged after a flush at %d", name, u.Offset(), n)
	}
	Close(d)
}

func testResume(t *testing.T, p *peer) {
	if !p.resumes {
		return // a single PUT begins anew
	}
	b := content(3, 18<<20+5)
	for i, n := range []int{1, 100_000, 6 << 20, 8 << 20, 16<<20 + 1, len(b)} {
		name := "resume-" + string(rune('a'+i)) + ".tar.zst"
		killed(t, p, name, b, n)
		if _, err := p.whole(name); err == nil {
			t.Errorf("%s: has its name though it is not ended", name)
		}
		s := send(t, p.open(t), name, b)
		if n >= 8<<20 && s.From < 5<<20 {
			t.Errorf("%s: stopped at %d, went on at %d", name, n, s.From)
		}
		arrived(t, p, name, b)
	}
}

// A file that grows, whose size nobody knows, flushed at odd places, opened anew on the way.
func testStream(t *testing.T, p *peer) {
	b := content(4, 21<<20+3)
	d := p.open(t)
	u, err := d.Open(t.Context(), "stream.tar.zst")
	if err != nil {
		t.Fatal(err)
	}
	if !p.resumes {
		if err := u.Write(t.Context(), b[:10]); !errors.Is(err, ErrNeedsSize) {
			t.Errorf("streamed to what takes whole files: %v", err)
		}
		return
	}
	for at, i := 0, 0; at < len(b); i++ {
		n := min(len(b)-at, 1+i*i*4_000)
		if err := u.Write(t.Context(), b[at:at+n]); err != nil {
			t.Fatal(err)
		}
		at += n
		if i%3 == 0 {
			if err := u.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if u.Offset() != int64(at) {
				t.Fatalf("%d acknowledged of %d", u.Offset(), at)
			}
		}
		if i == 30 || i == 50 {
			if u, err = d.Open(t.Context(), "stream.tar.zst"); err != nil {
				t.Fatal(err)
			}
			u.(Resumer).Rewind(int64(at) - 3)
			if u.Offset() > int64(at)-3 || int64(at)-u.Offset() > 16<<20 {
				t.Fatalf("opened anew at %d of %d", u.Offset(), at)
			}
			at = int(u.Offset())
		}
	}
	if err := u.Commit(t.Context(), int64(len(b)), sumOf(b)); err != nil {
		t.Fatal(err)
	}
	arrived(t, p, "stream.tar.zst", b)
}

// Other bytes than ours are stored where we stopped: they are not gone on from.
func testSpoilt(t *testing.T, p *peer) {
	if p.spoil == nil {
		return // nobody can touch what is not ended
	}
	b := content(5, 9<<20)
	killed(t, p, "spoilt.tar.zst", b, 8<<20+5)
	p.spoil(t, "spoilt.tar.zst")
	send(t, p.open(t), "spoilt.tar.zst", b)
	arrived(t, p, "spoilt.tar.zst", b)
	// And what is stored is longer than what we have.
	killed(t, p, "longer.tar.zst", b, 8<<20+5)
	send(t, p.open(t), "longer.tar.zst", b[:3<<20])
	arrived(t, p, "longer.tar.zst", b[:3<<20])
}

func testNoOverwrite(t *testing.T, p *peer) {
	vacant(t, p)
	theirs := content(6, 4000)
	if err := p.plant("theirs.tar.zst", theirs); err != nil {
		t.Fatal(err)
	}
	for _, ours := range [][]byte{content(7, 4000), content(7, 9000), content(7, 10), theirs[:3000]} {
		_, err := Send(t.Context(), p.open(t), fileOf("theirs.tar.zst", ours), nil)
		if !errors.Is(err, ErrDiffers) {
			t.Errorf("%d bytes over theirs: %v", len(ours), err)
		}
		arrived(t, p, "theirs.tar.zst", theirs)
	}
}

func testWrongHash(t *testing.T, p *peer) {
	vacant(t, p)
	b := content(8, 100_000)
	u, err := p.open(t).Open(t.Context(), "wrong.tar.zst")
	if err != nil {
		t.Fatal(err)
	}
	if z, ok := u.(Sizer); ok {
		z.SetSize(int64(len(b)))
	}
	if err := u.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := u.Commit(t.Context(), int64(len(b)), sumOf(b[1:])); !errors.Is(err, ErrDiffers) {
		t.Errorf("a wrong hash: %v", err)
	}
	if _, err := p.whole("wrong.tar.zst"); err == nil && p.resumes {
		t.Error("it has its name")
	}
	_, err = Send(t.Context(), p.open(t), File{Name: "changed.tar.zst", ReaderAt: bytes.NewReader(b), Size: int64(len(b)), SHA256: sumOf(b[1:])}, nil)
	if !errors.Is(err, ErrChanged) {
		t.Errorf("a file that is not what it was: %v", err)
	}
}

func testWrongSize(t *testing.T, p *peer) {
	vacant(t, p)
	b := content(10, 100_000)
	u, err := p.open(t).Open(t.Context(), "size.tar.zst")
	if err != nil {
		t.Fatal(err)
	}
	if z, ok := u.(Sizer); ok {
		z.SetSize(int64(len(b)))
	}
	if err := u.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := u.Commit(t.Context(), int64(len(b))-1, sumOf(b[:len(b)-1])); err == nil {
		t.Error("a wrong size was taken")
	}
}

func testNames(t *testing.T, p *peer) {
	for _, name := range []string{"", "..", "a/b", "../a", ".hidden", "a\nb", "a b", strings.Repeat("a", 300), "ä"} {
		if _, err := p.open(t).Open(t.Context(), name); err == nil {
			t.Errorf("%q: taken", name)
		}
	}
}

// The connection breaks after so many bytes: an error, soon, and the next try goes on.
func testCut(t *testing.T, p *peer) {
	if p.link == nil {
		return // there is no connection
	}
	b := content(11, 17<<20)
	for i, n := range []int64{10, 3000, 100_000, 9 << 20, 14 << 20} {
		vacant(t, p)
		name := "cut-" + string(rune('a'+i)) + ".tar.zst"
		p.link.allow(n)
		if s, err := Send(t.Context(), p.open(t), fileOf(name, b), nil); err == nil {
			t.Errorf("cut after %d bytes: %+v", n, s)
		} else if errors.Is(err, ErrDiffers) || errors.Is(err, ErrCredentials) {
			t.Errorf("cut after %d bytes: taken for what it is not: %v", n, err)
		}
		p.link.allow(-1)
		p.link.cut()
		send(t, p.open(t), name, b)
		arrived(t, p, name, b)
	}
}

// A destination that says nothing is given up, and so is one that the caller gives up.
func testCancel(t *testing.T, p *peer) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Send(ctx, p.open(t), fileOf("cancel.tar.zst", content(12, 1000)), nil); err == nil {
		t.Error("done though nobody wants it any more")
	}
	if p.link == nil {
		return
	}
	mute := newMute(t)
	q := *p
	q.place.Port, q.options.Stall = mute, 200*time.Millisecond
	if err := q.open(t).Try(t.Context()); err == nil {
		t.Error("a destination that says nothing")
	}
}

// Who we are, and who they are.
func testWho(t *testing.T, p *peer) {
	if p.link == nil {
		return // there is nobody
	}
	q := *p
	q.options.Credentials = wrongCredentials(t, q.options.Credentials)
	if _, err := Send(t.Context(), q.open(t), fileOf("who.tar.zst", content(13, 10)), nil); !errors.Is(err, ErrCredentials) {
		t.Errorf("with wrong credentials: %v", err)
	} else if strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("shown: %v", err)
	}
	q = *p
	q.options.Pin, q.options.CAFile = strings.Repeat("0", 64), ""
	if err := q.open(t).Try(t.Context()); err == nil || errors.Is(err, ErrCredentials) {
		t.Errorf("another server: %v", err)
	}
	q.options.Pin = ""
	if err := q.open(t).Try(t.Context()); err == nil || errors.Is(err, ErrCredentials) {
		t.Errorf("a server that nothing vouches for: %v", err)
	}
}

func testReadBack(t *testing.T, p *peer) {
	vacant(t, p)
	q := *p
	q.options.ReadBack = true
	if s := send(t, q.open(t), "back.tar.zst", content(14, 9<<20)); s.Proof != ReadBack {
		t.Errorf("proof %q", s.Proof)
	}
}

// newMute listens, takes connections and says nothing.
func newMute(t *testing.T) (port int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
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
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func wrongCredentials(t *testing.T, c Credentials) Credentials {
	if c.KeyFile != "" {
		_, c.KeyFile = sshKey(t)
	}
	if c.Bearer != "" {
		c.Bearer = "wr0ng"
	}
	if c.AccessKey != "" {
		c.SecretKey = "wr0ng"
	}
	return c
}
