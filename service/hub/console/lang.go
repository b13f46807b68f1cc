package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A lang is a language of the console: an index into a text.
type lang int

const (
	english lang = iota
	japanese
)

// A text is said in English and Japanese, with the same arguments.
type text [2]string

// code is the language as HTML and HTTP write it.
func (l lang) code() string { return []string{"en", "ja"}[l] }

// say gives a text in the language. A key that is not there is a mistake that a test
// finds; a page shows the key.
func (l lang) say(key string, args ...any) string {
	for _, words := range [...]map[string]text{frameTexts, pageTexts, jobTexts, archiveTexts} {
		if t, ok := words[key]; ok {
			if len(args) == 0 {
				return t[l]
			}
			return fmt.Sprintf(t[l], args...)
		}
	}
	return key
}

// langOf is the language of a request: what was chosen, else what the browser asks for,
// else English.
func langOf(r *http.Request) lang {
	switch cookieOf(r, langCookie) {
	case "ja":
		return japanese
	case "en":
		return english
	}
	return accepted(r.Header.Get("Accept-Language"))
}

// accepted reads Accept-Language (RFC 9110, section 12.5.4): of two as welcome, the first.
func accepted(header string) lang {
	best, found := 0.0, english
	for i, part := range strings.Split(header, ",") {
		if i >= 32 {
			break
		}
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil || f < 0 || f > 1 {
				continue
			}
			q = f
		}
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		l, known := map[string]lang{"en": english, "ja": japanese}[base]
		if known && q > best {
			best, found = q, l
		}
	}
	return found
}

// switchLanguage answers "?lang=ja": it keeps the choice and asks for the same page again.
func (c *console) switchLanguage(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	code := q.Get("lang")
	if code != "en" && code != "ja" || r.Method != http.MethodGet {
		return false
	}
	q.Del("lang")
	setCookie(w, langCookie, code, 365*24*time.Hour)
	u := url.URL{Path: r.URL.Path, RawQuery: q.Encode()}
	http.Redirect(w, r, ownPath(u.RequestURI()), http.StatusSeeOther)
	return true
}
