package scm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"hozen/collector/utf16"
)

// A Level is one of the information levels of QueryServiceConfig2W (winsvc.h); 0 stands
// for QueryServiceConfigW.
type Level uint32

// The levels that are asked for.
const (
	Basic          Level = 0
	Description    Level = 1
	FailureActions Level = 2
	DelayedStart   Level = 3
	FailureFlag    Level = 4
	ServiceSID     Level = 5
	Privileges     Level = 6
	TriggerInfo    Level = 8
	Protected      Level = 12
)

// Levels lists them in the order in which they are asked for. A driver has only Basic.
func Levels(driver bool) []Level {
	if driver {
		return []Level{Basic}
	}
	return []Level{Basic, Description, FailureActions, DelayedStart, FailureFlag, ServiceSID, Privileges, TriggerInfo, Protected}
}

// A Config is what the levels say of one service. Fields of levels that were not
// answered are zero.
type Config struct {
	Type, Start, ErrorControl uint32
	BinaryPath                string
	Group                     string
	Tag                       uint32
	Dependencies              []string
	Account                   string
	DisplayName               string
	Description               string
	Failure                   Failure
	Delayed                   bool
	SIDType                   uint32
	Privileges                []string
	Triggers                  []Trigger
	Protected                 uint32
}

// Failure is what happens when a service ends by itself.
type Failure struct {
	ResetSeconds uint32
	RebootText   string
	Command      string
	Actions      []FailureAction
	OnError      bool // also when it stops with an error
}

// A FailureAction is one SC_ACTION.
type FailureAction struct {
	Kind  string `json:"kind"` // none, restart, reboot, run_command
	Delay uint32 `json:"delay_ms"`
}

// A Trigger is one SERVICE_TRIGGER: an event that starts or stops a service.
type Trigger struct {
	Kind    string   `json:"kind"`
	Action  string   `json:"action"`         // start, stop
	Subtype string   `json:"subtype"`        // a GUID
	Data    []string `json:"data,omitempty"` // texts; other data in hexadecimal
}

// Add reads the answer of one level.
func (c *Config) Add(level Level, a Answer) error {
	need := map[Level]int{Basic: 64, Description: 8, FailureActions: 40, DelayedStart: 4, FailureFlag: 4, ServiceSID: 4, Privileges: 8, TriggerInfo: 24, Protected: 4}[level]
	if !a.has(0, need) {
		return fmt.Errorf("level %d: %d bytes, not %d", level, len(a.Data), need)
	}
	switch level {
	case Basic:
		c.Type, c.Start, c.ErrorControl, c.Tag = a.u32(0), a.u32(4), a.u32(8), a.u32(32)
		c.BinaryPath, c.Group, c.Dependencies, c.Account, c.DisplayName = a.text(16), a.text(24), a.texts(40), a.text(48), a.text(56)
	case Description:
		c.Description = a.text(0)
	case FailureActions:
		c.Failure.ResetSeconds, c.Failure.RebootText, c.Failure.Command = a.u32(0), a.text(8), a.text(16)
		return c.failureActions(a)
	case DelayedStart:
		c.Delayed = a.u32(0) != 0
	case FailureFlag:
		c.Failure.OnError = a.u32(0) != 0
	case ServiceSID:
		c.SIDType = a.u32(0)
	case Privileges:
		c.Privileges = a.texts(0)
	case TriggerInfo:
		return c.triggers(a)
	case Protected:
		c.Protected = a.u32(0)
	}
	return nil
}

func (c *Config) failureActions(a Answer) error {
	n, at := a.u32(24), 0
	if n == 0 {
		return nil
	}
	at, ok := a.follow(32)
	if !ok || n > maxList || !a.has(at, 8*int(n)) {
		return errors.New("failure actions lie outside of the answer")
	}
	c.Failure.Actions = ActionList(a.Data[at : at+8*int(n)])
	return nil
}

// ActionList reads SC_ACTIONs that follow each other.
func ActionList(b []byte) (out []FailureAction) {
	for ; len(b) >= 8 && len(out) < maxList; b = b[8:] {
		kind := binary.LittleEndian.Uint32(b)
		out = append(out, FailureAction{named(kind, []string{"none", "restart", "reboot", "run_command"}), binary.LittleEndian.Uint32(b[4:])})
	}
	return out
}

func (c *Config) triggers(a Answer) error {
	n := a.u32(0)
	if n == 0 {
		return nil
	}
	at, ok := a.follow(8)
	if !ok || n > maxList || !a.has(at, 32*int(n)) {
		return errors.New("triggers lie outside of the answer")
	}
	for i := range int(n) {
		t := Trigger{Kind: TriggerText(a.u32(at + 32*i)), Action: TriggerAction(a.u32(at + 32*i + 4))}
		if guid, ok := a.follow(at + 32*i + 8); ok && a.has(guid, 16) {
			t.Subtype = guidText(a.Data[guid : guid+16])
		}
		items, ok := a.follow(at + 32*i + 24)
		for j := range int(min(a.u32(at+32*i+16), 64)) { // SERVICE_TRIGGER_MAX_DATA_ITEMS
			if item := items + 16*j; ok && a.has(item, 16) {
				t.Data = append(t.Data, a.item(item))
			}
		}
		c.Triggers = append(c.Triggers, t)
	}
	return nil
}

func (a Answer) item(at int) string {
	kind, n := a.u32(at), int(min(a.u32(at+4), 1<<16))
	to, ok := a.follow(at + 8)
	if !ok || !a.has(to, n) {
		return ""
	}
	return ItemText(kind, a.Data[to:to+n])
}

// ItemText writes one item of a trigger's data: texts as they are (each of a list on a
// line), other data in hexadecimal.
func ItemText(kind uint32, b []byte) string {
	if kind != 2 { // SERVICE_TRIGGER_DATA_TYPE_STRING
		return fmt.Sprintf("%x", b)
	}
	out := ""
	for len(b) >= 2 {
		s := utf16.ToNUL(b)
		units, err := utf16.Units(s)
		if err != nil {
			return fmt.Sprintf("%x", b)
		}
		if s != "" {
			if out != "" {
				out += "\n"
			}
			out += s
		}
		b = b[min(2*len(units)+2, len(b)):]
	}
	return out
}

// TriggerText says the kind of a trigger (winsvc.h).
func TriggerText(n uint32) string {
	if n == 20 {
		return "custom"
	}
	return named(n, []string{1: "device_interface_arrival", 2: "ip_address_availability", 3: "domain_join", 4: "firewall_port_event", 5: "group_policy", 6: "network_endpoint", 7: "custom_system_state_change"})
}

// TriggerAction says what a trigger does (winsvc.h).
func TriggerAction(n uint32) string { return named(n, []string{1: "start", 2: "stop"}) }

func guidText(b []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf("{%08X-%04X-%04X-%X-%X}", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:])
}
