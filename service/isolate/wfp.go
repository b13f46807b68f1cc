package isolate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"hozen/packager/signed"
)

// What isolation is in the Windows Filtering Platform: a plan, computed here and on every
// system; firewall_windows.go only translates it (learn.microsoft.com/windows/win32/fwp).
//
// One provider and one sublayer of ours, the sublayer with the highest weight, so that what
// a filter of ours permits or blocks is decided before all others; permits of the hub and blocks
// are hard (FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT), so that no filter of a lower sublayer overrides
// them. A callout of a driver may still veto a permit: then the hub is cut, too. Permits of
// loopback are soft: what Windows blocks there (programs of the Store, hardened services) it
// goes on blocking ("Filter Arbitration").
//
// Layers, and what each is for:
//
//   - ALE_AUTH_CONNECT, ALE_AUTH_RECV_ACCEPT: new connections and datagrams, and listening
//     programs. When a filter is added here each open flow is authorized again with its next
//     packet, an outbound one always at CONNECT, whatever the packet's direction ("ALE
//     Reauthorization"). So the hub is permitted at CONNECT only: it cannot open connections.
//   - INBOUND_TRANSPORT, OUTBOUND_TRANSPORT: each packet of a flow that is open already, and
//     what passes no socket (ICMP, other protocols), by protocol and port.
//   - INBOUND_IPPACKET, OUTBOUND_IPPACKET: all else that is IP, also fragments and raw
//     sockets, by address.
//   - IPFORWARD: what this machine passes on.
//
// Boot-time filters hold from the start of the TCP/IP driver until the filtering service (BFE)
// has started and put the persistent ones in their place: meanwhile nothing but loopback
// passes, not even the hub. Enumerations leave them out (FWP_FILTER_ENUM_FLAG_INCLUDE_BOOTTIME):
// ours have fixed keys, by which they are removed; and neither sublayer nor provider can be
// removed as long as a filter names them.
//
// Windows has no time-out for filters. The end of the time stands in a filter of ours that
// changes nothing, the deadline; the service and every command go by it.

// guid is a GUID in the order of its text.
type guid [16]byte

func (g guid) String() string {
	h := hex.EncodeToString(g[:])
	return "{" + strings.ToUpper(h[:8]+"-"+h[8:12]+"-"+h[12:16]+"-"+h[16:20]+"-"+h[20:]) + "}"
}

// guidOf makes a key of what the thing is (RFC 9562 version 8): the same thing has the same
// key on every machine, so that it can be found and removed without any record.
func guidOf(what string) (g guid) {
	sum := sha256.Sum256([]byte("hozen/isolation/wfp/1\n" + what))
	copy(g[:], sum[:])
	g[6], g[8] = g[6]&0x0f|0x80, g[8]&0x3f|0x80
	return g
}

func wfpProvider() guid { return guidOf("provider") }
func wfpSublayer() guid { return guidOf("sublayer") }

// topWeight is the weight of our sublayer, the highest there is. Between two of the same weight
// the order is not documented.
const topWeight = 0xffff

// Weights of filters of ours within the sublayer: the highest that matches decides.
const (
	weightBlock    = 1
	weightDeadline = 2
	weightPermit   = 3
)

// A wfpFilter is one that we want.
type wfpFilter struct {
	name       string
	layer      string // as wf names it, without FWPM_LAYER_
	block      bool   // else it permits
	boot       bool   // boot-time, else persistent
	weight     uint64
	conditions []wfpCondition // all must hold, but several of one field: one of them
	data       string         // provider data
}

// A wfpCondition is one test of a filter.
type wfpCondition struct {
	field string // without FWPM_CONDITION_
	op    string // equal, range, all: all of the flags
	value any    // netip.Addr, netip.Prefix, uint8, uint16, uint32; of range [2]uint16
}

func (f wfpFilter) String() string {
	action, when := "permit", "persistent"
	if f.block {
		action = "block"
	}
	if f.boot {
		when = "boot-time"
	}
	text := fmt.Sprintf("%s %s %s weight %d", f.layer, action, when, f.weight)
	for _, c := range f.conditions {
		text += fmt.Sprintf(" %s %s %v", c.field, c.op, c.value)
	}
	if f.data != "" {
		text += fmt.Sprintf(" data %q", f.data)
	}
	return text
}

func (f wfpFilter) key() guid { return guidOf(f.String()) }

// Numbers of protocols and flags (fwptypes.h).
const (
	protoTCP, protoICMPv6 = uint8(6), uint8(58)
	flagLoopback          = uint32(1) // FWP_CONDITION_FLAG_IS_LOOPBACK
	ndFirst, ndLast       = uint16(133), uint16(136)
)

