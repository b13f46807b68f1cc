package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/packager/custody"
	"hozen/packager/signed"
	"hozen/packager/text"
	"hozen/packager/timestamp"
	"hozen/service/config"
	"hozen/service/remote/witness"
)

// stampTime bounds how long all authorities together are asked.
const stampTime = 20 * time.Second

// maxCertificates bounds a file of certificates, in bytes.
const maxCertificates = 8 << 20

// stampOptions are the flags that say who is asked for a time stamp.
type stampOptions struct {
	urls     []string
	ca       string
	loopback bool
	plain    bool             // http is allowed to all, where there are roots
	roots    *timestamp.Roots // that must have certified the authority; nil: any
	time     time.Duration    // bounds asking; 0: stampTime
	// anyway: what is wrong with these options is told where a time stamp should be, and
	// stops no collection.
	anyway bool
}

func (a *app) stampFlags(c *cobra.Command, o *stampOptions) {
	f := c.Flags()
	f.StringArrayVar(&o.urls, "tsa", nil, a.text(mFlagTSA))
	f.StringVar(&o.ca, "tsa-ca", "", a.text(mFlagTSACA))
	f.BoolVar(&o.loopback, "tsa-http-loopback", false, a.text(mFlagTSALoopback))
}

// witness reads the file of certificates and checks the addresses, before anything else
// is done.
func (o stampOptions) witness(a *app) (w witness.Options, err error) {
	w = witness.Options{PlainLoopback: o.loopback, Plain: o.plain, Roots: o.roots, Random: a.random, Now: a.now}
	for _, u := range o.urls {
		if err := witness.CheckURL(u, w); err != nil {
			return w, usage(err, a.text(mHintTSA))
		}
	}
	if o.ca == "" {
		return w, nil
	}
	b, err := readBounded(o.ca, maxCertificates)
	if err != nil {
		return w, fail(err, "")
	}
	if w.Authorities = x509.NewCertPool(); !w.Authorities.AppendCertsFromPEM(text.UTF8(b)) {
		return w, usage(fmt.Errorf("--tsa-ca %s: no certificate in it", o.ca), "")
	}
	return w, nil
}

