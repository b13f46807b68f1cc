package packager

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"hozen/packager/cipher"
	"hozen/packager/evidence/fault"
	"hozen/packager/signed"
	"hozen/packager/text"
)

// An archive that is encrypted to others, later, has other stored bytes than those that its
// log tells of. Who did it says so in an event `reencrypted`, of what file and what came of
// it; by his word the log goes on to tell of the stored bytes. It counts if the auditor
// believes him, and he is no device: else anybody could anchor any bytes. What is in them is
// still for the archive's own signatures to say.

// encryptedAnew finds the event by which these stored bytes were made of those that were
// sealed, over as many steps as it takes; nil where they are those that were sealed, or
// nobody says that they were made of them. The hashes of stored bytes are known (stored.go), or
// else that of the header.
func (v *verification) encryptedAnew(events []Event) *Event {
	if !v.rep.Encrypted {
		return nil
	}
	var now *EventObject // the file, as the log tells of it so far
	var found *Event
	var why error // an event that would do is not believed
	for i := range events {
		e := &events[i]
		switch {
		case e.Event == eventSealed && now == nil:
			if now = &e.Object; v.stores(e) {
				return nil
			}
		case e.Event == eventReencrypted && now != nil && e.Before != nil && e.Before.Bytes == now.Bytes && e.Before.SHA256 == now.SHA256:
			if err := v.anchors(events, e); err != nil {
				why = fault.Join(why, fmt.Errorf("custody log, event %d (%s): %w", e.Seq, text.Word(e.Event), err))
				continue
			}
			if now = &e.Object; v.stores(e) {
				found = e
			}
		}
	}
	if found != nil {
		if _, err := cipher.Header(v.file, v.file.size); err != nil {
			found, why = nil, fmt.Errorf("custody log, event %d (%s): %w", found.Seq, text.Word(found.Event), err)
		}
	}
	if found == nil && why != nil && !v.partly { // else whether these are those that were sealed is not known
		v.rep.finding("that these stored bytes were made of those that were sealed is not believed: %v", why)
	}
	if found != nil {
		v.rep.note("custody log, event %d (%s): by the word of %s these stored bytes were made of those that were sealed: only who opens them can see that they hold the same", found.Seq, text.Word(found.Event), text.Name(found.Actor))
	}
	return found
}

// anchors says why an event does not count, by which other bytes are stored: the device, which
// others may hold, has no word in it, under no name, nor has a stranger. Nil if it counts.
func (v *verification) anchors(events []Event, e *Event) error {
	device := sameKey(e.Key, v.deviceKey().key) || events[0].Event == eventStarted && sameKey(e.Key, events[0].Key)
	if device || strings.HasPrefix(e.Actor, "device:") {
		return fmt.Errorf("%s: signed by a device, not by a person", text.Name(e.Actor))
	}
	return v.believes(e.Actor, e.Key, eventTime(e), signed.Event)
}

// madeOf says whether an event tells of the file that was sealed, or of that which was made
// of it and is this one.
func (v *verification) madeOf(e *Event) bool {
	for i := range v.rep.Events {
		known := &v.rep.Events[i]
		if (known.Event == eventSealed || known.Seq == v.anew.Seq) && known.Object.Bytes == e.Object.Bytes && known.Object.SHA256 == e.Object.SHA256 {
			return true
		}
	}
	return false
}

// stores says whether the file begins with exactly the bytes that an event tells of. Of a file
// that is not read whole: whether it has as many, and the header of which the event tells. Under
// one header the same plain bytes are the same cipher text, and the plain ones are proved.
func (v *verification) stores(e *Event) bool {
	if v.partly {
		return e.Object.Bytes == v.file.size && v.head != "" && e.Fact(factHeader) == v.head
	}
	sum, known := v.sumAt(e.Object.Bytes)
	return known && e.Object.Bytes > 0 && sum == e.Object.SHA256
}

// factHeader is a detail of `reencrypted`: the hash of header and nonce of its object.
const factHeader = "header"

// HeaderDetail is the detail by which an event `reencrypted` tells of the header of its object,
// nonce included: with it one item can be proved without reading the whole file. Of a file that
// is not one of age there is none.
func HeaderDetail(r io.ReaderAt, size int64) ([]EventDetail, error) {
	header, err := cipher.Header(r, size)
	if errors.Is(err, cipher.ErrHeader) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sum, err := sumOfFirst(r, int64(len(header))+cipher.NonceSize)
	return []EventDetail{{factHeader, sum}}, err
}

func sumOfFirst(r io.ReaderAt, n int64) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, io.NewSectionReader(r, 0, n))
	return hex.EncodeToString(h.Sum(nil)), err
}

// otherFile says that what the log tells of stored bytes, up to a point, is of another file
// than this: of one that was encrypted, or encrypted to others.
func (v *verification) otherFile() bool { return v.anew != nil || v.decrypted() }
