package task

import (
	"encoding/binary"
	"fmt"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/utf16"
)

// The kinds of triggers in the registry.
const (
	triggerWNF          = 0x6666
	triggerSession      = 0x7777
	triggerRegistration = 0x8888
	triggerLogon        = 0xaaaa
	triggerEvent        = 0xcccc
	triggerTime         = 0xdddd
	triggerIdle         = 0xeeee
	triggerBoot         = 0xffff
)

// Flags of a task in the registry that say something of its own.
const (
	flagEnabled = 0x400000
	flagHidden  = 0x800000
	flagHighest = 0x1000000 // runs with the highest rights that its user has
)

// Triggers is the value Triggers of a task in TaskCache\Tasks: when it starts, and as whom.
type Triggers struct {
	Version   uint8
	Start     string // the earliest start of all triggers
	End       string // the latest end
	Flags     uint32
	CRC32     uint32 // of the XML
	Principal string
	Name      string
	SID       string // as whom it runs
	User      string
	Settings  Settings
	List      []Trigger
}

// Settings are the optional settings of a task; zero where it has none.
type Settings struct {
	TimeLimit  jsonl.Text `json:"time_limit,omitempty"`
	Expires    jsonl.Text `json:"expires,omitempty"` // it is deleted so long after its last trigger's end
	Priority   uint32     `json:"priority,omitempty"`
	Retries    uint32     `json:"retries,omitempty"`
	Privileges uint64     `json:"privileges,omitempty"` // a bit for each number of a privilege (SeCreateTokenPrivilege is 2)
}

// Enabled, Hidden and Highest read the flags.
func (t *Triggers) Enabled() bool { return t.Flags&flagEnabled != 0 }

// Hidden says that the task is not shown by the tools of Windows.
func (t *Triggers) Hidden() bool { return t.Flags&flagHidden != 0 }

// Highest says that it runs with the highest rights that its user has.
func (t *Triggers) Highest() bool { return t.Flags&flagHighest != 0 }

// ParseTriggers reads the value Triggers. With an error it gives what came before.
func ParseTriggers(b []byte) (Triggers, error) {
	c := &cursor{b: b}
	t := Triggers{Version: c.alignedByte("version")}
	if c.err == nil && (t.Version < 0x10 || t.Version > 0x17) {
		return t, fmt.Errorf("triggers of version %#x: not known", t.Version)
	}
	t.Start, t.End = c.time("start"), c.time("end")
	t.Flags, t.CRC32 = c.aligned("flags"), c.aligned("checksum")
	if t.Version >= 0x16 {
		t.Principal = c.alignedText("principal")
	}
	if t.Version >= 0x17 {
		t.Name = c.alignedText("name")
	}
	t.SID, t.User = c.user()
	t.Settings = c.settings()
	for c.left() {
		if len(t.List) == maxActions {
			return t, fmt.Errorf("more than %d triggers", maxActions)
		}
		trigger := c.trigger(t.Version)
		if c.err != nil {
			return t, c.err
		}
		t.List = append(t.List, trigger)
	}
	return t, c.err
}

// time reads a boundary: whether it is local time, and a FILETIME.
func (c *cursor) time(what string) string {
	local := c.alignedByte(what) != 0
	return boundary(c.u64(what), local)
}

// user reads an account: its SID and name; both are "" where it stands for any.
func (c *cursor) user() (sid, name string) {
	if c.alignedByte("whether there is a user") != 0 {
		return "", ""
	}
	if c.alignedByte("whether there is a SID") == 0 {
		c.aligned("kind of SID")
		sid = SID(c.block(uint64(c.aligned("size of SID")), "SID"))
	}
	return sid, c.alignedText("user")
}

func (c *cursor) settings() (s Settings) {
	size := c.aligned("size of settings")
	if size == 0 {
		return s
	}
	// 0x2c bytes lie on blocks, too; 0x38 and 0x58 are versions with more behind.
	in := &cursor{b: c.block(uint64(size), "settings")}
	if c.err != nil {
		return s
	}
	in.take(8, "idle")
	s.TimeLimit, s.Expires, s.Priority = seconds(in.u32("time limit")), seconds(in.u32("expiry")), in.u32("priority")
	in.u32("restart delay")
	s.Retries = in.u32("retries")
	in.take(16+4, "network")
	if size >= 0x38 {
		s.Privileges = in.u64("privileges")
	}
	if size != 0x2c && in.err != nil {
		c.err = in.err
	}
	return s
}

