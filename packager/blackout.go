package packager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
	"hozen/packager/secret"
	"hozen/packager/signed"
)

// A Blackout is a time in which no private key of ours was in memory, or why that
// could not be. It is kept in the archive as memory/blackout.json.
type Blackout struct {
	Checkpoint int       `json:"checkpoint"` // which announced the device key; that signs the next one
	Began      time.Time `json:"began"`
	Ended      time.Time `json:"ended"`
	// Whole says that nothing speaks against it that every private key was out.
	Whole bool `json:"whole"`
	// Kept is why not: what stayed in memory, or may have.
	Kept []string `json:"kept"`
	// KeyFile is where the device key was meanwhile; "" if it was in memory.
	KeyFile string `json:"key_file"`
	// Output is "direct" if the archive is written past the page cache, else why not.
	Output string `json:"output"`
	// Left is set if the file of a throw-away key could not be removed.
	Left string `json:"left,omitempty"`

	out bool // the device key is not in memory
}

// KeyName gives the name of the file in which the throw-away key of a collection is
// during a blackout. A power cut leaves it there; Recover removes it.
func KeyName(id string) string { return id + ".key" }

// Blackout implements collector.Hider. A checkpoint announces that the device key
// signs the next one; then the session key and the device key are erased, and during
// is called. What it puts is not signed until it ends, so that a power cut leaves an
// archive that is authentic up to that checkpoint. Then the device key is read again,
// memory/blackout.json is put, and a checkpoint follows that the device key signs,
// which announces a fresh session key.
//
// What cannot be taken out of memory is recorded, and during is called all the same.
// Only when the key cannot be read again is nothing more kept.
func (w *Writer) Blackout(ctx context.Context, during func() error) error {
	b, err := w.darken()
	if err != nil {
		return err
	}
	w.s.hurry.Store(true)
	err = during()
	w.s.hurry.Store(false)
	return fault.Join(err, w.lighten(context.WithoutCancel(ctx), b))
}

// Blackouts are those of this collection so far.
func (w *Writer) Blackouts() []Blackout {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Blackout(nil), w.blackouts...)
}

// darken signs what there is and takes the keys out.
func (w *Writer) darken() (*Blackout, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.alive(); err != nil {
		return nil, err
	}
	if w.dark != nil {
		return nil, errors.New("the private keys are out of memory already")
	}
	b := &Blackout{Kept: []string{}, Output: "direct"}
	if why := w.throughCache(); why != "" {
		b.Output = why
	}
	device, err := sessionKeyOf(w.o.Device.Signer)
	if err != nil {
		return nil, err
	}
	if w.o.Device.Kept != nil {
		b.keep(w.o.Device.Kept)
	}
	file, err := w.placeForKey()
	if err != nil {
		b.keep(err)
	}
	if err := w.note(w.announce(device, "open")); err != nil {
		return nil, fault.Join(err, w.forgetKeyFile())
	}
	if b.Checkpoint = w.k; file != "" {
		w.o.Device.Signer.(*secret.Key).Erase()
		b.KeyFile, b.out = file, true
	}
	b.Began, w.dark = w.o.Now(), b
	return b, nil
}

func (b *Blackout) keep(why error) {
	b.Kept = append(b.Kept, strings.ToValidUTF8(why.Error(), "?"))
}

// throughCache says why the archive is not written past the page cache; "" if it is.
func (w *Writer) throughCache() string {
	b, ok := w.file.(*blockFile)
	if !ok {
		return "through the page cache"
	}
	if f, ok := b.blockDevice.(interface{ ThroughCache() string }); ok {
		return f.ThroughCache()
	}
	return ""
}

