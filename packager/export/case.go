package export

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
	"time"

	"hozen/packager"
)

// custody writes the custody record as CASE/UCO: an Investigation; an InvestigativeAction
// for the collection and for each event of the log, with who, by what, of what, where and
// when, and a ProvenanceRecord of the evidence as it was then; authorisations; people and
// their roles; the machine, what is held of it, and the archive as observables, with their
// hashes; and each item of the archive as a file with its hash. Text keeps the rule of
// appendSafe.
type custody struct {
	*graph
	about   About
	rep     *packager.Report
	genesis packager.Genesis
	sum     Summary
	host    string   // id of the machine; "" if the archive does not say which
	archive string   // id of the file as it is now
	objects []string // of the investigation
	rights  []string // authorisations
	actions []string // by seq, from 1; of the log
	steps   []string // those of actions that the collection was made of
	taken   string   // the file when the collection had ended; "" if the log does not say
	began   any      // the first and the last time that an event tells
	ended   any
}

func newCase(w *bufio.Writer, about About) (*custody, error) {
	c := &custody{graph: newGraph(w, about.Report.Collection), about: about, rep: about.Report}
	if about.Report.Genesis != nil {
		c.genesis = *about.Report.Genesis
	}
	c.machine()
	c.archive = c.state(packager.EventObject{Name: about.Archive, Bytes: c.rep.Bytes, SHA256: about.SHA256})
	c.relate(c.archive, "Derived_From", c.host)
	events := about.events()
	for i := range events {
		c.event(&events[i])
	}
	c.collection()
	return c, c.err
}

// Want implements packager.Taker: contents are not told.
func (c *custody) Want(string) bool { return false }

// Bytes implements packager.Taker.
func (c *custody) Bytes(string, []byte) error { return nil }

// Record implements packager.Taker.
func (c *custody) Record(r packager.RecordLine) error {
	if r.Part != nil || r.SHA256 == "" {
		return c.err
	}
	c.sum.Items++
	id := c.id("item", r.Path)
	m := c.graph.file(id, r.Path[strings.LastIndexByte(r.Path, '/')+1:], r.Path, r.Size,
		c.hash(id, "SHA256", r.SHA256), c.hash(id, "SHA1", r.SHA1), c.hash(id, "MD5", r.MD5))
	m["uco-core:name"] = safe(r.ItemPath())
	description := []string{"outcome: " + r.Outcome.String(), "read from: " + safe(r.ItemSource()), "read from " + r.ReadStart + " to " + r.ReadEnd}
	if r.Note != "" {
		description = append(description, "note: "+safe(r.Note))
	}
	if len(r.OrigB64) > 0 {
		description = append(description, "path in base64: "+base64Text(string(r.OrigB64)))
	}
	if len(r.SourceB64) > 0 {
		description = append(description, "source in base64: "+base64Text(string(r.SourceB64)))
	}
	m["uco-core:description"] = description
	c.add(id, "uco-observable:File", m)
	c.add(c.id("contained", id), "uco-core:Relationship", node{
		"uco-core:source": ref(id), "uco-core:target": ref(c.archive), "uco-core:kindOfRelationship": "Contained_Within", "uco-core:isDirectional": true})
	return c.err
}

// Close implements Exporter.
func (c *custody) Close() (Summary, error) {
	r := c.rep
	statements := []string{
		"verdict: " + string(r.Verdict), "integrity: " + r.Axes.Integrity, "completeness: " + r.Axes.Completeness, "signer: " + r.Axes.Signer,
		"time: " + r.Axes.Time, "custody: " + r.Axes.Custody, "head: " + r.Head, "device key: " + r.Fingerprint,
	}
	for _, f := range r.Findings {
		statements = append(statements, "finding: "+f)
	}
	for _, f := range r.Notes {
		statements = append(statements, "note: "+f)
	}
	for _, f := range r.Axes.Anchors {
		statements = append(statements, "anchor: "+f)
	}
	c.objects = append(c.objects, c.annotate("verification", []string{c.archive}, statements...))
	c.objects = append(c.objects, c.annotate("lost in this form", []string{c.archive}, Lost(Case)...))
	members := node{
		"uco-core:name": safe(orElse(c.genesis.Case, r.Collection)), "uco-core:description": safe(c.genesis.Reason),
		"uco-core:object": refs(c.objects), "case-investigation:relevantAuthorization": refs(c.rights),
		"uco-core:externalReference": c.reference("hozen collection", r.Collection),
		"uco-core:startTime":         c.began, "uco-core:endTime": c.ended,
	}
	c.add(c.id("investigation", c.genesis.Case), "case-investigation:Investigation", members)
	c.sum.Written = c.n
	return c.sum, c.end()
}

