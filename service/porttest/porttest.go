// Package porttest picks ports for tests of what listens, ends, and listens there again.
// The kernel gives none of them to somebody who asks for any port, nor to a connection
// that goes out: Linux begins those at 32768 (ip_local_port_range), Windows and macOS at
// 49152. Begin with Pick.
package porttest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

const first, end = 20_000, 32_768

// Pick gives n TCP ports of 127.0.0.1 at which nobody listens, no two the same.
func Pick(t testing.TB, n int) (ports []int) {
	t.Helper()
	for tries := 0; len(ports) < n; tries++ {
		port := first + rand.N(end-first)
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil && tries < 1000 { // somebody has it; each system says so in its own way
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // each is held until all are picked
		ports = append(ports, port)
	}
	return ports
}

// Address is one of them, with 127.0.0.1.
func Address(t testing.TB) string {
	t.Helper()
	return "127.0.0.1:" + strconv.Itoa(Pick(t, 1)[0])
}
