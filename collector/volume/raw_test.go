package volume

import (
	"errors"
	"testing"

	"hozen/collector"
)

func TestRawSharesAVolume(t *testing.T) {
	opened := 0
	r := NewRaw(&collector.Host{Live: true})
	r.open = func(_ *collector.Host, name string) (*Volume, error) {
		if opened++; name == "D:" {
			return nil, errors.New("no such volume")
		}
		return &Volume{Name: name}, nil
	}
	a, at, err := r.Files("/C:/Windows/x")
	if err != nil || at != "/Windows/x" {
		t.Fatal(at, err)
	}
	b, _, err := r.Files("/C:/y")
	if err != nil || a != b || opened != 1 {
		t.Errorf("opened %d times (%v)", opened, err)
	}
	for range 2 {
		if _, _, err := r.Files("/D:/y"); err == nil {
			t.Error("a volume that is not there is open")
		}
	}
	if _, _, err := r.Files("/etc/passwd"); err == nil || opened != 2 {
		t.Errorf("opened %d times (%v)", opened, err)
	}
}
