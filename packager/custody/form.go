package custody

import (
	"fmt"
	"slices"
	"strings"

	"hozen/packager"
)

// By is who can fill a field.
type By string

// Who fills a field.
const (
	ByTool   By = "tool"
	ByPeople By = "people"
	ByBoth   By = "both" // the tool what it can, people the rest
)

// A Field is one field of a custody record, with its answers, the oldest first.
type Field struct {
	ID      string   `json:"id"` // A1 … H4
	EN      string   `json:"en"`
	JA      string   `json:"ja"`
	By      By       `json:"by"`
	Answers []Answer `json:"answers"`
	// Open says that nobody answered it yet: no answer, or none that was not superseded.
	Open bool `json:"open"`
	// Half says that the tool's half is there, and nothing that people said.
	Half bool `json:"half,omitempty"`
}

// Say names who fills a field, in a language: "en" or "ja".
func (b By) Say(lang string) string {
	words := map[By]Words{ByTool: {"the tool", "ツール"}, ByPeople: {"you", "記入"}, ByBoth: {"the tool + you", "ツール + 記入"}}[b]
	if lang == "ja" {
		return words[1]
	}
	return words[0]
}

// An Answer is what is known of a field, and from where. Text may hold anything that a
// host or a person wrote: who shows it escapes it.
type Answer struct {
	Text string `json:"text"`
	JA   string `json:"ja,omitempty"`   // Text in Japanese, where it has words of ours in it
	From string `json:"from"`           // a statement or member of the archive, "archive", "log", or the principal who said it
	Seq  int    `json:"seq,omitempty"`  // of the event that says it; 0 if none does
	Time string `json:"time,omitempty"` // of that event
	// Superseded is the seq of the first event that answered the field anew; 0 if none did.
	Superseded int   `json:"superseded,omitempty"`
	anew       []int // all of those
	said       bool  // by people who filled the form
	people     bool  // by people, in whatever way
}

// Words are a text in English and Japanese; "" where it is the same in both.
type Words [2]string

// Say gives an answer in a language: "en" or "ja".
func (a *Answer) Say(lang string) string {
	if lang == "ja" && a.JA != "" {
		return a.JA
	}
	return a.Text
}

// A Fact is what the caller read out of the archive's tables for a field.
type Fact struct {
	Field string // its ID
	Text  string
	JA    string // Text in Japanese; "": the same
	From  string // the member that says it
}

// A form is being filled.
type form struct {
	list    []Field
	archive bool // its statements are there
	stamps  []packager.TimeStamp
	at      map[string]*Field
}

func (f *form) add(id, text, from string, e *packager.Event) {
	f.both(id, Words{text}, from, e)
}

// both adds an answer that has words of ours in it.
func (f *form) both(id string, text Words, from string, e *packager.Event) {
	field := f.at[id]
	if field == nil || strings.TrimSpace(text[0]) == "" {
		return
	}
	a := Answer{Text: text[0], JA: text[1], From: from}
	if e != nil {
		a.Seq, a.Time = e.Seq, e.Time.Wall
		a.said = e.Event == "described" || e.Event == "corrected"
	}
	a.people = a.said || e != nil && !strings.HasPrefix(e.Actor, "device:") || e == nil && (id == "A2" && from == "genesis" || id == "B1" && (from == "genesis" || from == "job"))
	same := func(have Answer) bool { return have.Text == a.Text && !have.said && !a.said }
	if slices.ContainsFunc(field.Answers, same) {
		return
	}
	field.Answers = append(field.Answers, a)
}

