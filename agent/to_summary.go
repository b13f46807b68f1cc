package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"hozen/service/deliver"
)

// sayNext says what is to be done with the files.
func (c *collection) sayNext(w io.Writer, s summary) {
	a := c.a
	check := "hozen verify --fingerprint " + s.Fingerprint + " --head " + s.Head + c.opensIt() + " "
	switch {
	case s.Verdict == sealedOnly:
		fmt.Fprintln(w, a.text(mSumNextThere, check+c.archive()))
	default:
		fmt.Fprintln(w, a.text(mSumNext, check+escape(shellWord(s.Archive))))
	}
	c.sayRequired(w, s)
	if c.to != nil && (!c.streams() || c.to.disk.Lost() != nil && s.Verdict != sealedOnly) {
		fmt.Fprintln(w, a.text(mSumLater, escape(c.to.place.String()), "hozen deliver "+escape(shellWord(s.Archive))+c.o.to.again()))
	}
}

// sayRequired says whose signature this collection requires and does not have yet.
func (c *collection) sayRequired(w io.Writer, s summary) {
	for _, who := range c.o.sign.require {
		kind, name, named := strings.Cut(who, ":")
		if c.o.sign.by != nil && kind == "operator" && (!named || name == plain(c.o.operator)) {
			continue
		}
		if !named {
			who += ":NAME"
		}
		fmt.Fprintln(w, c.a.text(mSumRequired, kind, escape(shellWord(cmp.Or(s.Archive, c.archive()))), who))
	}
}

// sayDelivery says what the destination's word is worth, and what is left here.
func (c *collection) sayDelivery(w io.Writer, s summary) {
	if s.Delivery == nil {
		return
	}
	if s.Delivery.Receipt != nil {
		fmt.Fprintln(w, c.a.text(mSumReceipt, s.Delivery.Verdict))
	}
	for _, f := range s.Delivery.Files {
		place := escape(s.Delivery.To)
		switch {
		case f.Proof == deliver.ReadBack:
			fmt.Fprintln(w, c.a.text(mSumReadBack, f.Name, place))
		case f.Proof == deliver.Acknowledged:
			fmt.Fprintln(w, c.a.text(mSumAcknowledged, f.Name, place))
		case f.From > 0:
			rest := escape(shellWord(f.Rest))
			fmt.Fprintln(w, c.a.text(mSumRest, f.Name, countText(f.From), place, escape(f.Rest), "hozen deliver "+rest+c.o.to.again()))
		}
	}
}

// brokenThere is the hint of a collection that ended before its seal, at a destination.
func (c *collection) brokenThere(k int) string {
	hint := c.a.text(mHintPartialThere, k, escape(c.to.place.String()), c.archive())
	for _, f := range c.to.disk.Arrived() {
		if f.Rest != "" {
			hint += c.a.text(mHintPartialRest, escape(filepath.Base(f.Rest)), countText(f.From), escape(c.o.out))
		}
	}
	return hint
}
