//go:build !windows

package packet

import "testing"

func FuzzParseSocket(f *testing.F) {
	f.Add([]byte("   1: 0702000A:C350 090200C0:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 502 1 0 20 4 30 10 -1\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if s, ok := parseSocket(line, protoTCP); ok && (s.inode == 0 || !s.key.local.IsValid() || !s.key.remote.IsValid()) {
			t.Fatalf("%+v", s)
		}
	})
}
