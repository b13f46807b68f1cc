// Package export writes what an archive holds in the forms of other tools: Timesketch's
// JSON Lines, The Sleuth Kit's body file, and CASE/UCO 1.4 as JSON-LD. It gets nothing but
// what was verified: an Exporter is a packager.Taker. What each form cannot hold is told by
// Lost.
//
// Begin with New. rows.go reads tables line by line, timed.go says which tables have times
// worth telling and timesketch.go writes them, bodyfile.go writes the body file; case.go
// writes the custody record, and graph.go knows how JSON-LD is written; text.go keeps
// hostile text harmless and whole.
package export

import (
	"bufio"
	"fmt"
	"io"

	"hozen/packager"
)

// A Format is a form that an archive is exported to.
type Format string

// The formats.
const (
	// Timesketch is JSON Lines as Timesketch imports them (https://timesketch.org,
	// "Import from JSON or CSV"): message, datetime, timestamp_desc, and fields of ours.
	Timesketch Format = "timesketch"
	// Bodyfile is The Sleuth Kit's body file 3.x (wiki.sleuthkit.org, "Body file").
	Bodyfile Format = "bodyfile"
	// Case is CASE 1.4.0 with UCO 1.4.0 (https://caseontology.org), as JSON-LD.
	Case Format = "case"
)

// Formats gives all formats.
func Formats() []Format { return []Format{Timesketch, Bodyfile, Case} }

// About is what an export says of where it comes from.
type About struct {
	// Archive is the name of the archive's file, SHA256 its hash (hex; "" if not known).
	Archive, SHA256 string
	// Report is what the verification of the archive found. Nothing is exported of an
	// archive in which nothing is authentic. The events of a log that contradicts the
	// archive are not told.
	Report *packager.Report
}

// Summary says what an export holds, and what it left out.
type Summary struct {
	Items   int   // of the archive, that were read
	Rows    int64 // of tables, that were read
	Written int64 // lines, or nodes of the graph
	// NoTime counts rows without a time that the format can tell, Odd those that are no
	// rows as the tables of this program have them, or are over maxRow bytes.
	NoTime, Odd int64
}

// An Exporter writes one format while an archive is read (packager.Take). Close ends the
// file; without it, what was written is not whole.
type Exporter interface {
	packager.Taker
	Close() (Summary, error)
}

// New begins an export to w. Two exports of the same archive with the same log are the
// same bytes.
func New(f Format, w io.Writer, about About) (Exporter, error) {
	out := bufio.NewWriterSize(w, 1<<16)
	switch f {
	case Timesketch:
		return newTimesketch(out, about)
	case Bodyfile:
		return newBodyfile(out), nil
	case Case:
		return newCase(out, about)
	}
	return nil, fmt.Errorf("format %q: not one of %v", f, Formats())
}

// events gives the events that may be told.
func (a About) events() []packager.Event {
	if a.Report.Axes.Custody == "contradicted" {
		return nil
	}
	return a.Report.Events
}

// Lost says what a format cannot hold, one sentence each.
func Lost(f Format) []string {
	const proof = "The signatures, the checkpoints and the proof: only the archive and its custody log have them."
	switch f {
	case Timesketch:
		return []string{proof,
			"Digits of time below a microsecond in datetime; the field row, on the first line of each row, has the row as it was.",
			"Rows without a time, tables that have none, and the raw items that the tables were made from.",
			"Times before the year 1 or after 9999.",
			"The events of a custody log that contradicts the archive."}
	case Bodyfile:
		return []string{proof,
			"Everything but the timeline of files: no process, socket, session or event of custody.",
			"Fractions of seconds, and times before 1970: 0 stands in their place.",
			"MD5, which is always 0; sizes on disk, numbers of links, devices, attributes, and objects that could not be looked at."}
	case Case:
		return []string{proof,
			"Contents: files are named by path, size and hash.",
			"Items that were denied, skipped or failed have no node: the archive's records say why.",
			"Of each item, which collector took it, and the mode, owner and times of the file that it was read from.",
			"Which clock a time was told by, and how far off it may be, but as text in annotations; the clock since boot.",
			"The custody log's chain of hashes (the order of events is kept), and the events of a log that contradicts the archive."}
	}
	return nil
}
