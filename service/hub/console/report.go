package console

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"hozen/packager"
	"hozen/packager/report"
	"hozen/packager/report/model"
	"hozen/service/hub/view"
)

// Bounds of the report on an archive: the largest that is read for it (of a larger one,
// hozen report makes it), how many are made at once, and how long one may take.
const (
	mostReported = 4 << 30
	maxReports   = 1
	reportTime   = 10 * time.Minute
)

// Reports says whether the console makes a report on the archive. Of cipher text it tells
// what the custody log does.
func (d archiveData) Reports() bool {
	return d.State == "receipted" && d.Archive.Archive.Bytes <= mostReported
}

// report makes the report on an archive, of what is stored. It is a page of its own: in a
// sandbox it has no origin, and so neither cookies of the console nor its pages.
func (c *console) report(q *request) error {
	a, err := c.Hub.Archive(q.ctx(), q.r.PathValue("device"), q.r.PathValue("collection"))
	if err != nil {
		return err
	}
	if !(archiveData{Archive: a}).Reports() {
		return fmt.Errorf("report of %s: %w", a.Collection, view.ErrNotFound)
	}
	rc := http.NewResponseController(q.w)
	_ = rc.SetReadDeadline(time.Time{}) // nothing more is read; a deadline that passes would end the request
	_ = rc.SetWriteDeadline(time.Now().Add(reportTime))
	ctx, cancel := context.WithTimeout(q.ctx(), reportTime)
	defer cancel()
	select {
	case c.reports <- struct{}{}:
		defer func() { <-c.reports }()
	case <-ctx.Done():
		return ctx.Err()
	}
	made, err := c.reportCase(ctx, a)
	if err != nil {
		return err
	}
	made.Japanese = q.lang == japanese
	name := fileName(a.Collection) + ".report.html"
	c.note(q, "console: report", "file", name)
	h := q.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Disposition", `inline; filename="`+name+`"`)
	h.Set("Content-Security-Policy", report.Policy()+"; sandbox allow-scripts allow-modals; frame-ancestors 'none'")
	if q.r.Method != http.MethodHead {
		_, _ = report.Write(q.w, made) // who reads may go away
	}
	return nil
}

// reportCase reads the archive, verifying it again. What the hub itself found, with those whom
// it believes, is the verdict, as long as the bytes are those it found it of.
func (c *console) reportCase(ctx context.Context, a view.Archive) (report.Case, error) {
	file, err := c.spool(ctx, a)
	if err != nil {
		return report.Case{}, err
	}
	defer file.Close()
	o := packager.VerifyOptions{}
	if log, _, err := c.Hub.Open(ctx, a.Device, a.Collection, "log"); err == nil {
		o.Log, err = io.ReadAll(io.LimitReader(log, 8*mostLog))
		log.Close()
		if err != nil {
			return report.Case{}, fmt.Errorf("log of %s: %w", a.Collection, err)
		}
	}
	m := model.New(time.Time{})
	r, err := packager.Take(ctx, file, a.Archive.Bytes, o, m)
	if err != nil {
		return report.Case{}, fmt.Errorf("report of %s: %w", a.Collection, err)
	}
	m.Finish()
	events := r.Events
	hub := new(packager.Report)
	if r.Verdict != packager.Invalid && len(a.Report) > 0 && json.Unmarshal(a.Report, hub) == nil && hub.Head == r.Head && hub.Bytes == r.Bytes {
		hub.Genesis, hub.Seal, hub.Job = r.Genesis, r.Seal, r.Job
		r = hub
	}
	made := report.Case{Model: m, Verified: r, Events: events, Archive: a.Archive.Name, Fingerprint: r.Fingerprint, Made: c.Now(), Tool: "hozen hub"}
	if r.Genesis != nil {
		made.Genesis = *r.Genesis
	}
	return made, nil
}

// spool copies the archive to a file that can be read at any place, and has no name where
// the system allows that.
func (c *console) spool(ctx context.Context, a view.Archive) (*spooled, error) {
	from, size, err := c.Hub.Open(ctx, a.Device, a.Collection, "archive")
	if err != nil {
		return nil, err
	}
	defer from.Close()
	if size != a.Archive.Bytes {
		return nil, fmt.Errorf("archive of %s: %d bytes are stored, the receipt says %d", a.Collection, size, a.Archive.Bytes)
	}
	f, err := os.CreateTemp("", "hozen-report-*")
	if err != nil {
		return nil, err
	}
	s := &spooled{f}
	_ = os.Remove(f.Name()) // where that is allowed: else Close does it
	n, err := io.Copy(f, io.LimitReader(from, size))
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("archive of %s: %w", a.Collection, err)
	}
	return s, nil
}

// spooled is a temporary file.
type spooled struct{ *os.File }

// Close implements io.Closer, and removes the file.
func (s *spooled) Close() error {
	err := s.File.Close()
	_ = os.Remove(s.Name())
	return err
}
