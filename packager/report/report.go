// Package report makes the report that people read and file: one HTML page in English and
// Japanese, without network, readable without script, printable to A4.
//
// Begin with Write. What is told comes from package model; how HTML is written without a
// word of the host becoming anything else, in package page. The sections are one file
// for each few: next.go, verdict.go, items.go, host.go, memory.go, network.go, times.go,
// starts.go, custody.go; words that several use are in words.go, the looks in style.go.
package report

import (
	"io"
	"time"

	"hozen/packager"
	"hozen/packager/custody"
	"hozen/packager/ja"
	"hozen/packager/report/model"
	"hozen/packager/report/page"
)

// A Case is what a report is made of.
type Case struct {
	Model *model.Model // finished
	// Genesis says who took what from where: as it stands in the archive.
	Genesis packager.Genesis
	// Verified is what the verification of the archive found; nil in a report that is
	// written into the archive before its seal.
	Verified *packager.Report
	// Events are those of the custody log: all of them, or those before the seal.
	Events []packager.Event
	// Archive is the name of the archive's file; "" if it has none yet.
	Archive string
	// Fingerprint is that of the device key.
	Fingerprint string
	// Throwaway says that the device key was made for this collection alone.
	Throwaway bool
	// Made is when the report was made, and Tool by what.
	Made time.Time
	Tool string
	// Japanese chooses the language that is shown first; both are in the page.
	Japanese bool
	// Docs says in Japanese what a collector takes; may be nil.
	Docs func(collector string) (string, bool)
}

// rep is a report that is being made.
type rep struct {
	Case
	m     *model.Model
	zone  *time.Location // of the host, if it is known here
	boxes int64          // numbers of the switches that fold tables
	words *ja.Table      // the Japanese of what the verification says
	// formed is the form, once it was asked for.
	formed []custody.Field
}

// Write writes the report and gives its size in bytes.
func Write(w io.Writer, c Case) (int64, error) {
	r := &rep{Case: c, m: c.Model, zone: zoneOf(c.Genesis.Host.Zone), words: ja.New()}
	sections := []page.Node{
		r.next(), r.verdict(), r.completeness(), r.footprint(), r.host(), r.indicators(), r.processes(), r.connections(),
		r.left(), r.sessions(), r.timeline(), r.starts(), r.encryption(), r.custody(), r.limits(),
	}
	lang := 0
	if c.Japanese {
		lang = 1
	}
	title := "Hozen · " + firstN(firstOf(c.Genesis.Host.Name, c.Genesis.Collection), 80) + " · report / 報告書"
	return page.Document(w, page.Pick(lang, "en", "ja"), title, style, script,
		page.Void("input", page.Pick(lang, `type="radio" name="lang" id="lang-en" class="sw" checked`, `type="radio" name="lang" id="lang-en" class="sw"`)),
		page.Void("input", page.Pick(lang, `type="radio" name="lang" id="lang-ja" class="sw"`, `type="radio" name="lang" id="lang-ja" class="sw" checked`)),
		page.El("div", `class="doc"`,
			r.top(),
			r.contents(),
			page.El("main", "", r.head(), page.All(sections...), r.foot()),
		))
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// zoneOf knows a zone by its name, as far as this machine has it.
func zoneOf(name string) *time.Location {
	if name == "Tokyo Standard Time" || name == "Asia/Tokyo" || name == "Japan" {
		return time.FixedZone("JST", 9*3600)
	}
	if name == "" || name == "Local" {
		return nil
	}
	l, err := time.LoadLocation(name)
	if err != nil || l == time.UTC || name == "Etc/UTC" {
		return nil
	}
	return l
}
