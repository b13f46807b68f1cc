package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"hozen/packager/ja"
	"hozen/service/config"
	"hozen/service/isolate"
)

func TestWhatPackagerSaysIsSaidInTheLanguageOfTheRun(t *testing.T) {
	const said = "open /media/x\x1b[2J: no space left on device"
	for l, want := range map[language]string{
		english:  `open /media/x\x1b[2J: no space left on device`,
		japanese: `open /media/x\x1b[2J: 空き容量がありません`,
	} {
		a := &app{lang: l, words: ja.New}
		if got := a.why(errors.New(said)); got != want {
			t.Errorf("%v: %q, want %q", l, got, want)
		}
	}
}

// TestNoEnglishSentenceIsLeftInJapanese: what isolation does not stop, why kernel and file do
// not agree, and what service check finds come from packages that say it in English.
func TestNoEnglishSentenceIsLeftInJapanese(t *testing.T) {
	for what, c := range map[string]struct {
		print func(*app)
		want  []string
	}{
		"change": {func(a *app) {
			a.printChange(&isolate.Machine{}, isolate.Change{Event: isolate.Isolated, Verified: true, Until: "2026-11-22T09:00:00.000000000Z",
				Others:   []string{"table ip \x1bx was added"},
				Missing:  []string{"frames are not filtered: no netdev hook"},
				Outside:  []string{"sockets to the hypervisor (vsock) pass no packet filter (/sys/class/misc/vsock)"},
				Warnings: []string{"hub 192.0.2.1:4222 cannot be reached now: dial tcp 192.0.2.1:4222: connect: connection refused"}})
		}, []string{
			"まで隔離します（カーネルで確認済み）", `その間に別のものが変更: テーブル ip \x1bx が追加された`, "止められないもの: IP 以外のフレーム（netdev フックがない）",
			"止められないもの: パケットフィルターを通らない、ハイパーバイザーとの通信 vsock（/sys/class/misc/vsock）",
			"警告: 集約サーバ 192.0.2.1:4222 に今は届きません: dial tcp 192.0.2.1:4222: connect: 接続を拒否されました",
		}},
		"release": {func(a *app) {
			a.printChange(&isolate.Machine{}, isolate.Change{Event: isolate.Rejoined, Verified: true})
		}, []string{"隔離を解除しました（カーネルで確認済み: "}},
		"status": {func(a *app) {
			a.printStatus(&isolate.Machine{}, isolate.Status{Kernel: isolate.Altered, File: isolate.Cut, Problem: "the kernel says altered, the file says isolated: our rules are not as they were put"})
		}, []string{"不一致: 上の二つが一致しません（カーネル altered、ファイル isolated）: 本プログラムの規則が、入れたときのままではありません"}},
		"check": {func(a *app) {
			ch := &checker{a: a}
			ch.problems("", config.Problems{{File: "hozen.yaml", Line: 3, Column: 2, Text: `the configuration has no field "x"`}})
			ch.judge("/var/lib/hozen", errors.New("/var/lib/hozen: others can read it (mode 0755)"), "", "")
			ch.print(exitNotSealed)
		}, []string{`hozen.yaml:3:2: 設定に項目 "x" はありません`, "/var/lib/hozen: /var/lib/hozen: ほかの人が読めます（モード 0755）"}},
	} {
		var out bytes.Buffer
		c.print(&app{lang: japanese, words: ja.New, stdout: &out})
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", what, want, out.String())
			}
		}
	}
}
