package packager

import (
	"encoding/json"
	"fmt"

	"hozen/packager/signed"
	"hozen/packager/text"
)

const (
	eventReceipt = "receipt"
	typeReceipt  = "hozen/receipt/1"
)

// ReceiptEvent is the event that a hub's receipt came: its statement and signature,
// byte for byte as they came.
func ReceiptEvent(statement, sig string) Event {
	return Event{Event: eventReceipt, Detail: []EventDetail{{"receipt", statement}, {"receipt_sig", sig}}}
}

// receiptFacts is what a receipt says, as far as an auditor needs it.
type receiptFacts struct {
	Type       string      `json:"type"`
	Collection string      `json:"collection"`
	Archive    EventObject `json:"archive"`
	Log        EventObject `json:"log"`
	Verdict    string      `json:"verdict"`
	Hub        string      `json:"hub"`
	Time       string      `json:"time"`
}

// receipt looks at a receipt in the log. It changes no verdict: one that is believed and
// names these bytes is an anchor outside of the archive; of any other a note says why not.
func (c *logChain) receipt(e *Event) {
	c.doubt = true
	if c.v.partly {
		c.v.rep.note("custody log, event %d (%s): not compared with the archive, which was not read whole", e.Seq, text.Word(e.Event))
		return
	}
	facts, err := c.checkReceipt(e)
	if err != nil {
		c.v.rep.note("custody log, event %d (%s): %v", e.Seq, text.Word(e.Event), err)
		return
	}
	c.doubt = false
	c.v.rep.Axes.Anchors = append(c.v.rep.Axes.Anchors, fmt.Sprintf("receipt of %s, %s", text.Name("hub:"+facts.Hub), text.Name(facts.Time)))
}

func (c *logChain) checkReceipt(e *Event) (r receiptFacts, err error) {
	text, err := DetailText(c.v.rep.Events, e, "receipt")
	if err != nil {
		return r, err
	}
	statement := []byte(text)
	fields, err := objectFields(statement)
	if err != nil {
		return r, fmt.Errorf("no receipt in it: %w", err)
	}
	key, err := signed.CheckAny(signed.Receipt, statement, []byte(e.Fact("receipt_sig")))
	if err != nil {
		return r, err
	}
	for name, to := range map[string]any{"type": &r.Type, "collection": &r.Collection, "archive": &r.Archive, "log": &r.Log,
		"verdict": &r.Verdict, "hub": &r.Hub, "time": &r.Time} {
		if err := json.Unmarshal(fields[name], to); err != nil {
			return r, fmt.Errorf("receipt: field %q: %w", name, err)
		}
	}
	if r.Type != typeReceipt || r.Collection != c.v.rep.Collection {
		return r, fmt.Errorf("a receipt of type %q for collection %q", r.Type, r.Collection)
	}
	if err := c.v.o.Trust.Check("hub:"+r.Hub, signed.PublicText(key), signed.Receipt, parseWall(r.Time)); err != nil {
		return r, fmt.Errorf("receipt: %w (%s)", err, signed.Fingerprint(key))
	}
	return r, c.receiptBytes(r)
}

// receiptBytes says whether a receipt is about this archive, and this log up to there.
func (c *logChain) receiptBytes(r receiptFacts) error {
	sum := c.v.wholeFile().SHA256
	if !c.v.sealed || c.v.wholeFile().Bytes == 0 {
		var err error
		if sum, err = c.v.sumOfFile(); err != nil {
			return err
		}
	}
	if r.Archive.SHA256 != sum {
		return fmt.Errorf("%s received other bytes than these: %d, hash %s", text.Name("hub:"+r.Hub), r.Archive.Bytes, text.Name(r.Archive.SHA256))
	}
	if n := r.Log.Bytes; n < 0 || n > int64(len(c.v.o.Log)) || signed.HexSum(c.v.o.Log[:n]) != r.Log.SHA256 {
		return fmt.Errorf("%s received another custody log than this one", text.Name("hub:"+r.Hub))
	}
	return nil
}
