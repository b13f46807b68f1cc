package isolate

import (
	"context"
	"fmt"
	"time"
)

// What a machine is.
const (
	Open     = "open"     // no rule of ours
	Cut      = "isolated" // our rules are there, whole and armed
	Expired  = "expired"  // our rules are there, and hold no longer: the time is over
	Altered  = "altered"  // our rules are there, but not as they were put
	Unknown  = "unknown"  // it could not be found out
	Released = "released" // of the file only: a release was begun and not ended
)

// Status is what the kernel says and what the file says.
type Status struct {
	Kernel  string   `json:"kernel"` // Open, Cut, Expired, Altered, Unknown
	File    string   `json:"file"`   // Open (there is none), Cut, Expired, Released, Unknown
	Agree   bool     `json:"agree"`
	Problem string   `json:"problem"` // what does not agree
	LeftS   int64    `json:"left_s"`  // until the kernel releases it, in seconds, rounded up
	State   *State   `json:"state"`   // the file; null if there is none
	Rules   string   `json:"rules"`   // our tables in the kernel
	Links   []string `json:"links"`   // interfaces whose frames are filtered
	Outside []string `json:"outside"`
	Warn    []string `json:"warnings"`
	Rivals  []string `json:"rivals"` // see Change
}

// Status asks the kernel, then reads the file, and says whether they agree. It changes
// nothing. An error says that the kernel could not be asked; the status is given all the same.
func (m *Machine) Status(ctx context.Context) (Status, error) {
	st := Status{Kernel: Unknown, File: Open, Links: []string{}, Outside: []string{}, Warn: []string{}, Rivals: []string{}}
	s, fileErr := m.load()
	switch {
	case fileErr != nil:
		st.File, st.Problem = Unknown, fileErr.Error()
	case s != nil && s.Want == Cut && s.left(m.Now()) == 0:
		st.File = Expired
	case s != nil:
		st.File = s.Want
	}
	st.State = s
	have, err := m.Firewall.Read(ctx)
	if err != nil {
		return st, err
	}
	var why string
	st.Kernel, why = have.ours()
	if st.Kernel == Cut && s != nil && s.Rules != "" && s.Rules != have.oursSum() {
		st.Kernel, why = Altered, "our rules are not as they were put"
	}
	if st.Kernel == Cut || st.Kernel == Altered {
		st.LeftS = int64((have.left() + time.Second - 1) / time.Second)
	}
	for _, t := range have.Tables {
		if t.Ours {
			st.Rules += t.Text
			st.Links = append(st.Links, t.Ingress...)
		}
	}
	if st.Kernel != Open && s != nil {
		around, err := m.Firewall.Around(ctx, s.hubs())
		if err != nil {
			return st, err
		}
		st.Outside = append(st.Outside, around.Outside...)
		st.Warn = append(st.Warn, around.Warnings...)
		for _, l := range around.uncovered(have) {
			st.Warn = append(st.Warn, fmt.Sprintf("frames of %s are not filtered: it came later", plain(l)))
		}
	}
	if st.Kernel != Open {
		st.Rivals = append(st.Rivals, have.rivals()...)
	}
	st.Agree = fileErr == nil && st.Kernel == st.File
	if !st.Agree && st.Problem == "" {
		st.Problem = fmt.Sprintf("the kernel says %s, the file says %s", st.Kernel, st.File)
		if why != "" && st.Kernel != Cut {
			st.Problem += ": " + why
		}
	}
	return st, nil
}

func plural(n int) string {
	if n == 1 {
		return "once more"
	}
	return fmt.Sprintf("%d times more", n)
}

// Until gives when the time of the isolation is over, as the file of state says; "" if
// this machine is not to be isolated. It asks nobody.
func (m *Machine) Until() string {
	if s, err := m.load(); err == nil && s != nil && s.Want == Cut {
		return s.Until
	}
	return ""
}
