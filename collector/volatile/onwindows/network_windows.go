package onwindows

import (
	"context"
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/windows"

	"hozen/collector/section"
	"hozen/collector/volatile/winsys"
	"hozen/packager/evidence"
)

func (l *live) networkCalls() map[string]call {
	return map[string]call{
		"network/links":           table2("GetIfTable2", sizeIfRow2),
		"network/addresses":       table2("GetUnicastIpAddressTable", 80, 0),
		"network/neighbours":      table2("GetIpNetTable2", 88, 0),
		"network/routes":          table2("GetIpForwardTable2", 104, 0),
		"network/adapters":        adapters,
		"network/dns_cache":       l.dnsCache,
		"network/dns_records":     l.dnsRecords,
		"network/smb_sessions":    l.remembered("502", netEnum("NetSessionEnum", 502, 48, 3, 0, 8, 32, 40)),
		"network/smb_sessions_10": l.unless("502", netEnum("NetSessionEnum", 10, 24, 3, 0, 8)),
		"network/smb_files":       netEnum("NetFileEnum", 3, 32, 3, 16, 24),
		"network/smb_uses":        netEnum("NetUseEnum", 2, 56, 1, 0, 8, 40, 48), // not 16: a password
		"network/smb_shares":      l.remembered("share", netEnum("NetShareEnum", 502, 72, 1, 0, 16, 40)),
		"network/smb_shares_1":    l.unless("share", netEnum("NetShareEnum", 1, 24, 1, 0, 16)),
	}
}

// remembered notes that a call succeeded, so that unless need not ask in the lesser way.
func (l *live) remembered(key string, c call) call {
	return func(ctx context.Context) ([]byte, error) {
		b, err := c(ctx)
		if err == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.tables[key] = b
		}
		return b, err
	}
}

func (l *live) unless(key string, c call) call {
	return func(ctx context.Context) ([]byte, error) {
		l.mu.Lock()
		_, done := l.tables[key]
		l.mu.Unlock()
		if done {
			return nil, evidence.Skip("not needed: the fuller answer was given")
		}
		return c(ctx)
	}
}

// table2 is GetIfTable2 and its kin of netioapi.h: they allocate a table that begins
// with the number of its rows. Before it they take the family or nothing.
func table2(function string, size int, arguments ...uintptr) call {
	return func(context.Context) ([]byte, error) {
		p, err := lazy("iphlpapi.dll", function)
		if err != nil {
			return nil, err
		}
		free, err := lazy("iphlpapi.dll", "FreeMibTable")
		if err != nil {
			return nil, err
		}
		// The address must be taken in the call itself (package unsafe, pattern 4): in a list
		// made before it, the garbage collector does not know that it is one.
		var at uintptr
		if len(arguments) == 0 {
			err = code(p.Call(uintptr(unsafe.Pointer(&at))))
		} else {
			err = code(p.Call(arguments[0], uintptr(unsafe.Pointer(&at))))
		}
		if err != nil {
			return nil, named(function, err)
		}
		if at == 0 {
			return nil, nil
		}
		defer func() { _, _, _ = free.Call(at) }()
		head, err := winsys.CopyAt(at, 4)
		if err != nil {
			return nil, named(function, err)
		}
		n := int64(binary.LittleEndian.Uint32(head.Data))
		if n == 0 {
			return head.Data, nil
		}
		if n*int64(size) > maxAnswer {
			return nil, evidence.Cut("%s: %d rows", function, n)
		}
		all, err := winsys.CopyAt(at, firstRow2+int(n)*size)
		return all.Data, named(function, err)
	}
}

// adapters is GetAdaptersAddresses with GAA_FLAG_INCLUDE_PREFIX, _WINS_INFO, _GATEWAYS and
// _ALL_INTERFACES. All that its pointers lead to is in the one buffer.
func adapters(context.Context) ([]byte, error) {
	const flags = 0x10 | 0x40 | 0x80 | 0x100
	b, err := grow(32<<10, func(buf *byte, size *uint32) error {
		return windows.GetAdaptersAddresses(windows.AF_UNSPEC, flags, 0, (*windows.IpAdapterAddresses)(unsafe.Pointer(buf)), size)
	})
	if err != nil || len(b) == 0 {
		return nil, named("GetAdaptersAddresses", err)
	}
	return winsys.Pieces{{Addr: uint64(uintptr(unsafe.Pointer(&b[0]))), Data: b}}.Append(nil), nil
}

