package volatile

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestConntrackLine(t *testing.T) {
	for line, want := range map[string]string{
		"ipv4     2 tcp      6 431999 ESTABLISHED src=192.0.2.1 dst=203.0.113.9 sport=40000 dport=443 packets=3 bytes=180 src=203.0.113.9 dst=192.0.2.1 sport=443 dport=40000 packets=2 bytes=120 [ASSURED] mark=7 zone=1 use=2": `{"kind":"","family":"inet","original":{"src":"192.0.2.1","dst":"203.0.113.9","proto":6,"src_port":40000,"dst_port":443,"packets":3,"bytes":180},"reply":{"src":"203.0.113.9","dst":"192.0.2.1","proto":6,"src_port":443,"dst_port":40000,"packets":2,"bytes":120},"state":"established","status":["assured"],"timeout_s":431999,"mark":7,"zone":1,"id":0}`,
		"ipv6     10 icmpv6   58 29 src=0000:0000:0000:0000:0000:0000:0000:0001 dst=::1 type=128 code=0 id=9 [UNREPLIED] src=::1 dst=::1 type=129 code=0 id=9 mark=0 zone=0 use=2":                                               `{"kind":"","family":"inet6","original":{"src":"::1","dst":"::1","proto":58,"icmp":"128/0/9"},"reply":{"src":"::1","dst":"::1","proto":58,"icmp":"129/0/9"},"status":["unreplied"],"timeout_s":29,"id":0}`,
	} {
		r, ok := conntrackLine(strings.Fields(line))
		if got, _ := json.Marshal(r); !ok || string(got) != want {
			t.Errorf("%v:\n%s\n%s", ok, got, want)
		}
	}
	for _, line := range []string{"", "ipv4 2 tcp 6", "ipv4 2 tcp x 1 2 3", "ipv4 2 tcp 6 1 ESTABLISHED src=1"} {
		if _, ok := conntrackLine(strings.Fields(line)); ok {
			t.Errorf("%q: taken for a connection", line)
		}
	}
}
