package packager

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Sealed says what was sealed: what a responder writes down.
type Sealed struct {
	Name        string // of the archive's file
	Bytes       int64
	SHA256      string // of the whole file
	Head        string // SHA-256 of the seal statement: commits to everything
	Checkpoints int
	Members     int64 // payload files
	Payload     int64 // bytes of payload
}

// Seal completes the archive: manifests of the bag, the last checkpoint, the
// seal signed by the session key and the device key, the seek table; then it
// flushes, tells the custody log, and gives the file its final name. stopped is
// empty, or why the collection ended before its plan did.
func (w *Writer) Seal(stopped string) (Sealed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.alive(); err != nil {
		return Sealed{}, err
	}
	s, err := w.seal(stopped)
	if err != nil {
		return Sealed{}, w.note(err)
	}
	if err := w.close(); err != nil {
		return Sealed{}, fmt.Errorf("archive %s: %w", s.Name, err)
	}
	if err := w.o.Disk.Rename(s.Name+partialSuffix, s.Name); err != nil {
		return Sealed{}, fmt.Errorf("archive %s: %w", s.Name, err)
	}
	return s, nil
}

func (w *Writer) seal(stopped string) (Sealed, error) {
	status := "complete"
	if stopped != "" {
		status = "stopped:" + strings.ToValidUTF8(stopped, "?")
	}
	manifest, tagmanifest, err := w.bag()
	if err != nil {
		return Sealed{}, err
	}
	if err := w.checkpoint("sealing"); err != nil {
		return Sealed{}, err
	}
	table, hint := seekTable(w.s.out.frames), hint(w.gen, w.s.tar)
	seal := Seal{
		Type: typeSeal, Collection: w.o.ID, Genesis: w.gen, Checkpoints: w.k, Last: w.prev,
		Tree: head(&w.tree), Manifest: manifest, TagManifest: tagmanifest, Archive: w.s.out.at(),
		TarBytes: w.s.tar, SeekTable: FileHash{nameSeekTable, hexSum(table)}, Status: status,
		Time: stamp(w.began, w.o.Now()), Key: w.key.public,
	}
	statement, err := encodeStatement(seal)
	if err != nil {
		return Sealed{}, err
	}
	if err := w.writeSeal(statement, hint, table); err != nil {
		return Sealed{}, err
	}
	if err := w.file.Sync(); err != nil {
		return Sealed{}, err
	}
	at := w.s.out.at()
	return Sealed{
		Name: ArchiveName(w.o.ID), Bytes: at.Bytes, SHA256: at.SHA256, Head: hexSum(statement),
		Checkpoints: w.k, Members: w.payloadFiles, Payload: w.payloadBytes,
	}, w.logSealed(at, hexSum(statement), status)
}

func (w *Writer) writeSeal(statement, hint, table []byte) error {
	sig, err := w.key.sign(nsSeal, statement)
	if err != nil {
		return err
	}
	deviceSig, err := signWith(w.o.Device.Signer, nsSeal, statement)
	if err != nil {
		return err
	}
	content := w.members(
		member{nameSeal, statement},
		member{nameSeal + sigSuffix, sig},
		member{nameSeal + deviceSigSuffix, deviceSig},
		member{nameSeekTable, table},
	)
	content = append(content, make([]byte, 2*tarBlock)...)
	if err := w.s.frame(storedFrame(content), len(content)); err != nil {
		return err
	}
	return w.s.frame(append(hint, table...), 0)
}

func (w *Writer) logSealed(at Prefix, statement, status string) error {
	return w.log.append(Event{
		Event:  eventSealed,
		Object: EventObject{Name: ArchiveName(w.o.ID), Bytes: at.Bytes, SHA256: at.SHA256},
		Detail: []EventDetail{{"seal", statement}, {"checkpoints", fmt.Sprint(w.k)}, {"status", status}},
	}, w.o.Device.Signer, w.o.Now())
}

// bag writes the tag files of the last segment (RFC 8493).
func (w *Writer) bag() (manifest, tagmanifest FileHash, err error) {
	for _, l := range []struct {
		name string
		from *ledger
	}{{nameJoined, &w.joined}, {nameManifest, &w.payload}} {
		sum, err := w.addLedger(l.name, l.from)
		if err != nil {
			return manifest, tagmanifest, err
		}
		if l.name == nameManifest {
			manifest = FileHash{nameManifest, hex.EncodeToString(sum[:])}
		}
	}
	if _, err := w.addTag(nameBagInfo, w.bagInfo()); err != nil {
		return manifest, tagmanifest, err
	}
	if _, err := w.addLedger(nameIndex, &w.index); err != nil {
		return manifest, tagmanifest, err
	}
	sum, err := w.addLedger(nameTagManifest, &w.tags)
	return manifest, FileHash{nameTagManifest, hex.EncodeToString(sum[:])}, err
}

func (w *Writer) addLedger(name string, l *ledger) ([32]byte, error) {
	var b bytes.Buffer
	if err := l.writeTo(&b); err != nil {
		return sha256.Sum256(nil), err
	}
	return w.addTag(name, b.Bytes())
}

// bagInfo is bag-info.txt (RFC 8493 section 2.2.2). Values are one line each.
func (w *Writer) bagInfo() []byte {
	g := &w.o.Genesis
	var b bytes.Buffer
	for _, f := range [][2]string{
		{"External-Identifier", w.o.ID},
		{"Bagging-Date", w.began.UTC().Format("2006-01-02")},
		{"Payload-Oxum", fmt.Sprintf("%d.%d", w.payloadBytes, w.payloadFiles)},
		{"Bag-Software-Agent", g.Tool},
		{"Contact-Name", g.Operator},
		{"Internal-Sender-Identifier", strings.TrimSpace(g.Case + " " + g.Evidence)},
		{"Internal-Sender-Description", g.Reason},
	} {
		if f[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", f[0], strings.Join(strings.Fields(f[1]), " "))
		}
	}
	return b.Bytes()
}
