package packager

import (
	"bytes"
	"context"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"filippo.io/age"

	"hozen/packager/cipher"
)

// Whatever somebody without the keys does to the bytes of an encrypted archive (its header,
// stanzas, chunks, its end) and however much of its log is left: no verification crashes,
// hangs or takes much memory, and none believes bytes that the agent did not write.
func FuzzVerifyEncrypted(f *testing.F) {
	w := newGoldenCipher(f)
	n, head := uint32(len(w.archive)), uint32(w.head)
	chunk := uint32(cipher.ChunkSize + 16)
	for _, seed := range []struct {
		op       byte
		at, more uint32
		with     string
	}{
		{opXor, 0, 1, ""}, {opXor, 30, 3, ""}, {opXor, head - 20, 1, ""}, {opXor, head - 1, 7, ""}, {opXor, head, 0, ""}, {opXor, head + chunk - 1, 2, ""}, {opXor, n - 1, 0, ""}, {opXor, n - 17, 0, ""},
		{opCut, 0, 0, ""}, {opCut, head - 16, 0, ""}, {opCut, head + chunk, 0, ""}, {opCut, head + chunk + 1, 0, ""}, {opCut, n - 1, 0, ""}, {opCut, n - 16, 0, ""}, {opCut, n - 100, 0, ""}, {opCut, n - 3000, 0, ""},
		{opAppend, 0, 5000, "\x00"}, {opAppend, 0, 1, "x"}, {opAppend, 0, 3, "-> X25519 a\n"}, {opCutAppend, n - 5, 60, "\x00"}, {opCutAppend, n - 20, 4, "\x00"}, {opCutAppend, n - 120, 300, "\x00"},
		{opSwap, 0, 1, ""}, {opSwap, 1, 2, ""}, {opSwap, 0, 0, ""}, {opRemove, head, chunk, ""}, {opRemove, head + chunk, chunk, ""}, {opRemove, head + 5, 16, ""}, {opRemove, n - 40, 7, ""},
		{opOver, 22, 0, "-> ssh-ed25519 AAAA"}, {opInsert, 22, 0, "-> grease\n\n"}, {opInsert, head - 60, 0, "-> X25519 a b c\nAAAA\n"}, {opInsert, head, 0, "\x00"},
		{opHeader, 0, 0, "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 99\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"},
		{opHeader, 0, 0, "age-encryption.org/v2\n"}, {opWhole, 0, 0, "age-encryption.org/v1\n-> X25519 a\n"}, {opWhole, 0, 40_000, "age-encryption.org/v1\n-> a\n\n"}, {opWhole, 0, 0, ""},
	} {
		f.Add(seed.op, seed.at, seed.more, []byte(seed.with), byte(255))
		if seed.op == opCut || seed.op == opAppend || seed.op == opCutAppend {
			f.Add(seed.op, seed.at, seed.more, []byte(seed.with), byte(0))
			f.Add(seed.op, seed.at, seed.more, []byte(seed.with), byte(2))
		}
	}
	_, _, stranger := party(f)
	f.Fuzz(func(t *testing.T, op byte, at, more uint32, with []byte, lines byte) {
		b := w.mutated(op, at, more, with)
		before := allocated()
		for _, ids := range [][]age.Identity{nil, w.ids, stranger} {
			o := w.inner
			o.Identities, o.Log = ids, w.first(int(lines))
			w.judge(t, b, o, ids == nil || len(ids) > 0 && ids[0] == stranger[0])
		}
		var out bytes.Buffer // one item alone
		c := &catter{path: "data/a.txt", w: &out}
		_, err := pick(t.Context(), bytes.NewReader(b), int64(len(b)), w.blind, func(name string) bool { return name == c.path }, false, c)
		if got := out.String(); got != "" && got != "evidence\n" || err == nil && got == "" {
			t.Errorf("the item is %q, %v", got, err)
		}
		if took := allocated() - before; took > 64<<20 {
			t.Errorf("%d MiB were allocated for %d bytes", took>>20, len(b))
		}
	})
}

