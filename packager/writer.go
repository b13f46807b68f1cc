package packager

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
	"hozen/packager/signed"
)

// Options says what is written where, by whom.
type Options struct {
	ID     string // of the collection; NewID makes one
	Disk   Disk
	Device Device
	// Genesis holds what the caller knows of the case, the people and the host;
	// Create fills in the types, names, keys and times. If it names Recipients
	// (package cipher has their form), the archive is encrypted to them.
	Genesis Genesis
	Command []string // the command line, for the custody log
	Job     *Job     // the signed request that started it; nil if none did
	// Operator signs the seal beside the device; nil if nobody does. Genesis.Operator is
	// his name, in the form that OperatorPrincipal takes.
	Operator *CoSigner
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Observe is told each record when its item is finished, one at a time. It must
	// be quick and must not call the Writer. May be nil.
	Observe func(evidence.Record)
	// Sealed, if it is not nil, is called once the seal and its event are flushed, before
	// the archive gets its name (a destination takes both files then, as they are): tell appends an event about the whole
	// archive, signed by the device, as Writer.Event does. It must not call the Writer.
	Sealed func(s Sealed, tell func(Event) error)
	// Workers is the number of compressors; 0 means one for each processor, at most 4.
	Workers int
	// Random is what session keys are made of, 32 bytes each; nil means the random
	// source of the system.
	Random io.Reader
}

// A Writer makes one archive. It is an evidence.Sink and a collector.Keeper.
// Its methods may be called concurrently; after an error that a method returned,
// nothing more can be kept, and what was flushed by the last checkpoint stands.
type Writer struct {
	o     Options
	began time.Time
	file  File
	vault *vault // between the archive and file, where it is encrypted
	log   *custodyLog

	mu    sync.Mutex // held while a member is written
	s     *stream
	names *names
	seg   segment
	tree  tree
	k     int    // checkpoints so far
	prev  string // hash of the last statement
	safe  Prefix // what the last checkpoint flushed
	gen   string // hash of the genesis statement
	key   *sessionKey
	dark  *Blackout // not nil while the private keys are out of memory
	// keyFile is where a throw-away key is meanwhile; "" if there is no such file.
	keyFile   string
	blackouts []Blackout
	late      []lateEvent // wait for the device key
	broken    error
	closed    bool

	payload, tags, index, joined ledger
	payloadBytes                 int64
	payloadFiles                 int64

	bufs       sync.Pool // *[]byte, for small items
	chunks     sync.Pool // *[]byte of copyChunk, for ReadFrom
	stopTicker chan struct{}
}

// A segment is what was written since the last checkpoint.
type segment struct {
	records  []byte // JSON Lines
	manifest []byte // sha256sum lines
	entries  int
	tarStart int64
	began    time.Time
}

// ErrClosed is returned by a Writer that was sealed or aborted.
var ErrClosed = errors.New("archive is closed")

// NewID makes the id of a collection from the host's name and the time:
// "pc-42-20261121t090000z-3fa9c1".
func NewID(host string, now time.Time) (string, error) {
	var r [3]byte
	if _, err := rand.Read(r[:]); err != nil {
		return "", err
	}
	host = strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(host)), "-")
	if len(host) > 36 {
		host = strings.Trim(host[:36], "-")
	}
	if host == "" {
		host = "host"
	}
	return host + "-" + now.UTC().Format("20060102t150405z") + "-" + hex.EncodeToString(r[:]), nil
}