// Form gives all fields of the custody record in their order, with what is known of each:
// from the archive's statements (rep; nil where there is only the log), from facts that
// the caller read out of its tables (Gather), and from the events of its log. Where people
// answered a field anew, the earlier answer stays, and says so. Whose the signatures of the
// events are is not looked at here.
func Form(rep *packager.Report, events []packager.Event, facts ...Fact) []Field {
	f := &form{list: fields(), at: map[string]*Field{}}
	for i := range f.list {
		f.list[i].Answers = []Answer{}
		f.at[f.list[i].ID] = &f.list[i]
	}
	if f.archive = rep != nil && rep.Genesis != nil && (rep.Genesis.Tool != "" || rep.Genesis.Time.Wall != ""); f.archive { // a blank one says nothing: nobody could read it
		f.stamps = rep.TimeStamps
		f.statements(rep)
	}
	for _, x := range facts {
		f.both(x.Field, Words{x.Text, x.JA}, x.From, nil)
	}
	for i := range events {
		f.event(&events[i])
	}
	for i := range f.list {
		field := &f.list[i]
		field.Half = field.By == ByBoth && len(field.Answers) > 0 && !slices.ContainsFunc(field.Answers, func(a Answer) bool { return a.people && a.Superseded == 0 })
		field.Open = !slices.ContainsFunc(field.Answers, func(a Answer) bool { return a.Superseded == 0 })
	}
	return f.list
}

// statements fills what the signed statements say.
func (f *form) statements(r *packager.Report) {
	g, say := r.Genesis, func(id, text string) { f.add(id, text, "genesis", nil) }
	say("A1", g.Case)
	say("A2", g.Evidence)
	if g.Evidence == "" {
		f.add("A2", r.Collection, "archive", nil)
	}
	say("B1", g.Operator)
	say("B2", strings.Join(g.Witness, ", "))
	say("C1", g.Place)
	say("C4", g.Reason)
	if j := r.Job; j != nil {
		f.add("A3", j.Authority, "job", nil)
		f.add("B1", strings.Join(append([]string{j.Operator}, j.Approvals...), ", "), "job", nil)
	}
	end := ""
	if r.Seal != nil {
		end = " – " + seconds(r.Seal.Time.Wall)
	}
	f.add("C2", seconds(g.Time.Wall)+end+zone(g.Host.Zone), "genesis", nil)
	h := g.Host
	f.both("D1", device(h), "genesis", nil)
	say("D3", join(h.OS, h.Kernel))
	say("E3", g.Tool)
	if r.Members > 0 { // else it was not read
		f.both("F1", Words{fmt.Sprintf("%d members, %s: custody/index.tsv; source, times and reason of each: custody/cp/*.jsonl", r.Members, size(r.Payload)),
			fmt.Sprintf("%d 件、%s: custody/index.tsv。取得元・日時・理由は custody/cp/*.jsonl", r.Members, size(r.Payload))}, "archive", nil)
	}
	if r.Head != "" && r.Fingerprint != "" {
		f.both("F3", Words{fmt.Sprintf("signed (SSHSIG) by device:%s, %s; head %s", r.Device, r.Fingerprint, r.Head),
			fmt.Sprintf("電子署名 (SSHSIG) device:%s、%s、ヘッド %s", r.Device, r.Fingerprint, r.Head)}, "archive", nil)
	}
	for _, s := range r.CoSignatures {
		if s.Event == 0 { // those of the log are said with their events
			f.both("F3", coSigned(s), "archive", nil)
		}
	}
}

// coSigned says who signed the seal beside the device, and if nobody vouches for the key.
func coSigned(s packager.CoSignature) Words {
	w := Words{fmt.Sprintf("seal co-signed (SSHSIG) by %s, %s", s.Principal, s.Fingerprint), fmt.Sprintf("封印への連署 (SSHSIG) %s、%s", s.Principal, s.Fingerprint)}
	if !s.Trusted {
		return Words{w[0] + " (key not trusted here)", w[1] + "(署名鍵は未確認)"}
	}
	return w
}

// device is what the statements say of the machine.
func device(h packager.HostID) Words {
	var en, ja []string
	for _, p := range []struct{ en, ja, value string }{
		{"maker", "メーカー", h.Make}, {"model", "型番", h.Model}, {"serial", "S/N", h.Serial}, {"host name", "ホスト名", h.Name},
		{"MAC", "MAC", strings.Join(h.MACs, " ")}, {"IP", "IP", strings.Join(h.IPs, " ")},
	} {
		if p.value != "" {
			en, ja = append(en, p.en+" "+p.value), append(ja, p.ja+" "+p.value)
		}
	}
	return Words{strings.Join(en, ", "), strings.Join(ja, "、")}
}