func equal(field string, value any) wfpCondition { return wfpCondition{field, "equal", value} }

// wfpBase are the filters that are the same on every machine: blocks, and permits of loopback.
func wfpBase() (permits, blocks []wfpFilter) {
	loop := wfpCondition{"FLAGS", "all", flagLoopback}
	for _, v := range []string{"_V4", "_V6"} {
		for _, layer := range []string{"ALE_AUTH_CONNECT", "ALE_AUTH_RECV_ACCEPT", "INBOUND_TRANSPORT", "OUTBOUND_TRANSPORT", "INBOUND_IPPACKET", "OUTBOUND_IPPACKET", "IPFORWARD"} {
			for _, boot := range []bool{false, true} {
				blocks = append(blocks, wfpFilter{name: "block", layer: layer + v, block: true, boot: boot, weight: weightBlock})
				if layer != "IPFORWARD" {
					permits = append(permits, wfpFilter{name: "loopback", layer: layer + v, boot: boot, weight: weightPermit, conditions: []wfpCondition{loop}})
				}
			}
		}
	}
	return permits, blocks
}

// deadlineData begins what stands in the deadline.
const deadlineData = "hozen-isolation-until "

// deadlineOf is the filter that holds when the time is over; it permits what is permitted
// already.
func deadlineOf(until time.Time) wfpFilter {
	return wfpFilter{name: "deadline", layer: "ALE_AUTH_CONNECT_V4", weight: weightDeadline,
		conditions: []wfpCondition{{"FLAGS", "all", flagLoopback}}, data: deadlineData + signed.Wall(until)}
}

// wfpPlan are the filters that w wants, in the order in which they are added: what permits
// comes before what blocks.
func (w *Want) wfpPlan(now time.Time) []wfpFilter {
	permits, blocks := wfpBase()
	for _, h := range w.Hubs {
		v, host := "_V4", equal("IP_REMOTE_ADDRESS", h.Addr())
		if h.Addr().Is6() {
			v = "_V6"
		}
		way := []wfpCondition{equal("IP_PROTOCOL", protoTCP), host, equal("IP_REMOTE_PORT", h.Port())}
		for _, layer := range []string{"ALE_AUTH_CONNECT", "INBOUND_TRANSPORT", "OUTBOUND_TRANSPORT"} {
			permits = append(permits, wfpFilter{name: "hub", layer: layer + v, weight: weightPermit, conditions: way})
		}
		for _, layer := range []string{"INBOUND_IPPACKET", "OUTBOUND_IPPACKET"} {
			permits = append(permits, wfpFilter{name: "hub", layer: layer + v, weight: weightPermit, conditions: []wfpCondition{host}})
		}
	}
	permits = append(unique(append(permits, w.wfpDiscovery()...)), deadlineOf(now.Add(w.Left)))
	return append(permits, blocks...)
}

// wfpDiscovery is IPv6 neighbour and router discovery, with neighbours on the link: the stack
// itself drops what did not come from there (hop limit 255, RFC 4861).
func (w *Want) wfpDiscovery() (out []wfpFilter) {
	near := []any{netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff02::/16")}
	for _, a := range w.onLink() {
		near = append(near, a)
	}
	for _, to := range near {
		at := equal("IP_REMOTE_ADDRESS", to)
		// FWPM_CONDITION_ICMP_TYPE is another name of IP_LOCAL_PORT.
		kinds := []wfpCondition{equal("IP_PROTOCOL", protoICMPv6), at, {"IP_LOCAL_PORT", "range", [2]uint16{ndFirst, ndLast}}}
		for _, layer := range []string{"ALE_AUTH_CONNECT_V6", "ALE_AUTH_RECV_ACCEPT_V6", "INBOUND_TRANSPORT_V6", "OUTBOUND_TRANSPORT_V6"} {
			out = append(out, wfpFilter{name: "neighbour discovery", layer: layer, weight: weightPermit, conditions: kinds})
		}
		for _, layer := range []string{"INBOUND_IPPACKET_V6", "OUTBOUND_IPPACKET_V6"} {
			out = append(out, wfpFilter{name: "neighbours", layer: layer, weight: weightPermit, conditions: []wfpCondition{at}})
		}
	}
	return out
}

// unique leaves out what is there twice: two hubs may have one address.
func unique(all []wfpFilter) (out []wfpFilter) {
	seen := map[guid]bool{}
	for _, f := range all {
		if k := f.key(); !seen[k] {
			seen[k] = true
			out = append(out, f)
		}
	}
	return out
}
