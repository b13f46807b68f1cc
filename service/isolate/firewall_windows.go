package isolate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"github.com/tailscale/wf"
	"golang.org/x/sys/windows"
)

// System gives the packet filter of this machine: the Windows Filtering Platform.
func System() Firewall { return filtering{open: openPlatform, around: lookAround, now: time.Now} }

// wfpName is what tools such as `netsh wfp show filters` show.
const wfpName = "Hozen isolation"

// Errors of the filtering platform (fwpmu.h, winerror.h: FWP_E_…).
const (
	fwpFilterNotFound   = syscall.Errno(0x80320003)
	fwpProviderNotFound = syscall.Errno(0x80320005)
	fwpSublayerNotFound = syscall.Errno(0x80320007)
	fwpNotFound         = syscall.Errno(0x80320008)
	fwpAlreadyExists    = syscall.Errno(0x80320009)
)

// platform is a session of wf. Objects outlive it: it is not dynamic.
type platform struct{ *wf.Session }

func openPlatform() (_ wfpEngine, end func() error, err error) {
	defer caught(&err)
	s, err := wf.New(&wf.Options{Name: wfpName, TransactionStartTimeout: 15 * time.Second})
	if err != nil {
		return nil, nil, explained(err)
	}
	return platform{s}, s.Close, nil
}

// explained says what a person can do about an error of the platform.
func explained(err error) error {
	switch {
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return fmt.Errorf("filtering platform: %w (only an administrator may)", err)
	case errors.Is(err, windows.RPC_S_SERVER_UNAVAILABLE), errors.Is(err, windows.EPT_S_NOT_REGISTERED), errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE), errors.Is(err, windows.ERROR_NOT_SUPPORTED), errors.Is(err, windows.ERROR_MOD_NOT_FOUND), errors.Is(err, windows.ERROR_PROC_NOT_FOUND):
		return fmt.Errorf("%w: the Windows Filtering Platform (service BFE) does not answer: %w", ErrUnsupported, err)
	}
	return fmt.Errorf("filtering platform: %w", err)
}

// caught makes an error of a panic: wf panics where memory is short, and where a DLL has not
// what it calls.
func caught(err *error) {
	switch p := recover().(type) {
	case nil:
	case runtime.Error:
		*err = fmt.Errorf("filtering platform: %w", p)
	default:
		*err = fmt.Errorf("%w: %v", ErrUnsupported, p)
	}
}

func (g guid) native() windows.GUID {
	out := windows.GUID{Data1: binary.BigEndian.Uint32(g[:]), Data2: binary.BigEndian.Uint16(g[4:]), Data3: binary.BigEndian.Uint16(g[6:])}
	copy(out.Data4[:], g[8:])
	return out
}

func guidFrom(n windows.GUID) (g guid) {
	binary.BigEndian.PutUint32(g[:], n.Data1)
	binary.BigEndian.PutUint16(g[4:], n.Data2)
	binary.BigEndian.PutUint16(g[6:], n.Data3)
	copy(g[8:], n.Data4[:])
	return g
}

// add implements wfpEngine.
func (p platform) add(o wfpObject) (err error) {
	defer caught(&err)
	id := o.id.native()
	switch o.kind {
	case aProvider:
		err = p.AddProvider(&wf.Provider{ID: wf.ProviderID(id), Name: wfpName, Persistent: true})
	case aSublayer:
		err = p.AddSublayer(&wf.Sublayer{ID: wf.SublayerID(id), Name: wfpName, Provider: wf.ProviderID(wfpProvider().native()), Persistent: true, Weight: topWeight})
	default:
		var r *wf.Rule
		if r, err = rule0(o); err == nil {
			err = p.AddRule(r)
		}
	}
	if errors.Is(err, fwpAlreadyExists) {
		return errThere
	}
	return err
}

// rule0 translates a filter.
func rule0(o wfpObject) (*wf.Rule, error) {
	f := o.filter
	layer, ok := layers()[f.layer]
	if !ok {
		return nil, fmt.Errorf("layer %s", f.layer)
	}
	r := &wf.Rule{ID: wf.RuleID(o.id.native()), Name: wfpName + ": " + f.name, Layer: layer, Sublayer: wf.SublayerID(wfpSublayer().native()),
		Provider: wf.ProviderID(wfpProvider().native()), ProviderData: []byte(f.data), Weight: f.weight,
		Action: wf.ActionPermit, HardAction: !f.soft(), Persistent: !f.boot, BootTime: f.boot}
	if f.block {
		r.Action = wf.ActionBlock
	}
	for _, c := range f.conditions {
		m, err := match(c)
		if err != nil {
			return nil, err
		}
		r.Conditions = append(r.Conditions, m)
	}
	return r, nil
}