// placeForKey gives the file from which the device key will be read again, and tries
// that. An error is why the key must stay in memory.
func (w *Writer) placeForKey() (file string, err error) {
	d := &w.o.Device
	k, ok := d.Signer.(*secret.Key)
	switch {
	case !ok:
		return "", fmt.Errorf("the device key is a %T: it cannot be erased", d.Signer)
	case d.File == "":
		return "", errors.New("there is no file to keep the device key in")
	}
	if d.Throwaway {
		if err := k.Write(d.File, "device:"+d.Name, false); err != nil {
			return "", fmt.Errorf("the throw-away device key stays in memory: %w", err)
		}
		w.keyFile = d.File
	}
	if err := k.Reread(d.File); err != nil {
		return "", fault.Join(fmt.Errorf("the device key stays in memory: it cannot be read again: %w", err), w.forgetKeyFile())
	}
	return d.File, nil
}

// forgetKeyFile removes the file of a throw-away key, if there is one.
func (w *Writer) forgetKeyFile() error {
	if w.keyFile == "" {
		return nil
	}
	file := w.keyFile
	w.keyFile = ""
	return secret.Remove(file)
}

// rereadTries is how often the device key is looked for: without it what was taken
// in the dark cannot be signed.
const rereadTries = 5

// light takes the device key back. The lock is held.
func (w *Writer) light() error {
	b := w.dark
	var err error
	for i := 0; b.out && i < rereadTries; i++ {
		if i > 0 {
			time.Sleep(200 * time.Millisecond)
		}
		if err = w.o.Device.Signer.(*secret.Key).Reread(b.KeyFile); err == nil {
			b.out = false
		}
	}
	if b.out {
		w.keyFile = "" // it may be all that is left of the key
		return fmt.Errorf("the device key cannot be read again: %w", err)
	}
	if err := w.forgetKeyFile(); err != nil {
		b.Left = strings.ToValidUTF8(err.Error(), "?")
	}
	b.Ended, w.dark = w.o.Now(), nil
	return w.tellLate()
}

// tellLate logs the events that came while there was no key.
func (w *Writer) tellLate() error {
	for _, l := range w.late {
		if err := w.logLate(l); err != nil {
			return err
		}
	}
	w.late = nil
	return nil
}

// fullInTheDark says that the segment has to end, for a reader takes no longer
// lists: the one reason to end a blackout early.
func (w *Writer) fullInTheDark() bool {
	return max(len(w.seg.records), len(w.seg.manifest)) >= maxManifest-4*signed.MaxStatement
}

// lightEarly takes the key back where a checkpoint cannot wait for the end.
func (w *Writer) lightEarly() error {
	b := w.dark
	if b == nil {
		return nil
	}
	b.keep(errors.New("it ended before what was to be taken did: the lists of the segment were full"))
	return w.light()
}

// lighten ends the blackout, records it and signs what was put meanwhile.
func (w *Writer) lighten(ctx context.Context, b *Blackout) error {
	if err := w.endDark(b); err != nil {
		return err
	}
	item := evidence.Item{Path: "memory/blackout.json", Source: "the private keys of this collection", Collector: "blackout"}
	err := w.Put(ctx, item, func(to io.Writer) error {
		var text bytes.Buffer
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(b); err != nil {
			return err
		}
		if _, err := to.Write(text.Bytes()); err != nil || b.Whole {
			return err
		}
		return evidence.Cut("private keys of ours may be in the image of memory: %s", strings.Join(b.Kept, "; "))
	})
	if err != nil {
		return err
	}
	_, err = w.Checkpoint()
	return err
}

func (w *Writer) endDark(b *Blackout) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.alive(); err != nil {
		return fault.Join(err, w.forgetKeyFile())
	}
	if w.dark != nil {
		if err := w.light(); err != nil {
			return w.note(err)
		}
	}
	b.Whole = len(b.Kept) == 0
	w.blackouts = append(w.blackouts, *b)
	return nil
}

// eraseSessionKey erases the key of the next checkpoint, if it is a session key.
func (w *Writer) eraseSessionKey() {
	if w.key == nil {
		return
	}
	if k, ok := w.key.private.(*secret.Key); ok && w.key.private != w.o.Device.Signer {
		k.Erase()
	}
}

// removeKeyFile removes the key file that a power cut during a blackout left.
func removeKeyFile(file string) (found bool, err error) {
	if _, err := os.Lstat(file); err != nil {
		return false, nil
	}
	return true, secret.Remove(file)
}
