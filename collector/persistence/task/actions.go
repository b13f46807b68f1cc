package task

import (
	"encoding/binary"
	"fmt"
	"strings"

	"hozen/collector/jsonl"
)

// maxActions is more than the 32 that Windows allows a task ([MS-TSCH] section 2.5.6),
// and bounds the triggers too (48 there).
const maxActions = 256

// The kinds of actions in the registry.
const (
	actionExec    = 0x6666
	actionHandler = 0x7777
	actionEmail   = 0x8888
	actionMessage = 0x9999
)

// Actions is the value Actions of a task in TaskCache\Tasks.
type Actions struct {
	Version uint16
	Context string // the id of the principal as which they are run
	List    []Action
}

// ParseActions reads the value Actions. With an error it gives what came before.
func ParseActions(b []byte) (Actions, error) {
	c := &cursor{b: b}
	a := Actions{Version: c.u16("version")}
	if a.Version < 1 || a.Version > 3 {
		if c.err == nil {
			c.err = fmt.Errorf("actions of version %d: not known", a.Version)
		}
		return a, c.err
	}
	if a.Version >= 2 {
		a.Context = c.text("context")
	}
	for c.left() {
		if len(a.List) == maxActions {
			return a, fmt.Errorf("more than %d actions", maxActions)
		}
		action := c.action(a.Version)
		if c.err != nil {
			return a, c.err
		}
		a.List = append(a.List, action)
	}
	return a, c.err
}

func (c *cursor) action(version uint16) (a Action) {
	kind := c.u16("kind of action")
	text := func(what string) jsonl.Text { return jsonl.Text(c.text(what)) }
	a.ID = text("id of action")
	switch kind {
	case actionExec:
		a.Kind, a.Command, a.Arguments, a.WorkingDirectory = "exec", text("command"), text("arguments"), text("working directory")
		if version >= 3 {
			a.Flags = c.u16("flags")
		}
	case actionHandler:
		a.Kind, a.ClassID = "com_handler", jsonl.Text(GUID(c.take(16, "class id")))
		a.Data = text("data")
	case actionEmail:
		a.Kind, a.Text = "send_email", jsonl.Text(c.email())
	case actionMessage:
		a.Kind, a.Text = "show_message", jsonl.Text("title: "+c.text("title")+"\nbody: "+c.text("body"))
	default:
		if c.err == nil {
			c.err = fmt.Errorf("action of kind %#x: not known", kind)
		}
	}
	return a
}

func (c *cursor) email() string {
	var lines []string
	for _, field := range []string{"from", "to", "cc", "bcc", "reply_to", "server", "subject", "body"} {
		if text := c.text(field); text != "" {
			lines = append(lines, field+": "+text)
		}
	}
	for n := c.u32("attachments"); n > 0 && c.err == nil; n-- {
		lines = append(lines, "attachment: "+c.text("attachment"))
	}
	for n := c.u32("headers"); n > 0 && c.err == nil; n-- {
		lines = append(lines, "header: "+c.text("header")+": "+c.text("header"))
	}
	return strings.Join(lines, "\n")
}

// GUID writes 16 bytes as Windows does: {61BCD1B9-340C-40EC-9D41-D7F1C0632F05}; "" for
// another number of them ([MS-DTYP] section 2.3.4).
func GUID(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	le := binary.LittleEndian
	return fmt.Sprintf("{%08X-%04X-%04X-%X-%X}", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:])
}
