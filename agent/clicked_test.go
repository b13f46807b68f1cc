package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDoubleClick: without arguments, in a console of our own, the talk begins by itself,
// and the window stays until Enter.
func TestDoubleClick(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chdir(here) })
	for name, c := range map[string]struct {
		answers string
		code    int
		says    string
	}{
		"all by Enter": {"\n\n\n\n\n\nleft", exitWhole, "Write down on paper"},
		"no":           {"\nn\n\nleft", exitNotSealed, "nothing was written"},
	} {
		t.Run(name, func(t *testing.T) {
			a, said, _ := nowApp(t, c.answers)
			a.args, a.alone = a.args[:1], func() bool { return true }
			if code := a.run(t.Context()); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if text := said(); !strings.Contains(text, c.says) || !strings.Contains(text, "press Enter") {
				t.Errorf("not said: %q\n%s", c.says, text)
			}
			if left, err := a.in.line(t.Context()); left != "left" {
				t.Errorf("the window waited for %q (%v) at the end", left, err)
			}
		})
	}
}

// TestDoubleClickStopped: after Ctrl-C the window stays, too, and the line that was being
// waited for is not lost.
func TestDoubleClickStopped(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	in := newLineReader(r)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := in.line(stopped); err == nil {
		t.Fatal("a line, and none was typed")
	}
	w.WriteString("typed\n")
	w.Close()
	if text, err := in.line(t.Context()); text != "typed" {
		t.Errorf("%q %v", text, err)
	}
}

func TestNoDialogue(t *testing.T) {
	for name, change := range map[string]func(*app){
		"arguments":   func(a *app) { a.args = append(a.args, "version") },
		"a shell":     func(a *app) { a.alone = func() bool { return false } },
		"no terminal": func(a *app) { a.inTerminal = false },
	} {
		a, _, _ := testApp()
		a.inTerminal, a.alone = true, func() bool { return true }
		if !a.clicked() {
			t.Fatal("not seen as a double click")
		}
		if change(a); a.clicked() {
			t.Errorf("%s: taken for a double click", name)
		}
	}
}

// TestWordsOnWindows: what is said there has the same arguments, and speaks of no root.
func TestWordsOnWindows(t *testing.T) {
	for _, m := range []message{mNowNotRoot, mWarnNotRoot, mSafeDenied, mSafeRefused, mDoctorDenied, mDoctorDeniedRoot, mNotRoot, mHintNotReleased} {
		w := onWindows(m)
		if w == m {
			t.Errorf("%q: said on Windows, too", m[0])
		}
		for lang := range m {
			if !slices.Equal(verbs(m[lang]), verbs(w[lang])) {
				t.Errorf("%q and %q have other arguments", m[lang], w[lang])
			}
			if strings.Contains(w[lang], "root") || strings.Contains(w[lang], "sudo") {
				t.Errorf("%q speaks of root", w[lang])
			}
		}
	}
	a, _, _ := testApp()
	if a.system = "windows"; a.text(mRoot) != mAdministrator[english] {
		t.Errorf("%q", a.text(mRoot))
	}
	if a.system = "linux"; a.text(mRoot) != mRoot[english] {
		t.Errorf("%q", a.text(mRoot))
	}
}