// readBounded reads a file of a bounded size.
func readBounded(name string, most int64) ([]byte, error) {
	st, err := os.Stat(name)
	if err == nil && (!st.Mode().IsRegular() || st.Size() > most) {
		err = fmt.Errorf("%s: not a file of at most %d bytes", name, most)
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

// stamped is what came of asking for a time stamp: a part of the summary.
type stamped struct {
	Time     string `json:"time,omitempty"`
	TSA      string `json:"tsa,omitempty"`
	URL      string `json:"url,omitempty"`
	OffsetMS int64  `json:"clock_offset_ms"`
	MostMS   int64  `json:"clock_max_error_ms"` // how wrong this machine's clock may be, by it
	Error    string `json:"error,omitempty"`    // why there is none
}

// stampEvent is the event of an answer, with what it says of this machine's clock.
func stampEvent(head string, sealed bool, answer *witness.Answer) (packager.Event, error) {
	e, err := packager.TimestampEvent(head, sealed, answer.Response, answer.Token)
	e.Time.Sources, e.Time.MaxErrorMS = []packager.ClockSource{answer.Clock}, roundUp(answer.MaxError)
	return e, err
}

func roundUp(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

func (o stampOptions) limit() time.Duration { return cmp.Or(o.time, stampTime) }

// shutdownTime bounds asking while the machine is being switched off.
const shutdownTime = 5 * time.Second

// asConfigured is what the resident agent's configuration wants of every archive of this
// machine, whoever asked for it: to whom it is encrypted, who is asked about the time.
func (o *collectOptions) asConfigured(c *config.Config) {
	o.encrypt.to = c.EncryptTo
	o.stamp = stampOptions{urls: c.Timestamp.TSA, ca: c.Timestamp.CA, loopback: true, anyway: true}
	o.ntp = c.NTP
}

// ask asks for a time stamp of a head hash.
func (o stampOptions) ask(ctx context.Context, head string, w witness.Options) (*witness.Answer, error) {
	var sum [32]byte
	if n, err := hex.Decode(sum[:], []byte(head)); err != nil || n != len(sum) {
		return nil, fmt.Errorf("head hash %q", head)
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit())
	defer cancel()
	return witness.Stamp(ctx, sum, o.urls, w)
}

// behindSeal is called by the writer once all is sealed and flushed.
func (c *collection) behindSeal(s packager.Sealed, tell func(packager.Event) error) {
	if c.afterSeal != nil {
		c.afterSeal(s, tell)
	}
}

// stampSeal asks for a time stamp once all is sealed and flushed. What fails is a warning,
// and told to the log.
func (c *collection) stampSeal(ctx context.Context, s packager.Sealed, tell func(packager.Event) error) {
	a := c.a
	c.ui.screen.draw("")
	c.ui.screen.line(a.text(mStampAsking, int(c.o.stamp.limit().Seconds())))
	var answer *witness.Answer
	err := c.noWitness
	if err == nil {
		answer, err = c.o.stamp.ask(ctx, s.Head, c.witness)
	}
	if err == nil {
		var e packager.Event
		if e, err = stampEvent(s.Head, true, answer); err == nil {
			err = tell(e)
		}
	}
	if err == nil {
		c.stamped = &stamped{Time: signed.Wall(answer.Token.Time), TSA: escape(answer.Token.TSA), URL: answer.URL, OffsetMS: answer.Clock.OffsetMS, MostMS: roundUp(answer.MaxError)}
		return
	}
	c.stamped = &stamped{Error: escape(err.Error())}
	c.ui.warn("no_time_stamp", a.text(mStampFailed, a.why(err)))
	note := packager.Event{Event: "timestamp_failed", Detail: []packager.EventDetail{{Name: "error", Value: err.Error()}}}
	if err := tell(note); err != nil {
		c.ui.warn("log", a.text(mStampNotKept, a.why(err)))
	}
}

// sayStamp says what the authority said.
func (c *collection) sayStamp(w io.Writer, s summary) {
	switch t := s.TimeStamp; {
	case t == nil:
	case t.Error != "":
		fmt.Fprintln(w, c.a.text(mWarning, c.a.text(mStampFailed, c.a.sentence(t.Error))))
	default:
		fmt.Fprintln(w, c.a.text(mSumStamp, t.Time, t.TSA, c.a.offsetText(t.OffsetMS, t.MostMS)))
	}
}

// offsetText says by how much this machine's clock differs, with its error.
func (a *app) offsetText(offset, most int64) string {
	unsure := custody.Unsure(offset, most)
	if max(offset, -offset) <= unsure {
		return a.text(mNoOffset, unsure)
	}
	return a.text(mOffset, offset, unsure)
}

// stampText says what a time stamp says, and whether it is believed.
func (a *app) stampText(s packager.TimeStamp) string {
	if s.Believed {
		return a.text(mStampBelieved, s.Time, s.TSA, a.sentence(s.Of))
	}
	return a.text(mStampNot, s.Time, s.TSA, a.sentence(s.Why))
}

// tsaRoots reads the roots that an auditor gives; nil if he gives none.
func (a *app) tsaRoots(name string) (*timestamp.Roots, error) {
	if name == "" {
		return nil, nil
	}
	b, err := readBounded(name, maxCertificates)
	if err != nil {
		return nil, fail(err, "")
	}
	r, err := timestamp.ParseRoots(b)
	if err != nil {
		return nil, fail(fmt.Errorf("--tsa-roots %s: %w", name, err), a.text(mHintRoots))
	}
	return r, nil
}

// tokens reads time stamps that lie in files.
func tokens(names []string) (list [][]byte, err error) {
	for _, name := range names {
		b, err := readBounded(name, timestamp.MaxResponse)
		if err != nil {
			return nil, fail(err, "")
		}
		list = append(list, b)
	}
	return list, nil
}

var errNoHead = errors.New("it has no head: nothing is authenticated, and its custody log names none")
