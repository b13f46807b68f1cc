package volatile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"hozen/collector"
)

func TestPower(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"AC/type": "Mains\n", "AC/online": "0\n", "BAT0/type": "Battery\n", "BAT0/status": "Discharging\n", "BAT0/capacity": "41\n",
		"hid-1/type": "Battery\n", "hid-1/scope": "Device\n", "hid-1/capacity": "lots\n",
	} {
		file := filepath.Join(root, "sys/class/power_supply", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(powerRow(&factReader{h: &collector.Host{Root: root}}))
	want := `{"kind":"power","supplies":[{"name":"AC","type":"Mains","online":false},{"name":"BAT0","type":"Battery","status":"Discharging","percent":41},{"name":"hid-1","type":"Battery","scope":"Device"}]}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
	for _, c := range []struct {
		line, flag, percent byte
		want                string
	}{
		{1, 128, 255, `[{"name":"AC","type":"Mains","online":true}]`},
		{0, 2, 12, `[{"name":"AC","type":"Mains","online":false},{"name":"battery","type":"Battery","status":"Discharging","percent":12}]`},
		{1, 9, 80, `[{"name":"AC","type":"Mains","online":true},{"name":"battery","type":"Battery","status":"Charging","percent":80}]`},
		{255, 255, 255, `null`},
	} {
		if b, err := json.Marshal(powerSupplies(c.line, c.flag, c.percent)); err != nil || string(b) != c.want {
			t.Errorf("%v: %s, %v", c, b, err)
		}
	}
}
