package registry

import (
	"strings"
	"testing"
)

// TestLongPath is where a symbolic link may lead: a hundred thousand names.
func TestLongPath(t *testing.T) {
	r := &Registry{mounts: map[string]*mount{}}
	deep := Users + `\S-1-5-21\Software\Classes`
	r.mount(Users, nil)
	r.mount(deep, nil)
	rest := strings.Repeat(`x\`, 1<<17)
	if m, got := r.find(deep + `\` + rest); m == nil || m.at != deep || got != rest {
		t.Errorf("%v with %d bytes", m, len(got))
	}
	if m, got := r.find(Users + `\` + rest); m == nil || m.at != Users || got != rest {
		t.Errorf("%v with %d bytes", m, len(got))
	}
}
