package packager

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hozen/packager/signed"
)

// A receipt of a hub that is believed is an anchor; any other is a note. None of them
// changes the verdict.
func TestReceiptInTheLog(t *testing.T) {
	hub, dir := newDevice(t, "h1"), t.TempDir()
	file, d := writeArchive(t, dir)
	id := testOptions(t, dir).ID
	b, log := readFile(t, file), readFile(t, filepath.Join(dir, LogName(id)))
	receipt := func(archive, log, namespace string) Event {
		text := fmt.Sprintf(`{"type":"hozen/receipt/1","collection":%q,"device":"pc-42","archive":{"name":"a","bytes":%d,"sha256":%q},"log":{"name":"l","bytes":%d,"sha256":%q},"verdict":"VALID","hub":"h1","time":"2026-11-21T09:05:00Z"}`+"\n",
			id, len(b), signed.HexSum([]byte(archive)), len(log), signed.HexSum([]byte(log)))
		return ReceiptEvent(text, jobSig(t, namespace, text, hub))
	}
	key, err := hub.Public()
	if err != nil {
		t.Fatal(err)
	}
	line, err := d.AllowedSigner()
	if err != nil {
		t.Fatal(err)
	}
	hubLine := "hub:h1 namespaces=\"" + signed.Receipt + "\" " + signed.PublicText(key) + "\n"
	for _, c := range []struct {
		name, trust string
		e           Event
		anchors     int
	}{
		{"believed", line + hubLine, receipt(string(b), string(log), signed.Receipt), 2},
		{"unknown hub", line, receipt(string(b), string(log), signed.Receipt), 1},
		{"other bytes", line + hubLine, receipt("x", string(log), signed.Receipt), 1},
		{"other log", line + hubLine, receipt(string(b), strings.ToUpper(string(log)), signed.Receipt), 1},
		{"other purpose", line + hubLine, receipt(string(b), string(log), signed.Event), 1},
		{"no receipt", line + hubLine, Event{Event: "receipt"}, 1},
		{"tells of other bytes", line + hubLine, Event{Event: "received", Object: EventObject{Name: "x", Bytes: int64(len(b)), SHA256: signed.HexSum(nil)}}, 1},
		{"tells of more bytes", line + hubLine, Event{Event: "received", Object: EventObject{Name: "x", Bytes: 1 << 40, SHA256: signed.HexSum(nil)}}, 1},
	} {
		trust, err := ParseTrust(strings.NewReader(c.trust))
		if err != nil {
			t.Fatal(err)
		}
		r := verdict(t, b, VerifyOptions{Trust: trust, Log: appended(t, &world{log: log}, d, c.e)})
		if r.Verdict != Valid || len(r.Axes.Anchors) != c.anchors || (len(r.Notes) == 0) != (c.anchors == 2) {
			t.Errorf("%s: %s, anchors %q, notes %q, findings %q", c.name, r.Verdict, r.Axes.Anchors, r.Notes, r.Findings)
		}
		if believed := slices.Contains(r.Believed, len(r.Events)); believed != (c.anchors == 2 || c.e.Event == "received") || !slices.Contains(r.Believed, 1) {
			t.Errorf("%s: believed are the events %d of %d", c.name, r.Believed, len(r.Events))
		}
	}
}
