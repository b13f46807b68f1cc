package packager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"hozen/packager/evidence/fault"
	"hozen/packager/signed"
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

// ErrNothingAuthentic says that an archive has no checkpoint that verifies.
var ErrNothingAuthentic = errors.New("nothing in it is authentic")

// ErrInUse says that the program that writes an archive still runs.
var ErrInUse = errors.New("still being written by a running collection")

// Recover takes <id>.tar.zst.partial as a crash left it: it finds out what is
// authentic, states that and the hash of the bytes as they lie there in the custody
// log (event "recovered", signed by d), and renames the file to
// <id>.incomplete.tar.zst (.age, if it is encrypted: then what is authentic is known by
// the log, or by ids, which open it). Not a byte of it is altered: what came after the last
// checkpoint stays, unauthenticated. A contradiction is reported and nothing is
// done; neither is it while the writer still runs (ErrInUse). Last, the file of a
// throw-away key that is left beside it is overwritten and removed.
func Recover(ctx context.Context, dir, partialName string, d Device, tool string, command []string, now time.Time, ids ...age.Identity) (Recovery, error) {
	file, ok := ParseFileName(partialName)
	if !ok || !file.Partial {
		return Recovery{}, fmt.Errorf("%s: want <id>.tar.zst%s or <id>.tar.zst.age%s", partialName, partialSuffix, partialSuffix)
	}
	id := file.ID
	lock, err := os.Open(filepath.Join(dir, partialName))
	if err != nil {
		return Recovery{}, err
	}
	err = lockFile(lock)
	// Windows renames no file that is open; elsewhere the look was enough, too.
	if err = fault.Join(err, lock.Close()); err != nil {
		return Recovery{}, err
	}
	log, err := ReadLogFile(filepath.Join(dir, LogName(id)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Recovery{}, err
	}
	rep, sum, err := verifyAndHash(ctx, filepath.Join(dir, partialName), VerifyOptions{Log: log, Identities: ids})
	if err != nil {
		return Recovery{}, err
	}
	r := Recovery{Name: IncompleteName(id), Report: rep, Log: LogName(id)}
	found := ValidPartial
	if rep.Sealed {
		// The crash came between the seal and the renaming: the archive is whole.
		r.Name, found = ArchiveName(id), Valid
	}
	if file.Encrypted {
		r.Name += encryptedSuffix
		if rep.Genesis == nil {
			found = ValidOuter
		}
	}
	switch {
	case rep.Verdict == Invalid:
		return r, fmt.Errorf("%s: %s: %s", partialName, rep.Verdict, strings.Join(rep.Findings, "; "))
	case rep.Checkpoint == 0:
		return r, fmt.Errorf("%s: %w (%s): kept as it is", partialName, ErrNothingAuthentic, strings.Join(rep.Findings, "; "))
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
func verifyAndHash(ctx context.Context, file string, o VerifyOptions) (*Report, string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, "", err
	}
	return readAndHash(ctx, f, st.Size(), o)
}

func readAndHash(ctx context.Context, r io.ReaderAt, size int64, o VerifyOptions) (*Report, string, error) {
	v := newVerification(r, size, o, nil)
	v.ends = []int64{size}
	rep, err := v.all(ctx)
	if err != nil {
		return nil, "", err
	}
	if err := v.hashRest(ctx); err != nil {
		return nil, "", err
	}
	sum, err := v.sumOfFile()
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
	by, err := d.by()
	if err != nil {
		return fault.Join(err, l.file.Close())
	}
	return fault.Join(l.append(by, now, e), l.file.Close())
}

// lastLineSum is the hash of the last whole line.
func lastLineSum(log []byte) string {
	text := string(log[:strings.LastIndexByte(string(log), '\n')])
	return signed.HexSum([]byte(text[strings.LastIndexByte(text, '\n')+1:]))
}

// trimLog takes off what was being written when the power went; it was no event yet.
func trimLog(dir, id string, log []byte) error {
	return os.Truncate(filepath.Join(dir, LogName(id)), int64(strings.LastIndexByte(string(log), '\n')+1))
}
