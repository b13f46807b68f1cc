package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// monitor speaks QMP with QEMU (docs/interop/qmp-spec.txt): one JSON value a line.
type monitor struct {
	socket string
}

// answer is what QEMU says; events have neither a return value nor an error.
type answer struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
}

// run has QEMU run commands of its human monitor, in order. Those print nothing
// when they go well.
func (m monitor) run(commands ...string) error {
	c, err := net.Dial("unix", m.socket)
	if err != nil {
		return err
	}
	defer c.Close()
	// Saving a gigabyte takes a second or two.
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return err
	}
	from := json.NewDecoder(c)
	if _, err := ask(c, from, "qmp_capabilities", nil); err != nil {
		return err
	}
	for _, command := range commands {
		said, err := ask(c, from, "human-monitor-command", map[string]string{"command-line": command})
		if err == nil && said != "" {
			err = errors.New(said)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
	}
	return nil
}

// ask sends one command and waits for its answer, past greeting and events.
func ask(c net.Conn, from *json.Decoder, command string, arguments any) (said string, err error) {
	q := map[string]any{"execute": command}
	if arguments != nil {
		q["arguments"] = arguments
	}
	if err := json.NewEncoder(c).Encode(q); err != nil {
		return "", err
	}
	for {
		var a answer
		if err := from.Decode(&a); err != nil {
			return "", err
		}
		switch {
		case a.Error != nil:
			return "", errors.New(a.Error.Desc)
		case a.Return != nil:
			json.Unmarshal(a.Return, &said) // a text, or an empty object
			return said, nil
		}
	}
}
