package scm

import (
	"context"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	"hozen/collector/utf16"
)

// An answer in the making, at an address that is no round number.
type maker struct {
	b []byte
}

const base = 0x7ffe0001a000

func (m *maker) u32(at int, n uint32) { binary.LittleEndian.PutUint32(m.b[at:], n) }
func (m *maker) point(at int, data []byte) {
	binary.LittleEndian.PutUint64(m.b[at:], base+uint64(len(m.b)))
	m.b = append(m.b, data...)
}

func wide(s string) []byte {
	b, err := utf16.Bytes(s + "\x00")
	if err != nil {
		panic(err)
	}
	return b
}

func (m *maker) answer() Answer { return Answer{base, m.b} }

func list() Answer {
	m := &maker{b: make([]byte, 2*serviceSize)}
	for i, name := range []string{"evil", "保全\xed\xa0\xbd"} {
		at := i * serviceSize
		m.u32(at+16, 0x10)
		m.u32(at+20, 4)
		m.u32(at+44, 1234)
		m.point(at, wide(name))
		m.point(at+8, wide("Display "+name))
	}
	return m.answer()
}

func basic() Answer {
	m := &maker{b: make([]byte, 64)}
	m.u32(0, 0x110)
	m.u32(4, 2)
	m.u32(8, 1)
	m.point(16, wide(`"C:\Program Files\evil.exe" -k`))
	m.point(40, wide("RpcSs\x00Tcpip\x00"))
	m.point(48, wide("LocalSystem"))
	return m.answer()
}

func failure() Answer {
	m := &maker{b: make([]byte, 40)}
	m.u32(0, 86400)
	m.u32(24, 2)
	m.point(16, wide("evil.exe again"))
	m.point(32, []byte{1, 0, 0, 0, 96, 234, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0})
	return m.answer()
}

func triggers() Answer {
	m := &maker{b: make([]byte, 24)}
	m.u32(0, 1)
	m.point(8, make([]byte, 32))
	m.u32(24, 4)
	m.u32(28, 1)
	m.u32(24+16, 1)
	m.point(24+8, []byte{0xb9, 0xd1, 0xbc, 0x61, 0x0c, 0x34, 0xec, 0x40, 0x9d, 0x41, 0xd7, 0xf1, 0xc0, 0x63, 0x2f, 0x05})
	m.point(24+24, make([]byte, 16))
	item := len(m.b) - 16
	data := wide("443\x00TCP\x00")
	m.u32(item, 2)
	m.u32(item+4, uint32(len(data)))
	m.point(item+8, data)
	return m.answer()
}

type recorded struct{ refuse string }

func (recorded) List() ([]Answer, []uint32, error) { return []Answer{list()}, []uint32{2}, nil }

func (r recorded) Query(name string, levels []Level) (map[Level]Answer, map[Level]error, error) {
	if name == r.refuse {
		return nil, nil, errors.New("access is denied")
	}
	return map[Level]Answer{Basic: basic(), FailureActions: failure(), TriggerInfo: triggers(), DelayedStart: {base, []byte{1, 0, 0, 0}}, Protected: {base, []byte{3, 0}}},
		map[Level]error{Description: errors.New("no")}, nil
}

func TestLook(t *testing.T) {
	v, err := Look(context.Background(), recorded{"hidden"}, []string{"hidden", "evil", "other"})
	if err != nil || len(v.Services) != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	if s := v.Services[1]; s.Name != "保全\xed\xa0\xbd" || s.State != 4 || s.PID != 1234 || StateText(s.State) != "running" || TypeText(s.Type) != "own_process" {
		t.Errorf("%+v", s)
	}
	c := v.Configs["evil"]
	want := Config{
		Type: 0x110, Start: 2, ErrorControl: 1, BinaryPath: `"C:\Program Files\evil.exe" -k`, Dependencies: []string{"RpcSs", "Tcpip"}, Account: "LocalSystem", Delayed: true,
		Failure:  Failure{ResetSeconds: 86400, Command: "evil.exe again", Actions: []FailureAction{{"restart", 60000}, {"run_command", 0}}},
		Triggers: []Trigger{{"firewall_port_event", "start", "{61BCD1B9-340C-40EC-9D41-D7F1C0632F05}", []string{"443\nTCP"}}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\nnot\n%+v", c, want)
	}
	if v.Opened["hidden"] == nil || v.Opened["evil"] != nil || len(v.Configs) != 3 {
		t.Errorf("%+v", v.Opened)
	}
	short := 0
	for _, r := range v.Raw {
		if r.Err != nil && strings.Contains(r.Err.Error(), "2 bytes, not 4") {
			short++
		}
	}
	if short != 3 {
		t.Errorf("%d answers that are too short were noticed, not 3", short)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		TypeText(0x120): "share_process interactive", TypeText(0): "0x0", TypeText(0x8001): "kernel_driver 0x8000", StartText(4): "disabled", StartText(9): "0x9",
		SIDText(2): "0x2", SIDText(3): "restricted", ProtectedText(3): "antimalware_light", ErrorText(3): "critical", TriggerText(20): "custom", TriggerText(99): "0x63",
		ItemText(1, []byte{1, 0xab}): "01ab",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	if !IsDriver(2) || IsDriver(0x20) {
		t.Error("drivers")
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(list().Data, uint32(2), uint64(base))
	f.Add(triggers().Data, uint32(8), uint64(base))
	f.Add(failure().Data, uint32(2), uint64(base))
	f.Add(basic().Data, uint32(0), uint64(base))
	f.Fuzz(func(t *testing.T, b []byte, n uint32, at uint64) {
		a := Answer{at, b}
		Services(a, n)
		var c Config
		for _, level := range Levels(false) {
			c.Add(level, a)
		}
	})
}
