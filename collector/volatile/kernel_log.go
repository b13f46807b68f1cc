package volatile

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/proc"
)

// LogRow is one record of the kernel's ring buffer
// (Documentation/ABI/testing/dev-kmsg, or syslog(2) where that device is not there).
type LogRow struct {
	Kind     string       `json:"kind"`     // "log"
	Level    int          `json:"level"`    // 0 emergency … 7 debug
	Facility int          `json:"facility"` // 0 is the kernel; others are written by programs
	Sequence uint64       `json:"sequence,omitempty"`
	TimeUS   int64        `json:"time_us"`          // since boot, suspended time not counted
	Flag     jsonl.Text   `json:"flag,omitempty"`   // c: first of a continued line, +: its rest
	Caller   jsonl.Text   `json:"caller,omitempty"` // T123 thread, C0 processor, where the kernel keeps it
	Text     jsonl.Text   `json:"text"`             // escapes of the kernel (\x0a) undone
	Fields   []jsonl.Text `json:"fields,omitempty"` // KEY=value lines: SUBSYSTEM, DEVICE
}

// parseKmsg reads one record: "prefix,seq,µs,flag[,caller=X];text\n KEY=value\n".
func parseKmsg(record string) (LogRow, error) {
	head, body, ok := strings.Cut(record, ";")
	f := strings.Split(head, ",")
	if !ok || len(f) < 3 {
		return LogRow{}, fmt.Errorf("kmsg record %q: no head", proc.Clip(record))
	}
	prio, err := strconv.ParseUint(f[0], 10, 31)
	if err != nil {
		return LogRow{}, fmt.Errorf("kmsg record %q: priority: %w", proc.Clip(record), err)
	}
	seq, err := strconv.ParseUint(f[1], 10, 64)
	if err != nil {
		return LogRow{}, fmt.Errorf("kmsg record %q: sequence: %w", proc.Clip(record), err)
	}
	us, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return LogRow{}, fmt.Errorf("kmsg record %q: time: %w", proc.Clip(record), err)
	}
	row := LogRow{Kind: "log", Level: int(prio & 7), Facility: int(prio >> 3), Sequence: seq, TimeUS: us}
	for i, x := range f[3:] {
		if i == 0 && x != "-" {
			row.Flag = jsonl.Text(x)
		}
		if c, ok := strings.CutPrefix(x, "caller="); ok {
			row.Caller = jsonl.Text(c)
		}
	}
	text, rest, _ := strings.Cut(body, "\n")
	row.Text = jsonl.Text(proc.UnescapeHex(text))
	for line := range strings.Lines(rest) {
		row.Fields = append(row.Fields, jsonl.Text(proc.UnescapeHex(strings.TrimSuffix(strings.TrimPrefix(line, " "), "\n"))))
	}
	return row, nil
}

// splitKmsg cuts what was read from /dev/kmsg into records again: a record's
// further lines begin with a space, its text has no newline of its own.
func splitKmsg(raw []byte) (records []string) {
	for len(raw) > 0 {
		end := 0
		for {
			i := bytes.IndexByte(raw[end:], '\n')
			if i < 0 {
				end = len(raw)
				break
			}
			end += i + 1
			if end == len(raw) || raw[end] != ' ' {
				break
			}
		}
		records = append(records, string(raw[:end]))
		raw = raw[end:]
	}
	return records
}

// parseSyslogLine reads a line of syslog(2): "<6>[   12.345678] text".
func parseSyslogLine(line string) (LogRow, error) {
	prio, rest, ok := strings.Cut(strings.TrimPrefix(line, "<"), ">")
	n, err := strconv.ParseUint(prio, 10, 31)
	if !ok || err != nil {
		return LogRow{}, fmt.Errorf("kernel log line %q: no priority", proc.Clip(line))
	}
	row := LogRow{Kind: "log", Level: int(n & 7), Facility: int(n >> 3), Text: jsonl.Text(rest)}
	stamp, text, ok := strings.Cut(rest, "] ")
	sec, frac, dot := strings.Cut(strings.TrimLeft(strings.TrimPrefix(stamp, "["), " "), ".")
	s, err1 := strconv.ParseInt(sec, 10, 40)
	us, err2 := strconv.ParseInt(frac, 10, 32)
	if ok && dot && len(frac) == 6 && err1 == nil && err2 == nil && s >= 0 && us >= 0 {
		row.TimeUS, row.Text = s*1e6+us, jsonl.Text(text)
	}
	return row, nil
}

// parseLog makes the rows from the raw bytes of either source; lines that are
// not understood are counted.
func parseLog(raw []byte) (rows []LogRow, bad int, err error) {
	for _, rec := range splitKmsg(raw) {
		var row LogRow
		var e error
		if strings.HasPrefix(rec, "<") {
			row, e = parseSyslogLine(strings.TrimSuffix(rec, "\n"))
		} else {
			row, e = parseKmsg(rec)
		}
		if e != nil {
			if bad++; bad == 1 {
				err = e
			}
			continue
		}
		rows = append(rows, row)
	}
	return rows, bad, err
}
