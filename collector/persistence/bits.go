package persistence

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
	"hozen/packager/evidence"
)

// A BITSRow is a string of BITS' queue that may be part of a job: an address, a local
// file, a program. It is no job: the queue's format is Microsoft's own, and what belongs
// together can only be guessed from what lies beside it.
type BITSRow struct {
	File   jsonl.Text `json:"file"`
	Offset int64      `json:"offset"` // of the string in the file
	Kind   string     `json:"kind"`   // url, path, guid
	Text   jsonl.Text `json:"text"`
	// Before is the Latin text before it, within 512 bytes: often the name of the job.
	Before  jsonl.Text  `json:"before,omitempty"`
	Command *CommandRow `json:"command,omitempty"` // of a path to a program: its file
}

// Limits of one queue.
const (
	maxQueue   = 256 << 20
	maxBITS    = 1 << 16 // rows
	bitsChunk  = 1 << 20
	bitsLap    = 8 << 10 // a string may go on over the end of a chunk
	bitsNear   = 512
	bitsLength = 4 << 10 // units of one string
)

// bits puts the strings of BITS' queues: qmgr.db (ESE, since Windows 10) and its logs'
// predecessors qmgr0.dat and qmgr1.dat. The raw files are taken by disk.
func (j *job) bits() error {
	dir := j.env["PROGRAMDATA"] + `\Microsoft\Network\Downloader`
	return j.put("bits", dir+`\qmgr*`, func(t *table) {
		there := 0
		for _, name := range []string{"qmgr.db", "qmgr0.dat", "qmgr1.dat"} {
			path := dir + `\` + name
			r, size, err := j.files.open(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			there++
			if err == nil {
				if size > maxQueue {
					t.tally.Add(path, evidence.Cut("over %d bytes", maxQueue))
				}
				err = j.queue(t, path, r, min(size, maxQueue))
				r.Close()
			}
			t.tally.Add(path, err)
		}
		if there == 0 {
			t.err = evidence.NotHere("no queue of BITS")
		}
	})
}

func (j *job) queue(t *table, path string, r io.ReaderAt, size int64) error {
	seen := map[string]bool{} // a job is written again with each change
	for at := int64(0); at < size; at += bitsChunk {
		if j.ctx.Err() != nil {
			return context.Cause(j.ctx)
		}
		b := make([]byte, min(bitsChunk+bitsLap, size-at))
		n, err := r.ReadAt(b, at)
		if err != nil && err != io.EOF {
			return err
		}
		for s := range marked(b[:n]) {
			if s.at >= bitsChunk || seen[s.kind+s.text] {
				continue
			}
			if len(seen) == maxBITS {
				return evidence.Cut("over %d strings", maxBITS)
			}
			seen[s.kind+s.text] = true
			row := BITSRow{File: jsonl.Text(path), Offset: at + int64(s.at), Kind: s.kind, Text: jsonl.Text(s.text), Before: jsonl.Text(before(b[:s.at]))}
			if s.kind == "path" && runnable(s.text) {
				row.Command = j.library(s.text, false, j.env, false)
			}
			t.row(&row)
		}
	}
	return nil
}

// runnable says whether a file's name ends like that of something that is run.
func runnable(path string) bool {
	lower := strings.ToLower(path)
	for _, end := range []string{".exe", ".dll", ".com", ".scr", ".bat", ".cmd", ".ps1", ".vbs", ".js", ".hta"} {
		if strings.HasSuffix(lower, end) {
			return true
		}
	}
	return false
}

// A wideString is a run of readable UTF-16 that begins like an address or a path.
type wideString struct {
	text, kind string
	at         int // bytes
}

// marked gives such runs, at even places and at odd ones: records of ESE may begin
// anywhere.
func marked(b []byte) func(func(wideString) bool) {
	return func(yield func(wideString) bool) {
		for at := 0; at+8 <= len(b); at++ {
			kind := bitsKind(b[at:])
			if kind == "" {
				continue
			}
			end := at
			for end+2 <= len(b) && readableUnit(b[end], b[end+1]) && end-at < 2*bitsLength {
				end += 2
			}
			if end-at < 8 {
				continue
			}
			if !yield(wideString{utf16.WTF8(b[at:end]), kind, at}) {
				return
			}
			at = end - 1
		}
	}
}

// bitsKind says what begins here: "http", "ftp:", "file", "C:\", "\\".
func bitsKind(b []byte) string {
	var head [4]byte
	for i := range head {
		if b[2*i+1] != 0 && i < 3 {
			return ""
		}
		head[i] = b[2*i]
	}
	drive := head[0] | 0x20
	switch lower := strings.ToLower(string(head[:])); {
	case b[7] == 0 && (lower == "http" || lower == "ftp:" || lower == "file"):
		return "url"
	case drive >= 'a' && drive <= 'z' && head[1] == ':' && head[2] == '\\', head[0] == '\\' && head[1] == '\\' && head[2] != '\\' && head[2] != 0:
		return "path"
	}
	return ""
}

// before gives the last run of three readable units or more in front of a place.
func before(b []byte) string {
	b = b[max(0, len(b)-bitsNear):]
	for last := len(b); last >= 6; last-- {
		from := last
		for from >= 2 && readableUnit(b[from-2], b[from-1]) && b[from-1] == 0 {
			from -= 2
		}
		if last-from >= 6 {
			return utf16.WTF8(b[from:last])
		}
	}
	return ""
}

// readableUnit says whether a unit is a letter or sign that names of files and addresses
// have: ASCII, Latin, Greek, Cyrillic, kana, the common ideographs, hangul.
func readableUnit(low, high byte) bool {
	switch {
	case high == 0:
		return low >= 0x20 && low != 0x7f && (low < 0x80 || low >= 0xa0)
	case high <= 0x05, high == 0x30, high == 0xff, high >= 0x4e && high <= 0x9f, high >= 0xac && high <= 0xd7:
		return low >= 0x20 || high > 0x30
	}
	return false
}
