package packager

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Recovery is what Recover made of an archive that was never sealed.
type Recovery struct {
	Name   string  // of the file now: <id>.incomplete.tar.zst
	Report *Report // what is authentic in it
	Log    string  // the custody log, with the new event
	// KeyFile is that of a throw-away key which a power cut during a blackout left, and
	// which was removed; "" if there was none. KeyErr is why it could not be.
	KeyFile string
	KeyErr  error
}

// IncompleteName gives the name of an archive that was recovered: it never gets
// that of a sealed one.
func IncompleteName(id string) string { return id + ".incomplete.tar.zst" }

// ErrNothingAuthentic says that an archive has no checkpoint that verifies.
var ErrNothingAuthentic = errors.New("nothing in it is authentic")

// ErrInUse says that the program that writes an archive still runs.
var ErrInUse = errors.New("still being written by a running collection")

// Recover takes <id>.tar.zst.partial as a crash left it: it finds out what is
// authentic, states that and the hash of the bytes as they lie there in the custody
// log (event "recovered", signed by d), and renames the file to
// <id>.incomplete.tar.zst. Not a byte of it is altered: what came after the last
// checkpoint stays, unauthenticated. A contradiction is reported and nothing is
// done; neither is it while the writer still runs (ErrInUse). Last, the file of a
// throw-away key that is left beside it is overwritten and removed.
func Recover(ctx context.Context, dir, partialName string, d Device, tool string, command []string, now time.Time) (Recovery, error) {
	id, ok := strings.CutSuffix(partialName, ".tar.zst"+partialSuffix)
	if !ok || !ValidID(id) {
		return Recovery{}, fmt.Errorf("%s: want <id>.tar.zst%s", partialName, partialSuffix)
	}
	lock, err := os.Open(filepath.Join(dir, partialName))
	if err != nil {
		return Recovery{}, err
	}
	err = lockFile(lock)
	// Windows renames no file that is open; elsewhere the look was enough, too.
	if err = errors.Join(err, lock.Close()); err != nil {
		return Recovery{}, err
	}
	log, err := os.ReadFile(filepath.Join(dir, LogName(id)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Recovery{}, err
	}
	rep, sum, err := verifyAndHash(ctx, filepath.Join(dir, partialName), log)
	if err != nil {
		return Recovery{}, err
	}
	r := Recovery{Name: IncompleteName(id), Report: rep, Log: LogName(id)}
	found := ValidPartial
	if rep.Seal != nil {
		// The crash came between the seal and the renaming: the archive is whole.
		r.Name, found = ArchiveName(id), Valid
	}
	switch {
	case rep.Verdict == Invalid:
		return r, fmt.Errorf("%s: %s: %s", partialName, rep.Verdict, strings.Join(rep.Findings, "; "))
	case rep.Checkpoint == 0:
		return r, fmt.Errorf("%s: %w: kept as it is", partialName, ErrNothingAuthentic)
	case rep.Collection != id:
		return r, fmt.Errorf("%s: holds collection %s", partialName, rep.Collection)
	}
	e := Event{
		Event: eventRecovered, Object: EventObject{Name: r.Name, Bytes: rep.Bytes, SHA256: sum},
		Method: &EventMethod{Tool: tool, Command: command}, Verdict: string(found),
		Detail: []EventDetail{{"checkpoint", fmt.Sprint(rep.Checkpoint)}, {"authentic_prefix", fmt.Sprint(rep.AuthenticBytes)}, {"statement", rep.Head}},
	}
	if err := appendRecovered(dir, id, log, e, d, now); err != nil {
		return r, err
	}
	if err := Dir(dir).Rename(partialName, r.Name); err != nil {
		return r, err
	}
	if found, err := removeKeyFile(filepath.Join(dir, KeyName(id))); found {
		r.KeyFile, r.KeyErr = KeyName(id), err
	}
	return r, nil
}

// verifyAndHash gives the report on a file, and the SHA-256 of all its bytes.
func verifyAndHash(ctx context.Context, file string, log []byte) (*Report, string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, "", err
	}
	run := &verification{r: f, size: st.Size()}
	sum, err := run.sumOf(st.Size())
	if err != nil {
		return nil, "", err
	}
	rep, err := Verify(ctx, f, st.Size(), VerifyOptions{Log: log})
	return rep, sum, err
}

// appendRecovered adds the event to the log. A half-written last line, which was
// no event yet, goes first.
func appendRecovered(dir, id string, log []byte, e Event, d Device, now time.Time) error {
	events, cut, err := readLog(log)
	if err != nil {
		return err
	}
	l := &custodyLog{began: now, base: Event{Collection: id, Actor: "device:" + d.Name}}
	l.base.Time.Zone = now.Format("MST -0700")
	if n := len(events); n > 0 {
		l.seq, l.prev = n, lastLineSum(log)
	}
	if cut {
		if err := trimLog(dir, id, log); err != nil {
			return err
		}
	}
	if l.file, err = Dir(dir).Append(LogName(id)); err != nil {
		return err
	}
	return errors.Join(l.append(e, d.Signer, now), l.file.Close())
}

// lastLineSum is the hash of the last whole line.
func lastLineSum(log []byte) string {
	text := string(log[:strings.LastIndexByte(string(log), '\n')])
	return hexSum([]byte(text[strings.LastIndexByte(text, '\n')+1:]))
}

// trimLog takes off what was being written when the power went; it was no event yet.
func trimLog(dir, id string, log []byte) error {
	return os.Truncate(filepath.Join(dir, LogName(id)), int64(strings.LastIndexByte(string(log), '\n')+1))
}
