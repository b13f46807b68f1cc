package main

import (
	"errors"
	"testing"

	"hozen/packager/ja"
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
