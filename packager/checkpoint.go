package packager

import (
	"fmt"

	"hozen/packager/signed"
)

// Checkpoint signs and flushes all that was put before, and gives the number of
// the checkpoint. It returns an error only when evidence can no longer be kept.
// While the private keys are out of memory (Blackout) it does nothing.
func (w *Writer) Checkpoint() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.alive(); err != nil {
		return w.k, err
	}
	if w.dark != nil || w.seg.entries == 0 && len(w.seg.records) == 0 {
		return w.k, nil
	}
	return w.k, w.note(w.checkpoint("open"))
}

// checkpoint ends the segment. The lock is held. The order is what makes a power
// cut harmless: records and manifest, statement, flush; then the log; then the
// old key is erased. The log never knows more than the archive holds.
func (w *Writer) checkpoint(status string) error {
	if err := w.lightEarly(); err != nil {
		return err
	}
	next, err := newSessionKey(w.o.Random)
	if err != nil {
		return err
	}
	return w.announce(next, status)
}

// announce makes the checkpoint that says who signs the next one.
func (w *Writer) announce(next *sessionKey, status string) error {
	k := w.k + 1
	manifest, err := w.segmentManifest(k)
	if err != nil {
		return err
	}
	if err := w.s.drain(); err != nil {
		return err
	}
	c := Checkpoint{
		Type: typeCheckpoint, Collection: w.o.ID, Seq: k, Prev: w.prev,
		Manifest: manifest, Entries: w.seg.entries, Tree: head(&w.tree),
		Archive: w.s.out.at(), TarBytes: w.s.tar, Time: stamp(w.began, w.o.Now()),
		Key: w.key.public, NextKey: next.public, Status: status,
	}
	statement, err := w.writeStatement(k, c)
	if err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	if err := w.logCheckpoint(k, c, signed.HexSum(statement)); err != nil {
		return err
	}
	w.eraseSessionKey()
	w.key, w.k, w.prev, w.safe = next, k, signed.HexSum(statement), w.stored()
	w.seg = segment{tarStart: w.s.tar, began: w.o.Now(), records: w.seg.records[:0], manifest: w.seg.manifest[:0]}
	return nil
}

// segmentManifest writes the last two members of a segment: its records, and the
// list of all its members but this list.
func (w *Writer) segmentManifest(k int) (FileHash, error) {
	if _, err := w.addTag(checkpointName(k, ".jsonl"), w.seg.records); err != nil {
		return FileHash{}, err
	}
	name := checkpointName(k, ".sha256")
	body := append([]byte(nil), w.seg.manifest...)
	entries, t := w.seg.entries, w.tree
	t.peaks = append(t.peaks[:0:0], t.peaks...)
	if _, err := w.addTag(name, body); err != nil {
		return FileHash{}, err
	}
	// The list does not list itself; the statement names it by its hash.
	w.seg.entries, w.tree = entries, t
	return FileHash{Path: name, SHA256: signed.HexSum(body)}, nil
}

// writeStatement signs statement k and writes S(k), M(k), and, where the archive is
// encrypted, the pad that brings them out.
func (w *Writer) writeStatement(k int, c Checkpoint) ([]byte, error) {
	statement, err := signed.Encode(c)
	if err != nil {
		return nil, err
	}
	sig, err := w.key.sign(signed.Checkpoint, statement)
	if err != nil {
		return nil, err
	}
	name := checkpointName(k, ".json")
	content := w.members(member{name, statement}, member{name + sigSuffix, sig})
	w.tags.add(signed.HexSum(statement) + "  " + name)
	w.tags.add(signed.HexSum(sig) + "  " + name + sigSuffix)
	if err := w.s.frame(storedFrame(content), len(content)); err != nil {
		return nil, err
	}
	if err := w.s.frame(marker(w.gen, k), 0); err != nil || w.vault == nil {
		return statement, err
	}
	return statement, w.s.frame(pad(w.s.out.at().Bytes), 0)
}

type member struct {
	name string
	body []byte
}

// members gives whole tar members for a stored frame.
func (w *Writer) members(list ...member) []byte {
	var b []byte
	for _, m := range list {
		b = append(b, header(w.o.ID+"/"+m.name, int64(len(m.body)), w.o.Genesis.Epoch)...)
		b = append(append(b, m.body...), make([]byte, padding(int64(len(m.body))))...)
	}
	return b
}

func (w *Writer) logCheckpoint(k int, c Checkpoint, statement string) error {
	at := w.stored()
	return w.log.append(w.key.by, w.o.Now(), Event{
		Event:  eventCheckpoint,
		Object: EventObject{Name: w.name(), Bytes: at.Bytes, SHA256: at.SHA256},
		Detail: []EventDetail{{"checkpoint", fmt.Sprint(k)}, {"statement", statement}, {"next_key", c.NextKey}},
	})
}

// Not inlined, for the size of the program.
//
//go:noinline
func checkpointName(k int, ext string) string {
	return fmt.Sprintf("%s%08d%s", nameCheckpoints, k, ext)
}
