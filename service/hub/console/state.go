package console

import (
	"encoding/json"
	"slices"
	"strings"

	"hozen/packager"
	"hozen/service/job"
	"hozen/service/protocol"
)

// A run is what one device made of a job, for people. Answer is the one question first:
// may the PC be switched off.
type run struct {
	Device  string
	State   string
	Reason  string
	Answer  answer
	Step    step
	Receipt string // verdict
	Lines   []string
}

// An answer has a class (yes, care, no, wait, none), which style and symbol go by, and the
// keys of its word and its text.
type answer struct {
	Class string
	Word  string
	Text  string
	Told  string // what the machine itself says to it, in its own language
}

// A step is the newest progress event.
type step struct {
	Event     string `json:"event"`
	N         int    `json:"step"`
	Of        int    `json:"steps"`
	Collector string `json:"collector"`
	Items     int64  `json:"items"`
	Bytes     int64  `json:"bytes"`
	LeftMS    int64  `json:"left_ms"`
	Text      string `json:"text"`
	Warning   string `json:"warning"`
}

// Done is how many steps are behind it.
func (s step) Done() int {
	if s.Event == "step_began" && s.N > 0 {
		return s.N - 1
	}
	return s.N
}

// readStep reads a progress event as it came: the event itself, or within protocol.Progress.
func readStep(s string) (out step) {
	var p protocol.Progress
	if json.Unmarshal([]byte(s), &p) == nil && strings.HasPrefix(p.Event, "{") {
		s = p.Event
	}
	if json.Unmarshal([]byte(s), &out) != nil {
		return step{}
	}
	out.N, out.Of = min(max(out.N, 0), 10000), min(max(out.Of, 0), 10000)
	return out
}

// runOf judges what a device said of a job that asks for the action.
func runOf(d protocol.DeviceStatus, action string) run {
	r := run{Device: d.Device, State: d.State, Reason: d.Reason, Receipt: d.Receipt, Lines: d.Lines}
	if d.State == "started" {
		r.Step = readStep(d.Progress)
	}
	r.Answer = answerOf(d, action)
	return r
}

// answerOf says yes only if nothing speaks against it.
func answerOf(d protocol.DeviceStatus, action string) answer {
	safe := readStep(d.Safe)
	of := func(class, text string) answer {
		a := answer{class, "class." + class, "answer." + text, safe.Text}
		switch text {
		case "volatile":
			a.Word = "class.may"
		case "isolated":
			a.Word = "class.cut"
		case "done", "doneisolate", "donerejoin", "donecancel":
			a.Word = "class.did"
		}
		if safe.Event == "volatile_safe" { // says what we say
			a.Told = ""
		}
		return a
	}
	switch d.State {
	case "sent", "accepted", "refused", "cancelled", "isolated", "rejoined":
		class := map[string]string{"sent": "wait", "accepted": "wait", "isolated": "care"}[d.State]
		if class == "" {
			class = "none"
		}
		return of(class, d.State)
	case "done":
		switch action {
		case job.Isolate:
			return of("care", "doneisolate")
		case job.Rejoin, job.Cancel:
			return of("none", "done"+action)
		}
		return of("none", "done")
	case "started":
		return of(whileRunning(safe.Event))
	case "sealed":
		if safe.Event == "output_in_memory" {
			return of("no", "memory")
		}
		return of("wait", "sealed")
	case "partial", "failed":
		if slices.Contains([]string{job.Isolate, job.Rejoin, job.Cancel}, action) {
			return of("care", "notdone")
		}
		return of("no", d.State)
	case "delivered":
		switch {
		case d.Receipt == "":
			return of("wait", "verifying")
		case d.Receipt != string(packager.Valid) && d.Receipt != string(packager.ValidOuter):
			return of("care", "verdict")
		case safe.Event == "unlocked_disk":
			return of("care", "locks")
		case safe.Event == "incomplete":
			return of("care", "incomplete")
		case safe.Event == "":
			return of("care", "untold")
		}
		return of("yes", "delivered")
	}
	return of("none", "unknown")
}

func whileRunning(safe string) (class, text string) {
	switch safe {
	case "volatile_safe":
		return "care", "volatile"
	case "unlocked_disk":
		return "care", "locks"
	case "incomplete":
		return "care", "incompletesofar"
	case "output_in_memory":
		return "no", "memory"
	}
	return "no", "started"
}

// ended says whether nothing more is to come of a run.
func (r run) ended() bool {
	return r.Answer.Class == "yes" || r.Answer.Class == "none" || r.Receipt != "" || r.State == "done"
}

// KnownState is the state, where there is a text for it.
func (r run) KnownState() string {
	if slices.Contains(protocol.States(), r.State) {
		return r.State
	}
	return "unknown"
}

// KnownAction is the action, where there is a text for it.
func (j jobRuns) KnownAction() string { return knownAction(j.Action) }

func knownAction(a string) string {
	if slices.Contains(actions(), a) {
		return a
	}
	return "unknown"
}

// verdictKey is the verdict as keys of texts have it.
func verdictKey(v string) string {
	if verdictClass(v) == "wait" {
		return "unknown"
	}
	return strings.ToLower(v)
}

// verdictClass is the class of a verdict of the hub.
func verdictClass(v string) string {
	switch packager.Verdict(v) {
	case packager.Valid:
		return "yes"
	case packager.Invalid, packager.NotEvidence:
		return "no"
	case packager.ValidPartial, packager.UntrustedSigner, packager.ValidOuter, protocol.NotVerified:
		return "care"
	}
	return "wait"
}
