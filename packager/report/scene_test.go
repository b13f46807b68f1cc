package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/report/model"
)

// attacks are what a host may call its things.
func attacks() []string {
	return []string{
		`<script>window.hacked=1;document.title='hacked'</script>`,
		`"><img src=x onerror="window.hacked=1">`,
		`' onmouseover='window.hacked=1' x='`,
		`</td></table></style><style>body{display:none}</style>`,
		`</title></textarea></script><svg onload=window.hacked=1>`,
		`--><!--<iframe src="javascript:window.hacked=1"></iframe>`,
		`<a href="https://evil.example/">x</a><base href="https://evil.example/"><meta http-equiv=refresh content="0;url=https://evil.example/">`,
		`<link rel=stylesheet href=//evil.example/x.css>{{.}}${7*7}`,
		"gnp.\u202eexe\u2066\u200b\u0000\x1b[2J\r\n\xff\xed\xa0\x80",
		`%1%2%9%`,
		`javascript:alert(1)`,
	}
}

var began = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// rows writes a table.
func rows[T any](list []T) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, r := range list {
		if err := e.Encode(r); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

type object = map[string]any

// scene is a machine with processes and files, and hostile names wherever there is one.
func scene(t testing.TB, processes, files int) Case {
	t.Helper()
	m := model.New(time.Time{})
	evil := attacks()
	name := func(i int) string {
		if i%7 == 3 {
			return evil[i/7%len(evil)]
		}
		return fmt.Sprintf("worker-%d", i)
	}
	at := func(d time.Duration) string { return began.Add(-d).Format("2006-01-02T15:04:05.000000000Z") }
	give := func(item string, b []byte) {
		m.Give(item, b)
		m.Observe(evidence.Record{Item: evidence.Item{Path: item, Collector: evil[0], Source: evil[1]}, Outcome: evidence.Collected, Size: int64(len(b)), Began: began, Ended: began.Add(time.Second)})
	}
	plan, _ := json.Marshal(object{"made": at(0), "profile": evil[2], "live": true, "command": evil, "steps": []object{{"collector": "host", "doc": evil[3]}, {"collector": "ram", "skip": evil[4]}}})
	give("plan.json", plan)
	var list []object
	for i := range processes {
		list = append(list, object{"pid": i + 1, "ppid": i / 3, "start": at(time.Duration(i) * time.Minute), "comm": name(i), "argv": []string{"/usr/bin/" + name(i), "--port", "80", name(i + 3)},
			"exe": object{"path": "/opt/" + name(i), "deleted": i%50 == 7}, "uid": object{"effective": object{"id": 1000, "name": name(i)}}})
	}
	give("volatile/processes.jsonl", rows(list))
	list = nil
	for i := range processes / 2 {
		list = append(list, object{"family": "inet", "protocol": "tcp", "state": "established", "local_addr": "10.0.0.2", "local_port": 1000 + i, "remote_addr": fmt.Sprintf("203.0.113.%d", i%250), "remote_port": 443,
			"holders": []object{{"pid": i + 1, "comm": name(i)}}, "tcp_info": object{"bytes_acked": i * 1000, "bytes_received": i}})
	}
	give("volatile/sockets.jsonl", rows(list))
	list = nil
	for i, e := range evil {
		list = append(list, object{"id": []string{"image-memfd", "map-rwx", e}[i%3], "technique": e, "level": []string{"high", "medium", "low"}[i%3], "process": object{"pid": i + 1, "comm": e}, "seen": e, "benign": evil, "evidence": evil, "explained": e,
			"views": []object{{"source": e, "says": e}}})
	}
	give("memory/indicators.jsonl", rows(list))
	list = nil
	for i := range files {
		d := time.Duration(i) * 53 * time.Second
		list = append(list, object{"path": "/home/" + name(i) + fmt.Sprint(i), "kind": "regular", "mtime": at(d), "ctime": at(d), "btime": at(d + time.Hour), "size": i})
	}
	give("disk/timeline.jsonl", rows(list))
	list = nil
	for i, e := range evil {
		list = append(list, object{"kind": e, "technique": e, "level": "high", "path": e, "seen": e, "benign": evil, "ctime": at(time.Duration(i) * time.Hour)})
	}
	give("disk/notable.jsonl", rows(list))
	list = nil
	for i, e := range evil {
		list = append(list, object{"kind": []string{"wtmp", "btmp", e}[i%3], "from": "process", "user": e, "host": e, "line": e, "time": at(time.Duration(i) * time.Hour), "owner": e, "argv": evil})
	}
	give("volatile/sessions.jsonl", rows(list))
	list = nil
	for _, e := range evil {
		list = append(list, object{"name": e, "disagreements": evil, "registry": object{"image_path": e, "account": e, "written": e}})
	}
	give("persistence/services.jsonl", rows(list))
	give("volatile/kernel/block.jsonl", rows([]object{{"name": evil[5], "model": evil[6], "serial": evil[7], "size": 1 << 40, "crypt": "luks2", "mounted": evil}}))
	give("volatile/host.jsonl", rows([]object{{"kind": "identity", "host_name": evil[0], "os": evil[1], "serial": evil[2]}, {"kind": "tool", "path": evil[3], "args": evil, "influenced_by": evil}}))
	for _, e := range evil {
		m.Observe(evidence.Record{Item: evidence.Item{Path: e, Collector: e}, Outcome: evidence.Failed, Shortfall: true, Note: e, Began: began, Ended: began})
	}
	m.Finish()
	g := packager.Genesis{Collection: "pc-42-20261121t090000z-3fa9c1", Case: evil[0], Evidence: evil[1], Operator: evil[8], Reason: evil[3], Place: evil[4], Witness: evil, Tool: evil[5],
		Host: packager.HostID{Name: evil[0], OS: evil[8], Make: evil[1], IPs: evil, Zone: "Asia/Tokyo"}, Time: packager.Stamp{Wall: at(0)}}
	events := []packager.Event{
		{Event: "started", Seq: 1, Actor: evil[0], Time: packager.EventTime{Wall: at(0)}},
		{Event: "isolated", Seq: 2, Actor: evil[1], Operator: evil[2], Time: packager.EventTime{Wall: at(-5 * time.Minute)}},
		{Event: "released", Seq: 3, Actor: evil[3], Counterpart: evil[4], Reason: evil[6], Place: evil[7], Time: packager.EventTime{Wall: evil[8]}},
		{Event: evil[0], Seq: 4, Actor: evil[3], Thing: &packager.EventThing{Description: evil[0], PowerState: evil[1]}, Time: packager.EventTime{Wall: at(0)}},
	}
	v := &packager.Report{Verdict: packager.Invalid, Findings: evil, Notes: evil, Collection: g.Collection, Bytes: 1000, Head: "ab", Device: evil[2], Fingerprint: evil[0], Genesis: &g, Events: events, Axes: packager.Axes{Anchors: evil, Integrity: evil[1]}}
	return Case{Model: m, Genesis: g, Verified: v, Events: events, Archive: evil[0], Fingerprint: evil[1], Made: began, Tool: evil[2]}
}

// written gives the page of a case.
func written(t testing.TB, c Case) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := Write(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