// mostEntries bounds the entries of one table of netapi32 with their texts, in bytes
// (prefmaxlen): a file server has tens of thousands of open files.
const mostEntries = 16 << 20

// maxText bounds one text that a structure points to.
const maxText = 64 << 10

// netEnum is an Enum function of netapi32 that names no server: level, size of an entry,
// how many arguments of NULL come before the level (1 or 3), and where the entry has texts.
func netEnum(function string, level uintptr, size, nulls int, texts ...int) call {
	return func(ctx context.Context) ([]byte, error) {
		p, err := lazy("netapi32.dll", function)
		if err != nil {
			return nil, err
		}
		free, err := lazy("netapi32.dll", "NetApiBufferFree")
		if err != nil {
			return nil, err
		}
		var at uintptr
		var read, total, resume uint32
		if nulls == 1 { // addresses are taken in the call itself: see table2
			err = code(p.Call(0, level, uintptr(unsafe.Pointer(&at)), mostEntries, uintptr(unsafe.Pointer(&read)),
				uintptr(unsafe.Pointer(&total)), uintptr(unsafe.Pointer(&resume))))
		} else {
			err = code(p.Call(0, 0, 0, level, uintptr(unsafe.Pointer(&at)), mostEntries, uintptr(unsafe.Pointer(&read)),
				uintptr(unsafe.Pointer(&total)), uintptr(unsafe.Pointer(&resume))))
		}
		if at != 0 {
			defer func() { _, _, _ = free.Call(at) }()
		}
		if err == windows.ERROR_MORE_DATA {
			err = evidence.Cut("%d of %d entries", read, total)
		}
		if err != nil && read == 0 {
			return nil, named(function, stopped(err))
		}
		out, cerr := entryPieces(ctx, at, int(read), size, texts)
		if cerr != nil {
			err = cerr
		}
		return out, named(function, err)
	}
}

// stopped: where the service of the server or client is not started there is nothing to list.
func stopped(err error) error {
	const (
		nerrServerNotStarted = windows.Errno(2114) // lmerr.h
		nerrWkstaNotStarted  = windows.Errno(2138)
	)
	switch err {
	case nerrServerNotStarted, nerrWkstaNotStarted, windows.RPC_S_SERVER_UNAVAILABLE, windows.ERROR_SERVICE_NOT_ACTIVE:
		return evidence.NotHere("the service is not started: %v", err)
	}
	return err
}

func entryPieces(ctx context.Context, at uintptr, n, size int, texts []int) ([]byte, error) {
	all := winsys.Pieces{{Data: binary.LittleEndian.AppendUint32(nil, uint32(n))}}
	if n == 0 {
		return all.Append(nil), nil
	}
	entries, err := winsys.CopyAt(at, n*size)
	if err != nil {
		return nil, err
	}
	all = append(all, entries)
	for i := range n {
		if ctx.Err() != nil {
			return all.Append(nil), context.Cause(ctx)
		}
		for _, off := range texts {
			if p := winsys.CopyText(uintptr(u64(entries.Data, i*size+off)), maxText); len(p.Data) > 0 {
				all = append(all, p)
			}
		}
	}
	return all.Append(nil), nil
}

