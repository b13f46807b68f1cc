package parsed

import (
	"time"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// FilesTable has one row for every file and format.
const FilesTable = "disk/parsed/files.jsonl"

// Table names the table of a format.
func Table(format string) string { return "disk/parsed/" + format + ".jsonl" }

// A Used is a file whose bytes were parsed.
type Used struct {
	Path   jsonl.Text `json:"path"`             // on the host
	Item   jsonl.Text `json:"item,omitempty"`   // that holds its raw bytes; "" if they were not taken
	Bytes  int64      `json:"bytes"`            // that were parsed, in the order of the file; holes are not among them
	SHA256 string     `json:"sha256,omitempty"` // of these bytes; hexadecimal
}

// A FileRow is one row of disk/parsed/files.jsonl: a file that was given to a parser, and
// what came of it.
type FileRow struct {
	Used
	Format    string           `json:"format"`              // its table is disk/parsed/FORMAT.jsonl
	Artifacts []string         `json:"artifacts,omitempty"` // the definitions that name it
	Size      int64            `json:"size"`                // bytes
	Outcome   evidence.Outcome `json:"outcome"`             // of parsing: partial where something of the file has no rows
	Reason    jsonl.Text       `json:"reason,omitempty"`    // why it is not all
	Rows      int64            `json:"rows"`
	Damage    int              `json:"damage,omitempty"`  // places where the file is damaged
	Damaged   []jsonl.Text     `json:"damaged,omitempty"` // the first few of them in words
	Beside    []Used           `json:"beside,omitempty"`  // files that were parsed with it: transaction logs
}

// A Common is what every row of a format begins with.
type Common struct {
	Path jsonl.Text `json:"path"` // of the file on the host
	Item jsonl.Text `json:"item"` // that holds its raw bytes; "" if they were not taken
}

// Stamp gives a time as rows have it: RFC 3339 in UTC with nine digits of nanoseconds;
// "" for the zero time.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000000Z")
}

func textOf(s string) jsonl.Text { return jsonl.Text(s) }
