package packet

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"hozen/packager/evidence"
)

// npcap is Npcap's wpcap.dll, from its own folder below System32 and from nowhere else.
// The functions are libpcap's (https://www.tcpdump.org/manpages/pcap.3pcap.html).
type npcap struct {
	source string
	dll    windows.Handle
	guids  map[int]string // of the adapters, by index

	create, setSnaplen, setPromisc, setTimeout, setBufferSize, activate *windows.Proc
	dataLink, setFilter, nextEx, stats, closes, getErr                  *windows.Proc
}

// loadNpcap binds what is needed; an error says why it is not used.
func loadNpcap() (*npcap, error) {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(system, "Npcap", "wpcap.dll")
	if _, err := os.Lstat(file); err != nil {
		return nil, evidence.NotHere("it is not installed (%s)", file)
	}
	if err := npcapRuns(); err != nil {
		return nil, err
	}
	// Packet.dll beside it, and the system's own, are all that may come with it.
	const dllDirAndSystem = windows.LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | windows.LOAD_LIBRARY_SEARCH_SYSTEM32
	h, err := windows.LoadLibraryEx(file, 0, dllDirAndSystem)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	n := &npcap{dll: h}
	dll := &windows.DLL{Name: file, Handle: h}
	for name, to := range map[string]**windows.Proc{
		"pcap_create": &n.create, "pcap_set_snaplen": &n.setSnaplen, "pcap_set_promisc": &n.setPromisc, "pcap_set_timeout": &n.setTimeout,
		"pcap_set_buffer_size": &n.setBufferSize, "pcap_activate": &n.activate, "pcap_datalink": &n.dataLink, "pcap_setfilter": &n.setFilter,
		"pcap_next_ex": &n.nextEx, "pcap_stats": &n.stats, "pcap_close": &n.closes, "pcap_geterr": &n.getErr,
	} {
		if *to, err = dll.FindProc(name); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	n.source = "Npcap: " + n.version(dll) + " (" + file + ")"
	return n, nil
}

// TryNpcap binds Npcap as a capture does, where it is installed and its driver runs; it
// gives its version, and how many adapters it would be asked for. None is opened.
func TryNpcap() (source string, adapters int, err error) {
	n, err := loadNpcap()
	if err != nil {
		return "", 0, err
	}
	all, err := n.links()
	return n.source, len(all), err
}

// npcapRuns says why opening an adapter would start something: Packet.dll starts the driver
// where it does not run (PacketStartService), and where only administrators may use it, it
// starts NpcapHelper.exe, which asks for elevation, for those who are none (Npcap's
// packetWin7/Dll/Packet32.cpp, PacketGetAdapterHandle).
func npcapRuns() error {
	const service = "npcap"
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return fmt.Errorf("whether its driver runs: OpenSCManager: %w", err)
	}
	defer windows.CloseServiceHandle(manager)
	name, err := windows.UTF16PtrFromString(service)
	if err != nil {
		return err
	}
	h, err := windows.OpenService(manager, name, windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return fmt.Errorf("whether its driver runs: OpenService %s: %w", service, err)
	}
	defer windows.CloseServiceHandle(h)
	var status windows.SERVICE_STATUS
	if err := windows.QueryServiceStatus(h, &status); err != nil {
		return fmt.Errorf("whether its driver runs: QueryServiceStatus %s: %w", service, err)
	}
	if status.CurrentState != windows.SERVICE_RUNNING {
		return evidence.NotHere("its driver does not run (state %d), and is not started", status.CurrentState)
	}
	if !windows.GetCurrentProcessToken().IsElevated() && npcapAdminOnly(service) {
		return evidence.NotHere("only administrators may use it, and its helper, which asks for elevation, is not started")
	}
	return nil
}