// seconds leaves out the fraction of a second of a time.
func seconds(wall string) string {
	if head, _, ok := strings.Cut(wall, "."); ok && strings.HasSuffix(wall, "Z") {
		return head + "Z"
	}
	return wall
}

func zone(z string) string {
	if z == "" {
		return ""
	}
	return " (UTC; " + z + ")"
}

// join leaves out what is empty.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return strings.TrimSpace(s) == "" }), ", ")
}

// event fills what an event says: what happened to the archive, and what people answered.
func (f *form) event(e *packager.Event) {
	say := func(id, text string) { f.add(id, text, e.Actor, e) }
	switch e.Event {
	case "described", "corrected":
		f.answers(e)
	case "started", "sealed":
		f.made(e)
	case "countersigned":
		say("F3", "countersigned by "+e.Actor)
		if strings.HasPrefix(e.Actor, "witness:") {
			say("B2", e.Actor)
		}
	case "timestamped":
		f.both("F3", f.stamped(e), e.Actor, e)
	case "receipt":
		say("F3", e.Event)
	case "stored":
		say("H1", join(moment(e), e.Place, sealNo(e)))
	case "copied":
		say("G1", join(e.Place, thing(e)))
		say("G2", join(moment(e), e.Fact("copy"), e.Place))
	case "released", "received":
		f.handed(e)
	case "opened", "verified", "checked_out", "checked_in", "exported":
		say("H3", join(moment(e), e.Event, e.Reason, e.Place, e.Verdict))
	case "destroyed":
		say("H4", join(moment(e), e.Event, e.Reason, e.Fact("how")))
	}
	for _, s := range e.Time.Sources {
		if !f.measured(s) {
			f.both("C3", ClockText(s, e.Time.MaxErrorMS), e.Actor, e)
		}
	}
	if e.Event != "described" { // whose witness is said with the rest of its answers
		if w := strings.Join(e.Witness, ", "); w != "" {
			say("B2", w+" ("+e.Event+")")
		}
	}
	say("E5", e.Changes)
	if e.Thing != nil {
		say("D1", join(e.Thing.Description, e.Thing.Make, e.Thing.Model, e.Thing.Serial, e.Thing.Asset))
		say("D4", e.Thing.PowerState)
	}
}

// made fills what the log says of the collection itself; the archive, where it is there,
// says some of that better.
func (f *form) made(e *packager.Event) {
	if e.Event == "sealed" {
		f.both("F2", Words{fmt.Sprintf("SHA-256 %s of the file %s (%s), when it was sealed: %s", e.Object.SHA256, e.Object.Name, size(e.Object.Bytes), moment(e)),
			fmt.Sprintf("SHA-256 %s (%s、%s)、封印時 %s", e.Object.SHA256, e.Object.Name, size(e.Object.Bytes), moment(e))}, e.Actor, e)
	}
	if f.archive {
		return
	}
	began := Words{"began ", "開始 "}
	if e.Event == "sealed" {
		began = Words{"ended ", "終了 "}
	}
	at := moment(e)
	f.both("C2", Words{began[0] + at, began[1] + at}, e.Actor, e)
	if m := e.Method; m != nil {
		f.add("E3", join(m.Tool, strings.Join(m.Command, " ")), e.Actor, e)
	}
	f.begun(e)
	if seal := e.Fact("seal"); seal != "" {
		f.both("F3", Words{fmt.Sprintf("signed (SSHSIG) by %s; seal %s", e.Actor, seal), fmt.Sprintf("電子署名 (SSHSIG) %s、封印 %s", e.Actor, seal)}, e.Actor, e)
	}
}