// dnsCache is DnsGetCacheDataTable: not documented by Microsoft, but the same since
// Windows 2000. It asks the service Dnscache of this host, which asks nobody. The list
// is freed as dnsapi's own users do, entry by entry: DnsFree(…, DnsFreeFlat).
func (l *live) dnsCache(ctx context.Context) ([]byte, error) {
	p, err := lazy("dnsapi.dll", "DnsGetCacheDataTable")
	if err != nil {
		return nil, err
	}
	free, err := lazy("dnsapi.dll", "DnsFree")
	if err != nil {
		return nil, err
	}
	// The caller gives the first entry, the function hangs the list on its pNext.
	var first [32]byte
	r, _, _ := p.Call(uintptr(unsafe.Pointer(&first[0])))
	at := uintptr(u64(first[:], 0))
	if r == 0 || at == 0 {
		return nil, evidence.NotHere("DnsGetCacheDataTable gave no list: the DNS client is not started, or its cache is empty")
	}
	var all winsys.Pieces
	var tally evidence.Tally
	for n := 0; at != 0; n++ {
		e, err := winsys.CopyAt(at, 24)
		if err != nil || n >= maxChain {
			tally.Add("entry", evidence.Cut("entry %d: %v", n, err))
			break
		}
		all = append(all, e)
		name := uintptr(u64(e.Data, 8))
		if text := winsys.CopyText(name, maxText); len(text.Data) > 0 {
			all = append(all, text)
		}
		const dnsFreeFlat = 0
		_, _, _ = free.Call(name, dnsFreeFlat)
		_, _, _ = free.Call(at, dnsFreeFlat)
		at = uintptr(u64(e.Data, 0))
	}
	b := all.Append(nil)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tables["dns_cache"] = b
	return b, tally.Err()
}

// dnsRecords asks the cache, and nothing but the cache, for each name in it.
func (l *live) dnsRecords(ctx context.Context) ([]byte, error) {
	l.mu.Lock()
	cache := l.tables["dns_cache"]
	l.mu.Unlock()
	if len(cache) == 0 {
		return nil, evidence.NotHere("no names to ask for")
	}
	query, err := lazy("dnsapi.dll", "DnsQuery_W")
	if err != nil {
		return nil, err
	}
	free, err := lazy("dnsapi.dll", "DnsFree")
	if err != nil {
		return nil, err
	}
	var out []byte
	var tally evidence.Tally
	seen := map[string]bool{}
	tally.Add("names", eachCacheEntry(cache, func(c cacheEntry) {
		if ctx.Err() != nil || seen[c.section()] {
			return
		}
		seen[c.section()] = true
		b, err := cachedRecords(query, free, c)
		out = section.Append(out, c.section(), false, b, err)
	}))
	if ctx.Err() != nil {
		tally.Add("names", context.Cause(ctx))
	}
	return out, tally.Err()
}

func cachedRecords(query, free *windows.LazyProc, c cacheEntry) ([]byte, error) {
	// DNS_QUERY_NO_WIRE_QUERY (0x10, also called DNS_QUERY_CACHE_ONLY), _NO_HOSTS_FILE,
	// _NO_NETBT, _NO_MULTICAST, _TREAT_AS_FQDN: windns.h.
	const options = 0x10 | 0x40 | 0x80 | 0x800 | 0x1000
	name := append([]byte(nil), utf16Name(c.name)...)
	var at uintptr
	err := code(query.Call(uintptr(unsafe.Pointer(&name[0])), uintptr(c.kind), options, 0, uintptr(unsafe.Pointer(&at)), 0))
	if err != nil || at == 0 {
		return nil, evidence.NotHere("the cache gave no record: %v", err)
	}
	const dnsFreeRecordList = 1
	defer func() { _, _, _ = free.Call(at, dnsFreeRecordList) }()
	var all winsys.Pieces
	for n := 0; at != 0 && n < 256; n++ {
		head, err := winsys.CopyAt(at, 32)
		if err != nil {
			return all.Append(nil), err
		}
		e, err := winsys.CopyAt(at, 32+int(u16(head.Data, 18)))
		if err != nil {
			return all.Append(nil), err
		}
		all = append(all, e, winsys.CopyText(uintptr(u64(e.Data, 8)), maxText))
		for _, off := range recordTexts(u16(e.Data, 16), e.Data) {
			all = append(all, winsys.CopyText(uintptr(u64(e.Data, off)), maxText))
		}
		at = uintptr(u64(e.Data, 0))
	}
	return all.Append(nil), nil
}
