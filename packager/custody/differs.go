package custody

import (
	"fmt"
	"slices"
	"strings"
)

// A Difference is an answer that contradicts what the tool knows of its field.
type Difference struct {
	Field, Said string
	Known, From string
}

// detailDiffers is the name of the detail that says what an answer contradicts.
const detailDiffers = "differs"

// Differences are the answers that contradict the tool: of the fields that it fills alone,
// and of the numbers of the case and the evidence. They are signed as they are; what the
// tool knows stays beside them.
func (a Answers) Differences(form []Field) (list []Difference) {
	for i := range form {
		f := &form[i]
		said := a[f.ID]
		if said == "" || f.By != ByTool && f.ID != "A1" && f.ID != "A2" || slices.ContainsFunc(f.Answers, func(k Answer) bool { return k.said && k.Text == said }) {
			continue // another field is told in halves, or this was signed already
		}
		known := slices.DeleteFunc(slices.Clone(f.Answers), func(k Answer) bool {
			return k.said || k.Superseded > 0 || f.ID == "A2" && k.From != "genesis" // else our own proposal
		})
		holds := func(k Answer) bool { return strings.Contains(strings.ToLower(said), strings.ToLower(k.Text)) }
		if len(known) > 0 && !slices.ContainsFunc(known, holds) {
			list = append(list, Difference{f.ID, said, known[0].Text, known[0].From})
		}
	}
	return list
}

// value is the difference as its event records it.
func (d Difference) value() string {
	return fmt.Sprintf("%s: %s (%s)", d.Field, strings.ToValidUTF8(d.Known[:min(len(d.Known), 500)], ""), d.From)
}