func (c *cursor) trigger(version uint8) (t Trigger) {
	kind := c.aligned("kind of trigger")
	if kind == triggerTime {
		return c.timeTrigger(version)
	}
	names := map[uint32]string{
		triggerWNF: "wnf_state", triggerSession: "session_change", triggerRegistration: "registration",
		triggerLogon: "logon", triggerEvent: "event", triggerIdle: "idle", triggerBoot: "boot",
	}
	name, ok := names[kind]
	if !ok {
		if c.err == nil {
			c.err = fmt.Errorf("trigger of kind %#x: not known", kind)
		}
		return t
	}
	t = c.generic(version)
	t.Kind = name
	switch kind {
	case triggerWNF:
		t.State = jsonl.Text(fmt.Sprintf("%016X", c.u64("state name")))
		c.take(uint64(c.aligned("size of data")), "data")
	case triggerSession:
		t.State = sessionState(c.aligned("session state"))
		t.User = c.anyUser()
	case triggerLogon:
		t.User = c.anyUser()
	case triggerEvent:
		t.Subscription = jsonl.Text(c.counted("subscription"))
		c.take(8, "event")
		c.counted("event")
		for n := c.aligned("value queries"); n > 0 && c.err == nil; n-- {
			c.counted("value query")
			c.counted("value query")
		}
	}
	return t
}

func (c *cursor) anyUser() jsonl.Text {
	sid, name := c.user()
	if sid == "" || name == "" {
		return jsonl.Text(sid + name)
	}
	return jsonl.Text(sid + " " + name)
}

// generic reads what all triggers but those of time have.
func (c *cursor) generic(version uint8) (t Trigger) {
	t.Start, t.End = jsonl.Text(c.time("start")), jsonl.Text(c.time("end"))
	t.Delay, t.TimeLimit = seconds(c.u32("delay")), seconds(c.u32("time limit"))
	t.Interval, t.Duration = seconds(c.u32("interval")), seconds(c.u32("duration"))
	c.take(4+4, "duration")
	enabled := c.alignedByte("enabled") != 0
	t.Enabled = &enabled
	c.take(8, "trigger")
	if version >= 0x16 {
		t.ID = jsonl.Text(c.triggerID())
	}
	return t
}

// triggerID reads a string whose length lies in the same block as its beginning.
func (c *cursor) triggerID() string {
	n := uint64(c.u32("id of trigger"))
	b := c.take(n, "id of trigger")
	c.take(-(n+4)&7, "id of trigger")
	return utf16.ToNUL(b)
}

func (c *cursor) timeTrigger(version uint8) (t Trigger) {
	t.Kind = "time"
	t.Start, t.End = jsonl.Text(c.time("start")), jsonl.Text(c.time("end"))
	c.take(16, "schedule")
	t.Interval, t.Duration, t.TimeLimit = seconds(c.u32("interval")), seconds(c.u32("duration")), seconds(c.u32("time limit"))
	mode := c.u32("mode")
	var data [3]uint16
	for i := range data {
		data[i] = c.u16("schedule")
	}
	t.Schedule = jsonl.Text(schedule(mode, data))
	c.take(2+1, "schedule")
	enabled := c.u8("enabled") != 0
	t.Enabled = &enabled
	c.take(2+4, "schedule")
	t.Delay = seconds(c.u32("random delay"))
	c.take(4, "schedule")
	if version >= 0x16 {
		t.ID = jsonl.Text(c.triggerID())
	}
	return t
}

// schedule says a rule of repetition in words.
func schedule(mode uint32, data [3]uint16) string {
	switch mode {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("every %d days", data[0])
	case 2:
		return fmt.Sprintf("every %d weeks on days %s", data[0], weekdays(data[1]))
	case 3:
		return fmt.Sprintf("months %s, days %s", bits(uint32(data[2]), 1), bits(uint32(data[1])<<16|uint32(data[0]), 1))
	case 4:
		return fmt.Sprintf("months %s, weeks %s, days %s", bits(uint32(data[2]), 1), bits(uint32(data[1]), 1), weekdays(data[0]))
	}
	return fmt.Sprintf("mode %d: %d %d %d", mode, data[0], data[1], data[2])
}

// bits lists the numbers of the bits that are set, the lowest being first.
func bits(n uint32, first int) string {
	var out []string
	for i := range 32 {
		if n>>i&1 != 0 {
			out = append(out, fmt.Sprint(i+first))
		}
	}
	return strings.Join(out, ",")
}

func weekdays(n uint16) string {
	var out []string
	for i, day := range []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"} {
		if n>>i&1 != 0 {
			out = append(out, day)
		}
	}
	return strings.Join(out, ",")
}

func sessionState(n uint32) jsonl.Text {
	// TASK_SESSION_STATE_CHANGE_TYPE of taskschd.h; 5 and 6 stand for 7 and 8 in the registry.
	names := [...]string{1: "ConsoleConnect", "ConsoleDisconnect", "RemoteConnect", "RemoteDisconnect", "SessionLock", "SessionUnlock", "SessionLock", "SessionUnlock"}
	if n < uint32(len(names)) && names[n] != "" {
		return jsonl.Text(names[n])
	}
	return jsonl.Text(fmt.Sprint(n))
}

// SID writes a security identifier as Windows does: S-1-5-18; "" for bytes that are none
// ([MS-DTYP] section 2.4.2).
func SID(b []byte) string {
	if len(b) < 8 || b[0] != 1 || b[1] > 15 || len(b) < 8+4*int(b[1]) {
		return ""
	}
	out := fmt.Sprintf("S-1-%d", binary.BigEndian.Uint64(append([]byte{0, 0}, b[2:8]...)))
	for i := range int(b[1]) {
		out += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(b[8+4*i:]))
	}
	return out
}
