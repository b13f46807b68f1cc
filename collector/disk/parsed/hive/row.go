package hive

import (
	"fmt"
	"time"

	"hozen/collector/filetime"
	"hozen/collector/jsonl"
	"hozen/collector/registry/hive"
)

// A HeadRow is the first row of a hive: what its base block says. (Fields that a row of
// each kind has have the same name and meaning.)
type HeadRow struct {
	Kind string `json:"kind"` // "hive"
	// Name is the end of the file's name as Windows wrote it into the file; Root that of
	// the first key.
	Name    jsonl.Text `json:"name"`
	Root    jsonl.Text `json:"root"`
	Version string     `json:"version"` // "1.5"
	// Written is the base block's time, which Windows since 8.1 does not keep; Reorganized
	// is when the hive was last put into order.
	Written     *time.Time `json:"written,omitempty"`
	Reorganized *time.Time `json:"reorganized,omitempty"`
	// Primary and Secondary are the sequence numbers in the file.
	Primary   uint32 `json:"primary"`
	Secondary uint32 `json:"secondary"`
	// Dirty says that they differ, or that the checksum is wrong: the file alone is not
	// what the registry was.
	Dirty bool `json:"dirty"`
	// HeadFromLog says that the base block is damaged, and one from a log was taken.
	HeadFromLog bool     `json:"head_from_log,omitempty"`
	Length      uint32   `json:"length"` // bytes of the hive bins, with what logs added
	Logs        []LogRow `json:"logs,omitempty"`
}

// A LogRow is a transaction log beside a hive, and what was done with it.
type LogRow struct {
	Log     jsonl.Text `json:"log"`               // its name on the host
	Format  string     `json:"format,omitempty"`  // old (one bitmap) or new (entries)
	Entries int        `json:"entries,omitempty"` // that were applied
	First   uint32     `json:"first,omitempty"`   // the first of them by its sequence number
	Last    uint32     `json:"last,omitempty"`
	Pages   int        `json:"pages,omitempty"`  // that were applied
	Reason  jsonl.Text `json:"reason,omitempty"` // why nothing, or nothing more, was applied
}

// A KeyRow is a key with its values.
type KeyRow struct {
	Kind string `json:"kind"` // "key"
	// Key is its path below the root of the hive; names are divided by backslashes, and
	// may have any other character, NUL too.
	Key     jsonl.Text `json:"key"`
	Written *time.Time `json:"written,omitempty"` // when it, its values or the list of its keys were last changed
	Class   jsonl.Text `json:"class,omitempty"`
	Offset  int64      `json:"offset"` // of its cell in the file
	// Flags are its bits as they are in the file, without 0x20 (how the name is written).
	Flags uint16 `json:"flags,omitempty"`
	// Deleted says that the key lies in a free cell: it was deleted, or moved. Its values
	// may be of another key by now.
	Deleted bool `json:"deleted,omitempty"`
	// Detached says that the key above a deleted one is not known: Key begins below it.
	Detached   bool       `json:"detached,omitempty"`
	Values     []ValueRow `json:"values,omitempty"`
	ValuesLeft int64      `json:"values_left,omitempty"` // that are not in the row
}

// A ValueRow is a value. Of text, texts, number and data it has the one that its type
// asks for; data too where the type does not tell all.
type ValueRow struct {
	Name jsonl.Text `json:"name"` // empty: the default value
	Type string     `json:"type"` // Windows' word, or the number in hexadecimal
	Size int64      `json:"size"` // of the data in bytes
	// Text is of REG_SZ, REG_EXPAND_SZ and REG_LINK, up to the first NUL, not expanded.
	Text   *jsonl.Text  `json:"text,omitempty"`
	Texts  []jsonl.Text `json:"texts,omitempty"`  // of REG_MULTI_SZ
	Number *uint64      `json:"number,omitempty"` // of REG_DWORD, REG_DWORD_BIG_ENDIAN, REG_QWORD
	Data   []byte       `json:"data,omitempty"`   // of other types, or if it is odd; base64
	Odd    string       `json:"odd,omitempty"`    // what in the data is not as the type has it
	// Cut says that only the beginning is here; SHA256 is of the whole data then.
	Cut    bool       `json:"cut,omitempty"`
	SHA256 string     `json:"sha256,omitempty"`
	Error  jsonl.Text `json:"error,omitempty"` // why the data are not there, or not all
}

// A DamageRow is a place where the file is not as it should be.
type DamageRow struct {
	Kind   string `json:"kind"`   // "damage"
	Offset int64  `json:"offset"` // in the file
	What   string `json:"what"`
}

// headRow makes the first row; root is nil where the first key cannot be read.
func headRow(h *hive.Hive, root *hive.Key) HeadRow {
	head, replay := h.Head(), h.Replay()
	row := HeadRow{
		Kind: "hive", Name: textOf(head.Name), Version: fmt.Sprintf("%d.%d", head.Major, head.Minor),
		Written: moment(head.Written), Reorganized: moment(head.Reorganized &^ 3), // two bits say what was done
		Primary: replay.File.Primary, Secondary: replay.File.Secondary,
		Dirty: replay.Dirty, HeadFromLog: replay.Head, Length: head.Length,
	}
	if root != nil {
		row.Root = textOf(root.Name)
	}
	for _, l := range replay.Logs {
		row.Logs = append(row.Logs, LogRow{
			Log: textOf(l.Name), Format: l.Format, Entries: l.Entries, First: l.First, Last: l.Last, Pages: l.Pages, Reason: textOf(l.Why),
		})
	}
	return row
}

// moment is a FILETIME; nil where none is set.
func moment(v uint64) *time.Time {
	t := filetime.Time(v)
	if t.IsZero() {
		return nil
	}
	return &t
}
