package task

import (
	"encoding/binary"
	"fmt"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

// Flags of a .job file ([MS-TSCH] section 2.4.1).
const (
	jobDisabled = 0x4
	jobHidden   = 0x200
)

// A Job is a task in the form of before Windows Vista, C:\Windows\Tasks\NAME.job.
// Its times are local ones.
type Job struct {
	Product, Version uint16
	ID               string
	LastRun          string
	ExitCode         uint32
	Status, Flags    uint32
	Command          string
	Arguments        string
	WorkingDirectory string
	User             string // who made it
	Comment          string
	Triggers         []Trigger
}

// Enabled says that the task is not switched off.
func (j *Job) Enabled() bool { return j.Flags&jobDisabled == 0 }

// Hidden says that the tools of Windows do not show it.
func (j *Job) Hidden() bool { return j.Flags&jobHidden != 0 }

// ParseJob reads a .job file ([MS-TSCH] section 2.4). With an error it gives what came
// before.
func ParseJob(b []byte) (Job, error) {
	c := &cursor{b: b}
	j := Job{Product: c.u16("product version"), Version: c.u16("file version")}
	if c.err == nil && j.Version != 1 {
		return j, fmt.Errorf("job file of version %d: not known", j.Version)
	}
	j.ID = GUID(c.take(16, "id"))
	name, triggers := int(c.u16("application name's offset")), int(c.u16("triggers' offset"))
	c.take(8+4+4, "retries, priority and run time")
	j.ExitCode, j.Status, j.Flags = c.u32("exit code"), c.u32("status"), c.u32("flags")
	j.LastRun = systemTime(c.take(16, "last run"))
	if c.err != nil {
		return j, c.err
	}
	if name > len(b) || triggers > len(b) {
		return j, fmt.Errorf("offsets %d and %d lie behind the %d bytes", name, triggers, len(b))
	}
	c.at = name
	for _, field := range []*string{&j.Command, &j.Arguments, &j.WorkingDirectory, &j.User, &j.Comment} {
		*field = utf16.ToNUL(c.take(2*uint64(c.u16("string")), "string"))
	}
	if c.err != nil {
		return j, c.err
	}
	c.at = triggers
	for n := c.u16("number of triggers"); n > 0 && c.err == nil; n-- {
		if len(j.Triggers) == maxActions {
			return j, fmt.Errorf("more than %d triggers", maxActions)
		}
		if size := c.take(2, "trigger's size"); size == nil || binary.LittleEndian.Uint16(size) != 48 {
			return j, fmt.Errorf("trigger %d: not 48 bytes", len(j.Triggers)+1)
		}
		if t := c.take(46, "trigger"); t != nil {
			j.Triggers = append(j.Triggers, jobTrigger(t))
		}
	}
	return j, c.err
}

// jobTrigger reads a trigger behind its size ([MS-TSCH] section 2.4.2.11).
func jobTrigger(b []byte) (t Trigger) {
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	t.Start = jsonl.Text(localTime(u16(2), u16(4), u16(6), u16(14), u16(16), 0, 0))
	t.End = jsonl.Text(localTime(u16(8), u16(10), u16(12), 0, 0, 0, 0))
	t.Duration, t.Interval = minutes(u32(18)), minutes(u32(22))
	enabled := u32(26)&4 == 0
	t.Enabled = &enabled
	kind := u32(30)
	data := [3]uint16{uint16(u16(34)), uint16(u16(36)), uint16(u16(38))}
	t.Kind = "time"
	switch kind {
	case 0:
	case 1, 2:
		t.Schedule = jsonl.Text(schedule(kind, data))
	case 3:
		t.Schedule = jsonl.Text(fmt.Sprintf("months %s, days %s", bits(uint32(data[2]), 1), bits(uint32(data[1])<<16|uint32(data[0]), 1)))
	case 4: // here the week comes first, as a number
		t.Schedule = jsonl.Text(fmt.Sprintf("months %s, week %d, days %s", bits(uint32(data[2]), 1), data[0], weekdays(data[1])))
	case 5, 6, 7:
		t.Kind = [...]string{"idle", "boot", "logon"}[kind-5]
	default:
		t.Kind = fmt.Sprintf("unknown %#x", kind)
	}
	return t
}

func minutes(n uint32) jsonl.Text {
	if n == 0 {
		return ""
	}
	return jsonl.Text(fmt.Sprintf("PT%dM", n))
}