// event writes an event of the log as an action. Its object is what it was done to, its
// result what there is since.
func (c *custody) event(e *packager.Event) {
	id := c.id("event", fmt.Sprint(e.Seq))
	after := c.state(e.Object)
	members := node{
		"uco-core:name": e.Event, "uco-core:description": describe(e),
		"uco-action:startTime": dateTime(e.Time.Wall), "uco-action:endTime": dateTime(e.Time.Wall),
		"uco-action:performer": ref(c.performer(e.Actor, e.Operator)), "uco-action:participant": refs(c.participants(e)),
		"uco-action:location": ref(c.place(e.Place)), "uco-action:environment": ref(c.environment(e.Actor)),
		"uco-core:externalReference": c.reference("hozen custody log, number of the event", fmt.Sprint(e.Seq)),
	}
	objects, results := []string{after}, []string{}
	switch {
	case e.Before != nil:
		objects, results = []string{c.state(*e.Before)}, objects
		c.relate(after, "Derived_From", objects[0])
	case c.host != "" && (e.Event == "started" || e.Event == "checkpoint" || e.Event == "sealed"):
		objects, results = []string{c.host}, objects
		c.steps, c.taken = append(c.steps, id), after
	}
	results = append(results, c.provenance(e, id, after))
	for _, f := range e.Attach {
		results = append(results, c.attached(f))
	}
	members["uco-action:object"], members["uco-action:result"] = refs(append(objects, c.thing(e))), refs(results)
	tool := c.genesis.Tool
	if e.Method != nil {
		tool = orElse(e.Method.Tool, tool)
	}
	if e.Method != nil || strings.HasPrefix(e.Actor, "device:") {
		members["uco-action:instrument"] = ref(c.tool(tool))
	}
	members["case-investigation:wasInformedBy"] = refs(c.informed(e))
	if e.Authority != "" {
		c.right(id, "", e.Authority)
	}
	if at := dateTime(e.Time.Wall); at != nil {
		if c.began == nil {
			c.began = at
		}
		c.ended = at
	}
	c.actions = append(c.actions, c.add(id, "case-investigation:InvestigativeAction", members))
	c.objects = append(c.objects, id)
	c.facts(e, id)
}

// informed gives the actions of the event before, and of those that an event answers.
func (c *custody) informed(e *packager.Event) (all []string) {
	for _, seq := range append([]int{e.Seq - 1}, e.Ref...) {
		if seq >= 1 && seq <= len(c.actions) && !slices.Contains(all, c.actions[seq-1]) {
			all = append(all, c.actions[seq-1])
		}
	}
	return all
}

// collection writes the collection as one action, as the archive itself tells of it; the
// events that it was made of are its parts.
func (c *custody) collection() {
	g := c.genesis
	if c.rep.Genesis == nil {
		return
	}
	id, taken := c.id("event", "collection"), orElse(c.taken, c.archive)
	members := node{
		"uco-core:name": "collection", "uco-action:startTime": dateTime(g.Time.Wall),
		"uco-core:description": descriptions("reason", g.Reason, "case", g.Case, "evidence", g.Evidence, "must be signed by", strings.Join(g.Require, ", "), "encrypted to", strings.Join(g.Recipients, ", ")),
		"uco-action:performer": ref(c.performer("device:"+g.Device, g.Operator)), "uco-action:location": ref(c.place(g.Place)),
		"uco-action:instrument": ref(c.tool(g.Tool)), "uco-action:environment": ref(c.host), "uco-action:object": ref(c.host),
		"uco-action:participant": refs(c.participants(&packager.Event{Actor: "device:" + g.Device, Operator: g.Operator, Witness: g.Witness})),
		"uco-action:subaction":   refs(c.steps),
	}
	if s := c.rep.Seal; s != nil {
		members["uco-action:endTime"] = dateTime(s.Time.Wall)
	}
	if c.began == nil {
		c.began, c.ended = members["uco-action:startTime"], members["uco-action:endTime"]
	}
	record := c.provenance(&packager.Event{Event: "collection", Evidence: g.Evidence}, id, taken)
	members["uco-action:result"] = refs([]string{taken, record})
	c.objects = append(c.objects, c.add(id, "case-investigation:InvestigativeAction", members))
	if job := c.rep.Job; job != nil {
		c.right(id, "job "+job.Job, job.Authority, descriptions("reason", job.Reason, "case", job.Case, "asked for by", job.Operator,
			"approved by", strings.Join(job.Approvals, ", "), "SHA-256 of the job", job.SHA256)...)
	}
}

// describe says in words what has no place of its own.
func describe(e *packager.Event) []string {
	all := descriptions("reason", e.Reason, "authority", e.Authority, "case", e.Case, "evidence", e.Evidence, "counterpart", e.Counterpart,
		"changes", e.Changes, "verdict", e.Verdict, "time zone", e.Time.Zone, "signed by", e.Actor, "key", e.Key)
	if t := e.Thing; t != nil {
		all = append(all, descriptions("power state", t.PowerState, "number of the seal", t.SealNo)...)
	}
	if e.Method != nil && len(e.Method.Command) > 0 {
		all = append(all, fmt.Sprintf("command: %s", safe(fmt.Sprintf("%q", e.Method.Command))))
	}
	return all
}

// facts writes the details of an event, and what other clocks said.
func (c *custody) facts(e *packager.Event, action string) {
	var all []string
	for _, d := range e.Detail {
		all = append(all, d.Name+": "+d.Value)
	}
	for _, s := range e.Time.Sources {
		all = append(all, fmt.Sprintf("clock %s %s: offset %d ms, round trip %d ms", s.Kind, s.ID, s.OffsetMS, s.RTTMS))
	}
	if e.Time.MaxErrorMS > 0 {
		all = append(all, fmt.Sprintf("time is wrong by at most %d ms", e.Time.MaxErrorMS))
	}
	if id := c.annotate("details", []string{action}, all...); id != "" {
		c.objects = append(c.objects, id)
	}
}

func dateTime(s string) any {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil && t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 {
		return typed("dateTime", t.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
