package main

import (
	"fmt"
	"strings"
)

// language is one of the languages that everything is said in.
type language int

const (
	english language = iota
	japanese
)

// String gives the code that --lang takes.
func (l language) String() string { return [...]string{"en", "ja"}[l] }

// message is one of the things that are said to people, in each language. Both texts
// have the same arguments in the same order, or name them by number (%[2]s).
type message [2]string

// text gives a message in the language.
func (l language) text(m message, args ...any) string {
	s := m[l]
	if len(args) == 0 {
		return s
	}
	return fmt.Sprintf(s, args...)
}

// sentence gives, in the language of this run, what packager or the system said in English:
// of an archive, of a log, or why something cannot be done.
//
//go:noinline
func (a *app) sentence(english string) string {
	if a.lang != japanese || a.words == nil {
		return english
	}
	return a.words().Of(english)
}

// why is an error in the language of this run, ready to be shown.
//
//go:noinline
func (a *app) why(err error) string { return escape(a.sentence(err.Error())) }

// chooseLanguage takes --lang, else what locale(7) says: the first of LC_ALL,
// LC_MESSAGES and LANG that is set; else the language of the system. It looks at the
// arguments before they are parsed, because the help is in that language, too.
func chooseLanguage(args []string, env func(string) string, system func() string) language {
	for i, a := range args {
		if a == "--" {
			break
		}
		value, ok := strings.CutPrefix(a, "--lang=")
		if a == "--lang" && i+1 < len(args) {
			value, ok = args[i+1], true
		}
		if ok {
			return languageOf(value)
		}
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(name); v != "" {
			return languageOf(v)
		}
	}
	return languageOf(system())
}

// languageOf knows a locale ("ja_JP.UTF-8") and a language tag ("ja-JP").
func languageOf(locale string) language {
	if name, _, _ := strings.Cut(strings.NewReplacer("_", "-", ".", "-").Replace(locale), "-"); name == "ja" {
		return japanese
	}
	return english
}
