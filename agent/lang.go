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

// said is one message in each language. Both have the same arguments in the
// same order, or name them by number (%[2]s).
type said [2]string

// text gives a message in the language.
func (l language) text(m message, args ...any) string {
	s := catalogue[m][l]
	if len(args) == 0 {
		return s
	}
	return fmt.Sprintf(s, args...)
}

// chooseLanguage takes --lang, else what locale(7) says: the first of LC_ALL,
// LC_MESSAGES and LANG that is set. It looks at the arguments before they are
// parsed, because the help is in that language, too.
func chooseLanguage(args []string, env func(string) string) language {
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
	return english
}

func languageOf(locale string) language {
	if locale == "ja" || strings.HasPrefix(locale, "ja_") || strings.HasPrefix(locale, "ja.") {
		return japanese
	}
	return english
}
