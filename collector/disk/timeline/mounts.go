package timeline

import (
	"hozen/collector"
	"hozen/collector/disk/walk"
	"hozen/collector/jsonl"
	"hozen/packager/evidence"
)

// MountRow is one row of disk/mounts.jsonl: a mount of the host, and how its walk went.
type MountRow struct {
	MountPoint jsonl.Text   `json:"mount_point"` // on the host
	Dev        string       `json:"dev"`         // major:minor of the file system
	FSType     string       `json:"fstype"`
	Source     jsonl.Text   `json:"source"`
	Root       jsonl.Text   `json:"root"` // the part of the file system that is mounted
	Options    jsonl.Text   `json:"options"`
	Walked     bool         `json:"walked"`
	Why        jsonl.Text   `json:"why,omitempty"`     // it was not walked
	Same       []jsonl.Text `json:"same,omitempty"`    // mount points that show the same, or a part of it
	Entries    int64        `json:"entries,omitempty"` // rows
	Dirs       int64        `json:"directories,omitempty"`
	Errors     int64        `json:"errors,omitempty"` // rows with an error that is no ordinary thing to happen
	// Touched counts directories whose access time may have changed, since the system
	// refused to leave it.
	Touched int64 `json:"touched,omitempty"`
	// Private says that the walk had a view of its own: it saw what lies beneath other
	// mounts, and reading links changed no access time. Without one that of links may have changed.
	Private bool       `json:"private,omitempty"`
	Error   jsonl.Text `json:"error,omitempty"` // why the walk was not begun, or not ended
}

// mountRows joins the mounts with the report of their walk. The error says which walks
// were not ended.
func mountRows(h *collector.Host, mounts []walk.Mount, report walk.Report) ([]MountRow, error) {
	var rows []MountRow
	var tally evidence.Tally
	next := 0 // reports are in the order of the mounts that are walked
	for i := range mounts {
		m := &mounts[i]
		r := MountRow{
			MountPoint: jsonl.Text(h.Shown(m.Path)), Dev: m.Device, FSType: m.Type, Source: jsonl.Text(m.Source), Root: jsonl.Text(m.Root),
			Options: jsonl.Text(m.Options), Walked: m.Why == "", Why: jsonl.Text(m.Why), Same: jsonl.Texts(m.Same),
		}
		if r.Walked && next < len(report.Roots) {
			t := &report.Roots[next]
			next++
			r.Entries, r.Dirs, r.Errors, r.Touched, r.Private = t.Entries, t.Directories, t.Errors, t.Touched, t.Private
			if t.Err != nil {
				r.Error = jsonl.Text(t.Err.Error())
				tally.Add(m.Path, t.Err)
			}
		}
		rows = append(rows, r)
	}
	return rows, tally.Err()
}
