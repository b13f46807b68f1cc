package custody

import (
	"slices"
	"strings"
	"testing"

	"hozen/packager/evidence"
)

// What the tables of an archive say is in the field that asks for it, in both languages.
func TestFactsOfTables(t *testing.T) {
	var g Gatherer
	for item, text := range map[string]string{
		"plan.json":                        `{"schema":"hozen/plan/1","profile":"full","live":true,"elevated":true,"command":["hozen","collect"],"steps":[{"collector":"host"},{"collector":"packets","skip":"only with --pcap"}]}`,
		"volatile/host/clock-start.jsonl":  `{"kind":"clock","when":"start","wall":"2026-11-22T05:00:00.5Z","boottime_ns":1000000000}`,
		"volatile/host/clock-end.jsonl":    `{"kind":"clock","when":"end","wall":"2026-11-22T05:01:10.5Z","boottime_ns":11000000000}` + "\n" + `{"kind":"boot","btime":"1795290560"}`,
		"clock-servers.jsonl":              `{"kind":"hub","server":"soc-1 192.0.2.1:4222","offset_ms":-61002,"rtt_ms":4}` + "\n" + `{"kind":"ntp","server":"192.0.2.5","error":"no answer"}`,
		"volatile/host.jsonl":              `{"kind":"tool","rights":{"uids":"0\t0\t0\t0","login_uid":"1000"}}` + "\n" + `{"kind":"network_identity","name":{"b64":"/w=="},"state":"up"}` + "\n" + `{"kind":"network_identity","name":"eth0","state":"up","addresses":["192.0.2.2/24"]}` + "\n" + `{"kind":"power","supplies":[{"name":"AC","type":"Mains","online":false},{"name":"BAT0","type":"Battery","status":"Discharging","percent":41}]}`,
		"volatile/kernel/block.jsonl":      `{"kind":"block","name":"sdb","device":"8:16","size":8000000000,"vendor":"ACME","model":"Stick","serial":"X9","removable":true,"usb":true}` + "\n" + `{"kind":"block","name":"sdb1","parent":"sdb","partition":true,"device":"8:17","size":7000000000}` + "\n" + `{"kind":"block","name":"dm-0","device":"254:0","size":6000000000,"crypt":"luks2","slaves":["sdb1"]}`,
		"volatile/sessions.jsonl":          `{"kind":"utmp","type_name":"USER_PROCESS","user":"taro","line":"tty2"}` + "\n" + `{"kind":"wtmp","type_name":"USER_PROCESS","user":"old"}`,
		"footprint.json":                   `{"schema":"hozen/footprint/1","write_bytes":3145728,"peak_memory_bytes":52428800,"output":"/media/x","output_file_system":"ext4","output_device":"254:0","output_disk":"sdb","output_removable":true}`,
		"volatile/processes/not-asked.txt": "x",
	} {
		if g.Want("data/" + item) {
			g.Give(item, []byte(text))
		}
	}
	g.Count("disk", evidence.Collected, false)
	g.Count("memory", evidence.Denied, true)
	facts := g.Facts()
	for _, want := range [][3]string{
		{"B1", "UID 0 (root), login UID 1000", "実行アカウント: UID 0 (root)"},
		{"C3", "hub soc-1 192.0.2.1:4222 is 61.002 s behind this machine", "61.002 秒遅れ"},
		{"C3", "ntp 192.0.2.5 did not answer", "応答なし"},
		{"C3", "the clock was set while evidence was taken: by 1m0s", "変更された"},
		{"D2", "sdb, ACME, Stick, 7.5 GiB (8000000000 bytes), serial X9, interface usb, partitions: 1", "S/N X9"},
		{"D2", "dm-0, 5.6 GiB (6000000000 bytes), encrypted: luks2", "暗号化: luks2"},
		{"D3", "switched on since 2026-11-21T19:49:20Z", "起動時刻"},
		{"D3", "logged on: taro (tty2)", "ログオン中"},
		{"D4", "power: switched on", "電源: 入"},
		{"D4", "AC not plugged in, battery BAT0 Discharging 41 %", "バッテリー BAT0"},
		{"D4", "network: eth0 up 192.0.2.2/24", "ネットワーク: eth0"},
		{"D4", "attached medium: sdb, ACME, Stick", "接続媒体"},
		{"E2", "profile full (full)", "全体"},
		{"E4", "no write blocker could stand between", "書込防止装置は使えない"},
		{"E5", "wrote 3.0 MiB (3145728 bytes) to its output on another medium", "別の媒体"},
		{"E6", "collected 1, denied 1; short of the plan: 1 (memory 1)", "取得 1、拒否 1"},
		{"E7", "1 steps with their limits, and why 1 were left out", "省いた 1 工程"},
		{"G1", "/media/x, on another medium, ext4, sdb, ACME, Stick, serial X9, encrypted: luks2, removable", "暗号化: luks2, 取り外し可"},
	} {
		if !slices.ContainsFunc(facts, func(f Fact) bool {
			return f.Field == want[0] && strings.Contains(f.Text, want[1]) && strings.Contains(f.JA, want[2])
		}) {
			t.Errorf("nothing like %q", want)
		}
	}
	for _, f := range facts {
		if strings.Contains(f.Text, "old") || !slices.ContainsFunc(fields(), func(x Field) bool { return x.ID == f.Field && x.By != ByPeople }) {
			t.Errorf("%+v", f)
		}
	}
	if t.Failed() {
		for _, f := range facts {
			t.Logf("%s %s | %s", f.Field, f.Text, f.JA)
		}
	}
	form := Form(nil, nil, facts...)
	if f := field(t, form, "E4"); !f.Half || f.Open {
		t.Errorf("%+v", f)
	}
	if f := field(t, form, "A3"); f.Half || !f.Open || f.By.Say("ja") != "記入" {
		t.Errorf("%+v", f)
	}
}