// judge verifies b, and holds what is said of it against what was written.
func (w *sealedWorld) judge(t *testing.T, b []byte, o VerifyOptions, closed bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a hang, not a limit
	defer cancel()
	r, err := Verify(ctx, bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.AuthenticBytes > int64(len(b)) || r.Exit != r.Verdict.ExitCode() {
		t.Errorf("%+v", r)
	}
	untouched := len(b) >= len(w.archive) && bytes.Equal(b[:len(w.archive)], w.archive) && empty(b[len(w.archive):])
	known, sealed := w.known(o.Log)
	switch {
	case r.Verdict == ValidOuter && (o.Identities != nil || known == 0):
		t.Errorf("%s with an identity, or by a log that tells of nothing", r.Verdict)
	case closed && (r.Verdict == Valid || r.Verdict == ValidPartial):
		t.Errorf("%s of what nobody opened", r.Verdict)
	case r.Verdict != Valid && r.Verdict != ValidPartial && r.Verdict != ValidOuter:
		if untouched && (!closed && o.Log == nil || o.Identities == nil && known > 0) {
			t.Errorf("untouched, and %s: %v", r.Verdict, r.Findings)
		}
	case sealed && !untouched:
		t.Errorf("%s of other bytes, with the whole log", r.Verdict)
	case len(b) < known || !bytes.Equal(b[:known], w.archive[:known]):
		t.Errorf("%s, and not the %d bytes that the log tells of", r.Verdict, known)
	}
	same := min(int(r.AuthenticBytes), len(w.archive))
	if (r.Verdict == Valid || r.Verdict == ValidPartial || r.Verdict == ValidOuter) && !bytes.Equal(b[:same], w.archive[:same]) {
		t.Errorf("%s: of the first %d bytes, which are said to be authentic, not all are", r.Verdict, same)
	}
}

// newGoldenCipher reads the golden encrypted archive.
func newGoldenCipher(t testing.TB) *sealedWorld {
	t.Helper()
	w := &sealedWorld{archive: readFile(t, filepath.Join(encryptedDir, "archive.tar.zst.age")), log: readFile(t, filepath.Join(encryptedDir, "archive.custody.jsonl"))}
	trust, err := ParseTrust(bytes.NewReader(readFile(t, filepath.Join(encryptedDir, "allowed_signers"))))
	if err != nil {
		t.Fatal(err)
	}
	if w.ids, err = cipher.Identities(readFile(t, filepath.Join(encryptedDir, "identity")), nil); err != nil {
		t.Fatal(err)
	}
	w.inner, w.blind = VerifyOptions{Trust: trust}, VerifyOptions{Trust: trust, Identities: w.ids}
	w.open(t)
	return w
}

// first gives the first lines of the log; nil for none of them: then there is no log.
func (w *sealedWorld) first(n int) []byte {
	lines := bytes.SplitAfter(w.log, []byte("\n"))
	return bytes.Join(lines[:min(n, len(lines))], nil)
}

// known is how many stored bytes a beginning of the log tells of, and whether of the seal.
func (w *sealedWorld) known(log []byte) (n int, sealed bool) {
	events, _, _ := readLog(log)
	for _, e := range events {
		if e.Event == eventCheckpoint || e.Event == eventSealed {
			n, sealed = int(e.Object.Bytes), e.Event == eventSealed
		}
	}
	return n, sealed
}

// What is done to the bytes.
const (
	opXor       = iota // bit `more` of the byte at `at`
	opCut              // cut to `at`
	opAppend           // `with`, `more` times
	opCutAppend        // both
	opSwap             // chunks `at` and `more`
	opRemove           // `more` bytes at `at`
	opOver             // `with` over what is at `at`
	opInsert           // `with` at `at`
	opHeader           // `with` in place of header and nonce
	opWhole            // `with`, `more` times, is the file
	ops
)

// mutated gives the archive as it is after that.
func (w *sealedWorld) mutated(op byte, at, more uint32, with []byte) []byte {
	b := bytes.Clone(w.archive)
	i := int(at % uint32(len(b)))
	times := int(more % uint32(1+(1<<20)/(len(with)+1)))
	switch op % ops {
	case opXor:
		b[i] ^= 1 << (more % 8)
	case opCut:
		b = b[:i]
	case opAppend:
		b = append(b, bytes.Repeat(with, times)...)
	case opCutAppend:
		b = append(b[:i], bytes.Repeat(with, times)...)
	case opSwap:
		x, y := int(at)%w.chunks(), int(more)%w.chunks()
		list := upTo(w.chunks())
		list[x], list[y] = y, x
		b = w.ofChunks(list...)
	case opRemove:
		b = slices.Delete(b, i, min(len(b), i+int(more%uint32(len(b)))))
	case opOver:
		copy(b[i:], with)
	case opInsert:
		b = slices.Insert(b, i, with...)
	case opHeader:
		b = append(bytes.Clone(with), b[w.head:]...)
	case opWhole:
		b = bytes.Repeat(with, max(1, times))
	}
	return b
}

// allocated is how many bytes this process has ever taken from the heap.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
