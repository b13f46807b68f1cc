package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hozen/packager"
)

// timesketch writes a line for each time of each row, and for each custody event. Fields
// of ours are text, whatever they are in the row: an index takes one type for a name.
//
//   - message, datetime, timestamp (µs since 1970), timestamp_desc: Timesketch's own;
//   - data_type: "hozen:" and what it is of;
//   - host, collection, item, row_number, verdict: where it is from, and whether that was believed;
//   - row: the whole row as the archive has it, with the first line of each row (item and
//     row_number name it in the others); row_b64 in its place where it is not UTF-8;
//   - some fields of the row; NAME_b64 has one that is not UTF-8, NAME what can be shown of it.
type timesketch struct {
	w     *bufio.Writer
	about About
	host  string
	all   []timed
	open  map[string]*tableLines
	sum   Summary
	buf   []byte
}

// tableLines are the rows of one table.
type tableLines struct {
	lines lines
	n     int64
}

// maxMessage bounds a message, in bytes; row has all.
const maxMessage = 2 << 10

func newTimesketch(w *bufio.Writer, about About) (*timesketch, error) {
	e := &timesketch{w: w, about: about, all: timedTables(), open: map[string]*tableLines{}}
	if g := about.Report.Genesis; g != nil {
		e.host = g.Host.Name
	}
	for _, event := range about.events() {
		if err := e.event(&event); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Want implements packager.Taker.
func (e *timesketch) Want(path string) bool { return tableOf(e.all, path) != nil }

// Bytes implements packager.Taker.
func (e *timesketch) Bytes(path string, b []byte) error {
	t := e.open[path]
	if t == nil {
		table := tableOf(e.all, path)
		t = &tableLines{}
		t.lines = lines{
			odd: func() { t.n++; e.sum.Rows++; e.sum.Odd++ },
			row: func(line []byte) error { t.n++; return e.row(table, path, t.n, line) },
		}
		e.open[path] = t
	}
	return t.lines.write(b)
}

// Record implements packager.Taker.
func (e *timesketch) Record(r packager.RecordLine) error {
	if r.Part == nil && e.open[r.Path] != nil {
		e.sum.Items++
	}
	return nil
}

// Close implements Exporter.
func (e *timesketch) Close() (Summary, error) {
	for _, t := range e.open {
		t.lines.end()
	}
	return e.sum, e.w.Flush()
}

func (e *timesketch) row(table *timed, path string, n int64, line []byte) error {
	e.sum.Rows++
	var r row
	if json.Unmarshal(line, &r) != nil || r == nil {
		e.sum.Odd++
		return nil
	}
	told := false
	var common []byte // what all lines of the row have
	for _, f := range table.times {
		for _, at := range r.times(f.field) {
			if !told {
				fields := e.fields(table, r)
				fields["item"], fields["row_number"] = strings.TrimPrefix(path, "data/"), fmt.Sprint(n)
				first := maps.Clone(fields)
				keep(first, "row", string(line))
				if err := e.line(at, f.desc, e.common(first)); err != nil {
					return err
				}
				told, common = true, e.common(fields)
				continue
			}
			if err := e.line(at, f.desc, common); err != nil {
				return err
			}
		}
	}
	if !told {
		e.sum.NoTime++
	}
	return nil
}

func (e *timesketch) fields(table *timed, r row) map[string]string {
	f := map[string]string{"data_type": "hozen:" + table.kind, "message": message(r, table.say)}
	for _, spec := range table.keep {
		name, field, ok := strings.Cut(spec, "=")
		if !ok {
			field = name
		}
		if t := r.texts(field); len(t) > 0 {
			keep(f, name, strings.Join(t, " "))
		}
	}
	return f
}

// keep puts text into a field, or what can be shown of it, and its bytes beside.
func keep(f map[string]string, name, s string) {
	switch {
	case utf8.ValidString(s):
		f[name] = s
	case name == "row":
		f["row_b64"] = base64Text(s)
	default:
		f[name], f[name+"_b64"] = safe(s), base64Text(s)
	}
}

func message(r row, say []string) string {
	var words []string
	for _, name := range say {
		words = append(words, r.texts(name)...)
	}
	words = slices.DeleteFunc(words, func(s string) bool { return s == "" })
	return cut(safe(strings.Join(words, " ")), maxMessage)
}

// cut cuts text that is too long, between its characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + " …"
}

// common gives fields as JSON without its first brace, with those that every line has.
// Their names are sorted, so that the same export is the same bytes.
func (e *timesketch) common(fields map[string]string) []byte {
	fields["collection"], fields["host"], fields["verdict"] = e.about.Report.Collection, safe(e.host), string(e.about.Report.Verdict)
	b, err := json.Marshal(fields)
	if err != nil { // text cannot fail
		return []byte("}")
	}
	return inert(b[1:])
}

// line writes a line.
func (e *timesketch) line(at time.Time, desc string, common []byte) error {
	b := append(e.buf[:0], `{"datetime":"`...)
	b = at.AppendFormat(b, "2006-01-02T15:04:05.000000+00:00")
	b = strconv.AppendInt(append(b, `","timestamp":`...), at.UnixMicro(), 10)
	b = append(append(b, `,"timestamp_desc":"`...), desc...)
	b = append(append(b, `",`...), common...)
	e.buf = append(b, '\n')
	e.sum.Written++
	_, err := e.w.Write(e.buf)
	return err
}

// event writes a line of the custody log.
func (e *timesketch) event(v *packager.Event) error {
	at, err := time.Parse(time.RFC3339Nano, v.Time.Wall)
	if err != nil {
		e.sum.NoTime++
		return nil
	}
	whole, err := json.Marshal(v)
	if err != nil {
		return err
	}
	words := slices.DeleteFunc([]string{"custody: " + v.Event, "by " + v.Actor, v.Operator, v.Place, v.Reason, v.Counterpart, v.Verdict, v.Object.Name},
		func(s string) bool { return s == "" })
	return e.line(at.UTC(), "Custody Event Time", e.common(map[string]string{
		"data_type": "hozen:custody", "message": cut(safe(strings.Join(words, ", ")), maxMessage), "item": packager.LogName(e.about.Report.Collection),
		"row_number": fmt.Sprint(v.Seq), "row": string(whole), "event": v.Event, "actor": v.Actor, "sha256": v.Object.SHA256,
	}))
}