// Create begins an archive: <id>.tar.zst.partial (or <id>.tar.zst.age.partial) and <id>.custody.jsonl on the
// disk, with the bag declaration and the signed genesis statement in its first
// segment. The caller puts the plan and calls Checkpoint.
func Create(o Options) (*Writer, error) {
	if !ValidID(o.ID) {
		return nil, fmt.Errorf("collection id %q: want 4 to 63 of a-z, 0-9 and dashes", o.ID)
	}
	if o.Job != nil {
		if _, err := o.Job.Check(); err != nil {
			return nil, err
		}
	}
	if err := CheckRequire(o.Genesis.Require); err != nil {
		return nil, err
	}
	if o.Operator != nil {
		if _, err := OperatorPrincipal(o.Genesis.Operator); err != nil {
			return nil, err
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Workers <= 0 {
		o.Workers = min(runtime.GOMAXPROCS(0), 4)
	}
	w := &Writer{o: o, began: o.Now(), names: newNames(), stopTicker: make(chan struct{})}
	w.bufs.New = func() any { return new([]byte) }
	w.chunks.New = func() any { b := make([]byte, copyChunk); return &b }
	if err := w.open(); err != nil {
		return nil, err
	}
	if err := w.begin(); err != nil {
		w.Abort()
		return nil, err
	}
	go w.tick()
	return w, nil
}

func (w *Writer) open() (err error) {
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return err
	}
	w.payload.zip, w.tags.zip, w.index.zip, w.joined.zip = zip, zip, zip, zip
	w.file, err = w.o.Disk.Create(w.name() + partialSuffix)
	if err != nil {
		return err
	}
	to := w.file
	if list := w.o.Genesis.Recipients; len(list) > 0 {
		if w.vault, err = newVault(w.file, list); err != nil {
			return fault.Join(err, w.file.Close())
		}
		to = w.vault
	}
	if w.s, err = newStream(newPrefix(to), w.o.Workers); err != nil {
		return fault.Join(err, w.file.Close())
	}
	logFile, err := w.o.Disk.Create(LogName(w.o.ID))
	if err != nil {
		w.s.close()
		return fault.Join(err, w.file.Close())
	}
	g := &w.o.Genesis
	w.log = &custodyLog{file: logFile, began: w.began, base: Event{
		Collection: w.o.ID, Actor: "device:" + w.o.Device.Name,
		Time: EventTime{Zone: g.Host.Zone, BootID: g.Host.BootID},
	}}
	return nil
}

// begin writes the first members and the event "started".
func (w *Writer) begin() (err error) {
	if w.key, err = newSessionKey(w.o.Random); err != nil {
		return err
	}
	statement, sig, err := w.genesis()
	if err != nil {
		return err
	}
	w.gen, w.prev = signed.HexSum(statement), signed.HexSum(statement)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seg.began = w.began
	for _, m := range []struct {
		name string
		body []byte
	}{
		{nameBagit, []byte("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")},
		{nameGenesis, statement},
		{nameGenesis + sigSuffix, sig},
	} {
		if _, err := w.addTag(m.name, m.body); err != nil {
			return err
		}
	}
	if err := w.addJob(w.o.Job); err != nil {
		return err
	}
	w.safe.SHA256 = signed.HexSum(nil)
	return w.logStarted()
}

func (w *Writer) genesis() (statement, sig []byte, err error) {
	by, err := w.o.Device.by()
	if err != nil {
		return nil, nil, err
	}
	g := &w.o.Genesis
	g.Type, g.Collection, g.Device = typeGenesis, w.o.ID, w.o.Device.Name
	g.DeviceKey, g.FirstKey = signed.PublicText(by.Public()), w.key.public
	g.Epoch, g.Time = w.began.Unix(), stamp(w.began, w.began)
	for _, list := range []*[]string{&g.Witness, &g.Recipients, &g.Require, &g.Host.MACs, &g.Host.IPs} {
		if *list == nil {
			*list = []string{}
		}
	}
	if statement, err = signed.Encode(g); err != nil {
		return nil, nil, err
	}
	if len(statement) > signed.MaxStatement {
		return nil, nil, fmt.Errorf("genesis statement of %d bytes: over %d; shorten --reason, --place or --witness", len(statement), signed.MaxStatement)
	}
	var check Genesis
	if err := signed.Decode(statement, &check); err != nil {
		return nil, nil, fmt.Errorf("genesis: a field is not UTF-8: %w", err)
	}
	sig, err = w.o.Device.sign(signed.Genesis, statement)
	return statement, sig, err
}

func (w *Writer) logStarted() error {
	g := &w.o.Genesis
	detail := []EventDetail{{"genesis", w.gen}, {"first_key", g.FirstKey}}
	if w.o.Job != nil {
		detail = append(detail, EventDetail{"job", signed.HexSum([]byte(w.o.Job.Payload))})
	}
	return w.logAsDevice(w.o.Now(), Event{
		Event:  eventStarted,
		Object: EventObject{Name: w.name(), SHA256: signed.HexSum(nil)},
		Place:  g.Place, Reason: g.Reason, Case: g.Case, Evidence: g.Evidence, Operator: g.Operator, Witness: g.Witness,
		Item:   &g.Host,
		Method: &EventMethod{Tool: g.Tool, Command: w.o.Command},
		Detail: detail,
	})
}

// add appends a member and accounts for it. The lock is held.
func (w *Writer) add(name string, body []byte) (sum [32]byte, err error) {
	sum = sha256.Sum256(body)
	return sum, w.addSummed(name, body, sum)
}

// addSummed is add of a body whose SHA-256 is known.
func (w *Writer) addSummed(name string, body []byte, sum [32]byte) error {
	if err := w.memberHead(name, int64(len(body))); err != nil {
		return err
	}
	w.s.Write(body)
	return w.memberEnd(name, int64(len(body)), sum)
}

// addTag is add for what is not payload.
func (w *Writer) addTag(name string, body []byte) (sum [32]byte, err error) {
	w.names.take(name)
	if sum, err = w.add(name, body); err == nil {
		w.tags.add(hex.EncodeToString(sum[:]) + "  " + name)
	}
	return sum, err
}

func (w *Writer) memberHead(name string, size int64) error {
	if err := w.alive(); err != nil {
		return err
	}
	w.index.add(fmt.Sprintf("%s\t%d\t%d\t%d", name, w.s.tar, size, w.k+1))
	_, err := w.s.Write(header(w.o.ID+"/"+name, size, w.o.Genesis.Epoch))
	return w.note(err)
}

func (w *Writer) memberEnd(name string, size int64, sum [32]byte) error {
	_, err := w.s.Write(make([]byte, padding(size)))
	line := hex.EncodeToString(sum[:]) + "  " + name
	w.seg.manifest = append(append(w.seg.manifest, line...), '\n')
	w.seg.entries++
	w.tree.add([]byte(line))
	if strings.HasPrefix(name, "data/") {
		w.payload.add(line)
		w.payloadBytes += size
		w.payloadFiles++
	}
	return w.note(err)
}

// alive says whether anything can still be kept.
func (w *Writer) alive() error {
	if w.broken != nil {
		return w.broken
	}
	if w.closed {
		return ErrClosed
	}
	return nil
}

// note remembers the error after which nothing can be kept.
func (w *Writer) note(err error) error {
	if err != nil && w.broken == nil {
		w.broken = fmt.Errorf("archive %s: %w", w.name(), err)
		w.s.out.fail(err)
	}
	return w.broken
}

// tick makes a checkpoint when one is due though nobody puts anything.
func (w *Writer) tick() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-w.stopTicker:
			return
		case <-t.C:
			w.mu.Lock()
			if w.alive() == nil && w.due() {
				w.note(w.checkpoint("open"))
			}
			w.mu.Unlock()
		}
	}
}

func (w *Writer) due() bool {
	if w.dark != nil {
		return w.fullInTheDark()
	}
	return w.seg.entries+len(w.seg.records) > 0 && (w.s.tar-w.seg.tarStart >= dueBytes ||
		w.seg.entries >= dueMembers || len(w.seg.records) >= dueRecords || w.o.Now().Sub(w.seg.began) >= dueAfter)
}

// Abort gives up: files are closed as they are. What the last checkpoint
// flushed can be verified and recovered.
func (w *Writer) Abort() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.close()
}

func (w *Writer) close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	close(w.stopTicker)
	w.s.close()
	w.eraseSessionKey()
	return fault.Join(w.file.Close(), w.log.file.Close(), w.forgetKeyFile())
}
