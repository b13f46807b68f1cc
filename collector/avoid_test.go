package collector

import "testing"

// TestAvoidsDrives: a value in the registry names a drive of the network as it likes.
func TestAvoidsDrives(t *testing.T) {
	h := &Host{Root: "/", Avoid: []string{"/Z:"}}
	for name, avoided := range map[string]bool{"/Z:/x": true, "/z:/x": true, "/z:": true, "/C:/z:/x": false, "/y:/x": false} {
		if err := h.avoided(name); (err != nil) != avoided {
			t.Errorf("%s: %v", name, err)
		}
	}
}
