package flow

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"hozen/collector/jsonl"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// Ends name the flow that a row of dns, tls or http belongs to.
type Ends struct {
	Time      string     `json:"time"`                // when it began
	Flow      uint64     `json:"flow"`                // id of the row in flows.jsonl
	Proto     string     `json:"proto"`               // tcp or udp
	Orig      string     `json:"orig"`                // address of who began the flow
	OrigPort  uint16     `json:"orig_port"`           //
	Resp      string     `json:"resp"`                // address of who was asked
	RespPort  uint16     `json:"resp_port"`           //
	PID       int        `json:"pid,omitempty"`       // the process of this host that the flow belongs to
	Exe       jsonl.Text `json:"exe,omitempty"`       //
	Container string     `json:"container,omitempty"` //
}

func (t *Tables) ends(c *conn, at int64) Ends {
	e := Ends{Time: timeText(at), Flow: c.sum.id, Proto: protoName(c.sum.proto),
		Orig: c.sum.orig.String(), OrigPort: c.sum.origPort, Resp: c.sum.resp.String(), RespPort: c.sum.respPort}
	e.setOwner(c)
	return e
}

func (e *Ends) setOwner(c *conn) {
	if o := c.sum.owner; o != nil {
		e.PID, e.Exe, e.Container = o.pid, jsonl.Text(o.exe), o.container
	}
}

// timeText gives nanoseconds since 1970 as rows have them.
func timeText(at int64) string {
	return time.Unix(0, at).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

func protoName(proto uint8) string {
	switch proto {
	case protoICMP:
		return "icmp"
	case 2:
		return "igmp"
	case protoTCP:
		return "tcp"
	case protoUDP:
		return "udp"
	case 50:
		return "esp"
	case 51:
		return "ah"
	case protoICMPv6:
		return "icmp6"
	case 89:
		return "ospf"
	case 103:
		return "pim"
	case 112:
		return "vrrp"
	case protoSCTP:
		return "sctp"
	case protoUDPL:
		return "udplite"
	}
	return "ip"
}

// maxTableBytes bounds the text that one table of dns, tls or http keeps.
const maxTableBytes = 64 << 20

// A textTable keeps rows as JSON.
type textTable struct {
	rows  []textRow
	bytes int
	max   int
	cut   uint64
}

type textRow struct {
	at   int64
	line []byte
}

func (t *textTable) add(at int64, row any) {
	if len(t.rows) >= t.max || t.bytes >= maxTableBytes {
		t.cut++
		return
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if enc.Encode(row) != nil {
		t.cut++
		return
	}
	line := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	t.bytes += len(line)
	t.rows = append(t.rows, textRow{at, line})
}

// write writes the rows by time.
func (t *textTable) write(w io.Writer) error {
	sorting.By(t.rows, func(a, b textRow) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	out := jsonl.NewWriter(w)
	for _, r := range t.rows {
		if err := out.Line(r.line); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if t.cut > 0 {
		return evidence.Cut("%d rows more than there is room for", t.cut)
	}
	return nil
}
