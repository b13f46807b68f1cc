package outbox

import (
	"path/filepath"
	"slices"
	"time"

	"hozen/packager"
	"hozen/service/deliver"
	"hozen/service/protocol"
)

// State is how far a collection got.
type State string

// States.
const (
	Waiting   State = "waiting"
	Sent      State = "sent"      // both files are there; a receipt is waited for
	Delivered State = "delivered" // by a receipt that carries the hashes, or where there are none, by the destination's word
)

// An Entry is what is known of one collection; its JSON is the state file.
type Entry struct {
	Collection string `json:"collection"`
	Job        string `json:"job,omitempty"` // that asked for it
	To         string `json:"to"`            // name of the destination
	Partial    bool   `json:"partial"`       // it was never sealed
	State      State  `json:"state"`
	Archive    File   `json:"archive"`
	Log        File   `json:"log"`

	Added    time.Time `json:"added"`
	Tried    time.Time `json:"tried,omitzero"`
	Next     time.Time `json:"next,omitzero"` // not before; zero: at once
	Attempts int       `json:"attempts"`      // that failed, in a row
	Error    string    `json:"error,omitempty"`

	DeliveredAt time.Time               `json:"delivered_at,omitzero"`
	Receipt     *protocol.SignedReceipt `json:"receipt,omitempty"`
	Verdict     string                  `json:"verdict,omitempty"` // of the receipt
	Deleted     bool                    `json:"deleted"`           // the local copy is gone
}

// File is one of the two files of a collection.
type File struct {
	Name   string        `json:"name"`
	Bytes  int64         `json:"bytes"`
	SHA256 string        `json:"sha256,omitempty"` // of what was sent; "" before
	Acked  int64         `json:"acknowledged"`     // bytes, as they were at the last try
	Proof  deliver.Proof `json:"proof,omitempty"`  // why it is believed to be there, whole
}

func (f File) whole() protocol.Whole {
	return protocol.Whole{Name: f.Name, Bytes: f.Bytes, SHA256: f.SHA256}
}

// valid refuses a state that would make us touch other files than the collection's.
func (e *Entry) valid() bool {
	archive := slices.Contains(packager.FileNames(e.Collection), e.Archive.Name)
	return archive && e.Log.Name == packager.LogName(e.Collection) && filepath.Base(e.Log.Name) == e.Log.Name &&
		(e.State == Waiting || e.State == Sent || e.State == Delivered)
}

// proved says whether the local copy may go: somebody who signs says that he has the
// same bytes and that they are evidence, or all of them were read back.
func (e *Entry) proved() bool {
	if e.State != Delivered {
		return false
	}
	if e.Receipt != nil {
		switch e.Verdict {
		case string(packager.Invalid), string(packager.NotEvidence), protocol.NotVerified, "":
			return false
		}
		return true
	}
	return e.Archive.Proof == deliver.ReadBack && e.Log.Proof == deliver.ReadBack
}

// now is a time as the state file keeps it.
func now(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