// soft says whether filters of other sublayers may still block what it permits.
func (f wfpFilter) soft() bool {
	return !f.block && len(f.conditions) == 1 && f.conditions[0].field == "FLAGS"
}

func match(c wfpCondition) (*wf.Match, error) {
	field, ok := fields()[c.field]
	m := &wf.Match{Field: field, Value: c.value}
	switch c.op {
	case "equal":
		m.Op = wf.MatchTypeEqual
	case "all":
		m.Op = wf.MatchTypeFlagsAllSet
	case "range":
		r, isRange := c.value.([2]uint16)
		ok = ok && isRange
		m.Op, m.Value = wf.MatchTypeRange, wf.Range{From: r[0], To: r[1]}
	default:
		ok = false
	}
	if !ok {
		return nil, fmt.Errorf("condition %+v", c)
	}
	return m, nil
}

func layers() map[string]wf.LayerID {
	return map[string]wf.LayerID{
		"ALE_AUTH_CONNECT_V4": wf.LayerALEAuthConnectV4, "ALE_AUTH_CONNECT_V6": wf.LayerALEAuthConnectV6,
		"ALE_AUTH_RECV_ACCEPT_V4": wf.LayerALEAuthRecvAcceptV4, "ALE_AUTH_RECV_ACCEPT_V6": wf.LayerALEAuthRecvAcceptV6,
		"INBOUND_TRANSPORT_V4": wf.LayerInboundTransportV4, "INBOUND_TRANSPORT_V6": wf.LayerInboundTransportV6,
		"OUTBOUND_TRANSPORT_V4": wf.LayerOutboundTransportV4, "OUTBOUND_TRANSPORT_V6": wf.LayerOutboundTransportV6,
		"INBOUND_IPPACKET_V4": wf.LayerInboundIPPacketV4, "INBOUND_IPPACKET_V6": wf.LayerInboundIPPacketV6,
		"OUTBOUND_IPPACKET_V4": wf.LayerOutboundIPPacketV4, "OUTBOUND_IPPACKET_V6": wf.LayerOutboundIPPacketV6,
		"IPFORWARD_V4": wf.LayerIPForwardV4, "IPFORWARD_V6": wf.LayerIPForwardV6,
	}
}

func fields() map[string]wf.FieldID {
	return map[string]wf.FieldID{
		"FLAGS": wf.FieldFlags, "IP_PROTOCOL": wf.FieldIPProtocol, "IP_REMOTE_ADDRESS": wf.FieldIPRemoteAddress,
		"IP_REMOTE_PORT": wf.FieldIPRemotePort, "IP_LOCAL_PORT": wf.FieldIPLocalPort,
	}
}

// remove implements wfpEngine.
func (p platform) remove(o wfpObject) (err error) {
	defer caught(&err)
	id := o.id.native()
	switch o.kind {
	case aProvider:
		err = p.DeleteProvider(wf.ProviderID(id))
	case aSublayer:
		err = p.DeleteSublayer(wf.SublayerID(id))
	default:
		err = p.DeleteRule(wf.RuleID(id))
	}
	for _, gone := range []error{fwpFilterNotFound, fwpProviderNotFound, fwpSublayerNotFound, fwpNotFound} {
		if errors.Is(err, gone) {
			return errGone
		}
	}
	return err
}

// read implements wfpEngine.
func (p platform) read() (s wfpState, err error) {
	defer caught(&err)
	providers, err := p.Providers()
	if err != nil {
		return s, explained(err)
	}
	for _, v := range providers {
		s.providers = append(s.providers, wfpNamed{id: guidFrom(windows.GUID(v.ID)), name: v.Name,
			text: fmt.Sprintf("%s %q persistent %v disabled %v service %q data %x", guidFrom(windows.GUID(v.ID)), v.Name, v.Persistent, v.Disabled, v.ServiceName, v.Data)})
	}
	sublayers, err := p.Sublayers()
	if err != nil {
		return s, explained(err)
	}
	for _, v := range sublayers {
		s.sublayers = append(s.sublayers, wfpNamed{id: guidFrom(windows.GUID(v.ID)), provider: guidFrom(windows.GUID(v.Provider)), name: v.Name, weight: v.Weight,
			text: fmt.Sprintf("%s %q provider %s weight %d persistent %v", guidFrom(windows.GUID(v.ID)), v.Name, guidFrom(windows.GUID(v.Provider)), v.Weight, v.Persistent)})
	}
	// Never wf's Rules: its FWPM_FILTER0 has two fields where Windows has a union, so that it takes
	// what lies behind for types and pointers.
	s.filters, err = listFilters(layerNames())
	return s, err
}

func layerNames() map[guid]string {
	out := map[guid]string{}
	for name, id := range layers() {
		out[guidFrom(windows.GUID(id))] = name
	}
	return out
}