// begun fills what the log alone says of the case, the people and the machine.
func (f *form) begun(e *packager.Event) {
	for _, p := range [][2]string{{"A1", e.Case}, {"A2", e.Evidence}, {"A3", e.Authority}, {"B1", e.Operator}, {"C1", e.Place}, {"C4", e.Reason}} {
		f.add(p[0], p[1], e.Actor, e)
	}
	if len(f.at["A2"].Answers) == 0 {
		f.add("A2", e.Collection, e.Actor, e)
	}
	if h := e.Item; h != nil {
		f.both("D1", device(*h), e.Actor, e)
		f.add("D3", join(h.OS, h.Kernel), e.Actor, e)
	}
}

// moment is when an event happened, by the clock of the machine that wrote it.
func moment(e *packager.Event) string { return seconds(e.Time.Wall) + zone(e.Time.Zone) }

// handed fills the record of transfers.
func (f *form) handed(e *packager.Event) {
	from, to := e.Actor, e.Counterpart
	if e.Event == "received" {
		from, to = e.Counterpart, e.Actor
		f.add("F2", join(moment(e), e.Verdict, "SHA-256 "+e.Object.SHA256), e.Actor, e)
	}
	f.add("H2", join(moment(e), fmt.Sprintf("%s: %s → %s", e.Event, from, to), e.Reason, e.Fact("how"), e.Fact("tracking"), e.Place, sealNo(e), e.Fact("seal"), e.Verdict), e.Actor, e)
	if e.Fact("return") != "" {
		f.add("H4", join(moment(e), "returned to "+to), e.Actor, e)
	}
}

func sealNo(e *packager.Event) string {
	if e.Thing == nil || e.Thing.SealNo == "" {
		return ""
	}
	return "seal no. " + e.Thing.SealNo
}

func thing(e *packager.Event) string {
	if e.Thing == nil {
		return ""
	}
	return join(e.Thing.Make, e.Thing.Model, e.Thing.Serial)
}

// answers takes what people filled in: details that have the name of a field, and the
// fields of an event that mean one. An answer anew supersedes those that people gave
// before; what the archive itself says stays beside it.
func (f *form) answers(e *packager.Event) {
	if e.Event == "described" {
		f.add("B1", e.Operator, e.Actor, e)
		f.add("B2", strings.Join(e.Witness, ", "), e.Actor, e)
		f.add("C4", e.Reason, e.Actor, e)
	}
	named := slices.ContainsFunc(f.list, func(x Field) bool { return e.Fact(DetailName(x.ID)) != "" })
	for i := range f.list {
		field := &f.list[i]
		text := e.Fact(DetailName(field.ID)) // never so long that it stands elsewhere
		if e.Event == "corrected" && field.corrects(e, named) && text == "" {
			f.add(field.ID, join(moment(e), "corrected: "+e.Reason, e.Place, sealNo(e)), e.Actor, e)
		}
		if text == "" {
			continue
		}
		for j := range field.Answers {
			if a := &field.Answers[j]; a.said && a.Seq != e.Seq {
				a.supersede(e.Seq)
			}
		}
		f.add(field.ID, text, e.Actor, e)
	}
}

// corrects marks what people said by the events that one corrects. A filled form (named)
// says itself which of its answers are given anew; what the device said stays.
func (field *Field) corrects(e *packager.Event, named bool) (any bool) {
	for i := range field.Answers {
		a := &field.Answers[i]
		if a.people && a.Seq > 0 && slices.Contains(e.Ref, a.Seq) && (!a.said || !named) {
			a.supersede(e.Seq)
			any = true
		}
	}
	return any
}

func (a *Answer) supersede(by int) {
	if a.Superseded == 0 {
		a.Superseded = by
	}
	a.anew = append(a.anew, by)
}

// SupersededBy gives the seqs of all events that answered the field anew: a stranger may be
// among them.
func (a *Answer) SupersededBy() []int { return a.anew }

// DetailName is the name of the detail of an event that answers a field.
func DetailName(id string) string { return strings.ToLower(id) }