// npcapAdminOnly reads the choice of whoever installed it. Older ones have it in the key of
// the service itself.
func npcapAdminOnly(service string) bool {
	for _, below := range []string{`\Parameters`, ""} {
		k, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Services\`+service+below, registry.QUERY_VALUE)
		if err != nil {
			continue
		}
		n, _, err := k.GetIntegerValue("AdminOnly")
		k.Close()
		if err == nil && n != 0 {
			return true
		}
	}
	return false
}

func (n *npcap) version(dll *windows.DLL) string {
	p, err := dll.FindProc("pcap_lib_version")
	if err != nil {
		return "version unknown"
	}
	text, _, _ := p.Call()
	return cString(text)
}

// cString reads a text of the library's own, which is short and stays.
func cString(at uintptr) string {
	if at == 0 {
		return ""
	}
	return windows.BytePtrToString(*(**byte)(unsafe.Pointer(&at)))
}

func (n *npcap) links() ([]link, error) {
	guids, err := adapterNames()
	if err != nil {
		return nil, err
	}
	n.guids = guids
	return adapters(arphrdEther)
}

func (n *npcap) addresses() []netip.Addr { return localAddresses() }

// adapterNames gives the GUIDs of the adapters by their index (GetAdaptersAddresses).
func adapterNames() (map[int]string, error) {
	size := uint32(32 << 10)
	for range 4 {
		b := make([]byte, size)
		first := (*windows.IpAdapterAddresses)(unsafe.Pointer(&b[0]))
		err := windows.GetAdaptersAddresses(windows.AF_UNSPEC, windows.GAA_FLAG_INCLUDE_PREFIX, 0, first, &size)
		if errors.Is(err, windows.ERROR_BUFFER_OVERFLOW) && size < 16<<20 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("GetAdaptersAddresses: %w", err)
		}
		out := map[int]string{}
		for a := first; a != nil; a = a.Next {
			out[int(a.IfIndex)] = windows.BytePtrToString(a.AdapterName)
			if a.IfIndex == 0 {
				out[int(a.Ipv6IfIndex)] = windows.BytePtrToString(a.AdapterName)
			}
		}
		return out, nil
	}
	return nil, errors.New("GetAdaptersAddresses: the list grew and grew")
}

// Link types of libpcap that are taken.
const (
	dltEthernet = 1
)

// open begins to listen to an adapter. The card is not made promiscuous.
func (n *npcap) open(l *link, f form, program []bpf.RawInstruction, size int) (tap, error) {
	guid := n.guids[l.index]
	if guid == "" {
		return nil, evidence.NotHere("%s: no adapter of this index", l.name)
	}
	name, err := windows.BytePtrFromString(`\Device\NPF_` + guid)
	if err != nil {
		return nil, err
	}
	var why [512]byte // PCAP_ERRBUF_SIZE is 256
	p, _, _ := n.create.Call(uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&why[0])))
	if p == 0 {
		return nil, fmt.Errorf("%s: pcap_create: %s", l.name, windows.ByteSliceToString(why[:]))
	}
	s := &npcapTap{n: n, p: p}
	fail := func(what string) (tap, error) {
		text, _, _ := n.getErr.Call(p)
		err := fmt.Errorf("%s: %s: %s", l.name, what, cString(text))
		n.closes.Call(p)
		return nil, err
	}
	n.setSnaplen.Call(p, maxSnaplen)
	n.setPromisc.Call(p, 0)
	n.setTimeout.Call(p, uintptr(rawWait.Milliseconds()))
	n.setBufferSize.Call(p, uintptr(size))
	if code, _, _ := n.activate.Call(p); int32(code) < 0 {
		return fail("pcap_activate")
	}
	if kind, _, _ := n.dataLink.Call(p); int32(kind) != dltEthernet {
		n.closes.Call(p)
		return nil, evidence.Skip("%s: frames of link type %d are not known", l.name, int32(kind))
	}
	if err := s.filter(program); err != nil {
		return fail(err.Error())
	}
	q, err := newQueue(f, nil, size, s.shut)
	if err != nil {
		return nil, err
	}
	s.q = q
	s.reader.Go(s.run)
	return s, nil
}

// npcapTap is a queue that a goroutine fills from one adapter.
type npcapTap struct {
	n      *npcap
	p      uintptr // pcap_t
	q      *queue
	ended  atomic.Bool
	reader sync.WaitGroup
	told   uint32 // of lost frames: how many are in the queue's counts
}

// filter hands over the program: struct bpf_insn is a RawInstruction's fields in order.
func (s *npcapTap) filter(program []bpf.RawInstruction) error {
	if len(program) == 0 {
		return nil
	}
	type insn struct {
		code   uint16
		jt, jf uint8
		k      uint32
	}
	code := make([]insn, len(program))
	for i, r := range program {
		code[i] = insn{r.Op, r.Jt, r.Jf, r.K}
	}
	prog := struct {
		n     uint32
		insns *insn
	}{uint32(len(code)), &code[0]}
	if r, _, _ := s.n.setFilter.Call(s.p, uintptr(unsafe.Pointer(&prog))); int32(r) != 0 {
		return errors.New("pcap_setfilter")
	}
	return nil
}

// packetHeader is struct pcap_pkthdr on Windows, where a long has 32 bits.
type packetHeader struct {
	sec, usec   int32
	caplen, len uint32
}

// run reads frames until it is to end.
func (s *npcapTap) run() {
	for n := 0; !s.ended.Load(); n++ {
		var head *packetHeader
		var data *byte
		r, _, _ := s.n.nextEx.Call(s.p, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&data)))
		switch int32(r) {
		case 1:
			at := time.Unix(int64(uint32(head.sec)), int64(head.usec)*1000)
			s.q.put(at, 0, int(head.len), unsafe.Slice(data, min(head.caplen, maxSnaplen)))
		case 0: // nothing came in time
		default:
			text, _, _ := s.n.getErr.Call(s.p)
			s.q.end(fmt.Errorf("pcap_next_ex: %s", cString(text)))
			return
		}
		if r == 0 || n%1024 == 0 {
			s.count()
		}
	}
	s.count()
	s.q.end(io.EOF)
}

// count adds what the driver lost: struct pcap_stat begins with received, dropped and
// dropped by the card.
func (s *npcapTap) count() {
	var stat [8]uint32
	if r, _, _ := s.n.stats.Call(s.p, uintptr(unsafe.Pointer(&stat[0]))); int32(r) == 0 && stat[1] > s.told {
		s.q.lost(uint64(stat[1] - s.told))
		s.told = stat[1]
	}
}

func (s *npcapTap) shut() {
	s.ended.Store(true)
	s.reader.Wait()
	s.n.closes.Call(s.p)
}

func (s *npcapTap) wait() error          { return s.q.wait() }
func (s *npcapTap) read(b []byte) []byte { return s.q.read(b) }
func (s *npcapTap) stop()                { s.q.stop() }
func (s *npcapTap) counts() counts       { return s.q.counts() }
func (s *npcapTap) size() int            { return s.q.size() }
func (s *npcapTap) close()               { s.q.close() }
