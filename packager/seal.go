package packager

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"hozen/packager/signed"
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
	// CoSigned says that the operator's signature is in it. CoSignErr is why it is not,
	// where Options.Operator was to give it; the archive is whole without it.
	CoSigned  bool
	CoSignErr error
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
	if w.o.Sealed != nil {
		w.o.Sealed(s, func(e Event) error { return w.tellSealed(s, e) })
	}
	if err = w.close(); err == nil {
		err = w.o.Disk.Rename(s.Name+partialSuffix, s.Name)
	}
	if err != nil {
		return Sealed{}, fmt.Errorf("archive %s: %w", s.Name, err)
	}
	return s, nil
}

// tellSealed appends an event about the archive that was sealed.
func (w *Writer) tellSealed(s Sealed, e Event) error {
	e, attached, err := prepared(e)
	if err != nil {
		return err
	}
	e.Object = EventObject{Name: s.Name, Bytes: s.Bytes, SHA256: s.SHA256}
	return w.logLate(lateEvent{append(attached, e), w.o.Now()})
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
		TarBytes: w.s.tar, SeekTable: FileHash{nameSeekTable, signed.HexSum(table)}, Status: status,
		Time: stamp(w.began, w.o.Now()), Key: w.key.public,
	}
	statement, err := signed.Encode(seal)
	if err != nil {
		return Sealed{}, err
	}
	var people []member
	var coSignErr error
	if w.o.Operator != nil {
		var sig []byte
		if sig, coSignErr = w.askOperator(statement); coSignErr == nil {
			people = []member{{nameSeal + operatorSigSuffix, sig}}
		}
	}
	if err := w.writeSeal(statement, people, hint, table); err != nil {
		return Sealed{}, err
	}
	if err := w.finish(); err != nil {
		return Sealed{}, err
	}
	if err := w.file.Sync(); err != nil {
		return Sealed{}, err
	}
	at := w.stored()
	return Sealed{
		Name: w.name(), Bytes: at.Bytes, SHA256: at.SHA256, Head: signed.HexSum(statement),
		Checkpoints: w.k, Members: w.payloadFiles, Payload: w.payloadBytes, CoSigned: people != nil, CoSignErr: coSignErr,
	}, w.logSealed(at, signed.HexSum(statement), status, people)
}

func (w *Writer) writeSeal(statement []byte, people []member, hint, table []byte) error {
	sig, err := w.key.sign(signed.Seal, statement)
	if err != nil {
		return err
	}
	deviceSig, err := w.o.Device.sign(signed.Seal, statement)
	if err != nil {
		return err
	}
	list := append([]member{{nameSeal, statement}, {nameSeal + sigSuffix, sig}, {nameSeal + deviceSigSuffix, deviceSig}}, people...)
	content := w.members(append(list, member{nameSeekTable, table})...)
	content = append(content, make([]byte, 2*tarBlock)...)
	if err := w.s.frame(storedFrame(content), len(content)); err != nil {
		return err
	}
	return w.s.frame(append(hint, table...), 0)
}

// logSealed tells the log of the seal, and of the operator's signature in it.
func (w *Writer) logSealed(at Prefix, statement, status string, people []member) error {
	detail := []EventDetail{{factSeal, statement}, {"checkpoints", fmt.Sprint(w.k)}, {"status", status}}
	if len(people) > 0 {
		principal, err := OperatorPrincipal(w.o.Genesis.Operator)
		if err != nil {
			return err
		}
		detail = append(detail, EventDetail{factOperator, principal},
			EventDetail{factOperatorKey, signed.Fingerprint(w.o.Operator.Signer.Public())}, EventDetail{factOperatorSig, signed.HexSum(people[0].body)})
	}
	return w.logAsDevice(w.o.Now(), Event{
		Event:  eventSealed,
		Object: EventObject{Name: w.name(), Bytes: at.Bytes, SHA256: at.SHA256},
		Detail: detail,
	})
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
