package onwindows

import (
	"fmt"
	"strings"

	"hozen/collector/jsonl"
	"hozen/collector/section"
	"hozen/collector/utf16"
	"hozen/collector/volatile/winsys"
)

// A CacheRow is an entry of the cache of the DNS client: kind "dns_cache". An entry
// without data is a name of which the cache told no more: an answer "no such name", or
// one that had run out when it was asked for.
type CacheRow struct {
	Kind string     `json:"kind"`
	Name jsonl.Text `json:"name"` // that was asked for
	Type string     `json:"type"` // A, AAAA, CNAME, …
	// RecordName and RecordType are those of the record in the answer, where they differ
	// (a CNAME and the addresses behind it).
	RecordName jsonl.Text `json:"record_name,omitempty"`
	RecordType string     `json:"record_type,omitempty"`
	Data       jsonl.Text `json:"data,omitempty"`    // of types that are not known here in hexadecimal
	TTL        *uint32    `json:"ttl_s,omitempty"`   // seconds left
	Flags      uint32     `json:"flags,omitempty"`   // DNS_CACHE_ENTRY.dwFlags as it came
	Section    string     `json:"section,omitempty"` // question, answer, authority, additional
}

// cacheRows joins the list of names (dns_cache.bin: DNS_CACHE_ENTRY as pieces) with the
// records that the cache gave for each (dns_records.bin: a section for each name).
//
// DNS_CACHE_ENTRY is not documented; it is as mimikatz, Metasploit and ReactOS have it
// (dnsapi.h): next, name, type (16 bits), data length (16), flags (32).
func cacheRows(records []byte) func([]byte, func(any)) error {
	answers, perr := section.Parse(string(records))
	known := map[string]string{}
	for _, s := range answers {
		known[s.Name] = s.Data
	}
	return func(b []byte, row func(any)) error {
		err := eachCacheEntry(b, func(c cacheEntry) {
			head := CacheRow{Kind: "dns_cache", Name: jsonl.Text(c.name), Type: dnsType(c.kind), Flags: c.flags}
			if rows := recordRows(head, known[c.section()]); len(rows) > 0 {
				for i := range rows {
					row(&rows[i])
				}
				return
			}
			row(&head)
		})
		if err == nil {
			err = perr
		}
		return err
	}
}

// A cacheEntry is what the list of the cache says of one name.
type cacheEntry struct {
	name  string
	kind  uint16
	flags uint32
}

// section is the name of the answer about an entry in dns_records.bin.
func (c cacheEntry) section() string { return fmt.Sprintf("%s %d", c.name, c.kind) }

func eachCacheEntry(b []byte, one func(cacheEntry)) error {
	p, err := winsys.ParsePieces(b)
	if err != nil || len(p) == 0 {
		return err
	}
	at := p[0].Addr
	for i := 0; at != 0; i++ {
		e := p.At(at, 24)
		if e == nil || i >= maxChain {
			return fmt.Errorf("cache entry %d: nothing at %#x", i, at)
		}
		if name := p.Text(u64(e, 8)); name != "" { // the first one of the list is empty
			one(cacheEntry{name, u16(e, 16), u32(e, 20)})
		}
		at = u64(e, 0)
	}
	return nil
}

// recordRows reads a list of DNS_RECORDW
// (https://learn.microsoft.com/windows/win32/api/windns/ns-windns-dns_recordw).
func recordRows(head CacheRow, data string) (rows []CacheRow) {
	p, err := winsys.ParsePieces([]byte(data))
	if err != nil || len(p) == 0 {
		return nil
	}
	at := p[0].Addr
	for i := 0; at != 0 && i < 256; i++ {
		e := p.From(at)
		if len(e) < 32 {
			break
		}
		r, ttl := head, u32(e, 24)
		r.TTL, r.Section = &ttl, nth(uint64(u32(e, 20)&3), "question", "answer", "authority", "additional")
		if name := p.Text(u64(e, 8)); !strings.EqualFold(name, string(head.Name)) {
			r.RecordName = jsonl.Text(name)
		}
		if t := dnsType(u16(e, 16)); t != head.Type {
			r.RecordType = t
		}
		r.Data = recordData(p, u16(e, 16), e[32:32+min(len(e)-32, int(u16(e, 18)))])
		rows = append(rows, r)
		at = u64(e, 0)
	}
	return rows
}

// recordData reads the union Data of DNS_RECORDW.
func recordData(p winsys.Pieces, kind uint16, d []byte) jsonl.Text {
	switch {
	case kind == 1 && len(d) >= 4:
		return jsonl.Text(addr4(d).String())
	case kind == 28 && len(d) >= 16:
		return jsonl.Text(addr6(d).String())
	case (kind == 2 || kind == 5 || kind == 12 || kind == 39) && len(d) >= 8: // NS, CNAME, PTR, DNAME
		return jsonl.Text(p.Text(u64(d, 0)))
	case kind == 15 && len(d) >= 10: // MX: name, preference
		return jsonl.Text(fmt.Sprintf("%d %s", u16(d, 8), p.Text(u64(d, 0))))
	case kind == 33 && len(d) >= 14: // SRV: name, priority, weight, port
		return jsonl.Text(fmt.Sprintf("%d %d %d %s", u16(d, 8), u16(d, 10), u16(d, 12), p.Text(u64(d, 0))))
	case kind == 16 && len(d) >= 8: // TEXT: count, pointers
		var out []string
		for i := 0; i < int(min(u32(d, 0), 64)) && 16+8*i <= len(d); i++ {
			out = append(out, p.Text(u64(d, 8+8*i)))
		}
		return jsonl.Text(strings.Join(out, " "))
	}
	return jsonl.Text(fmt.Sprintf("%x", d))
}

// dnsType names the types that are met (windns.h).
func dnsType(n uint16) string {
	switch n {
	case 1:
		return "A"
	case 2:
		return "NS"
	case 5:
		return "CNAME"
	case 6:
		return "SOA"
	case 12:
		return "PTR"
	case 15:
		return "MX"
	case 16:
		return "TXT"
	case 28:
		return "AAAA"
	case 33:
		return "SRV"
	case 39:
		return "DNAME"
	case 64:
		return "SVCB"
	case 65:
		return "HTTPS"
	}
	return fmt.Sprint(n)
}

// recordTexts says where a record of a type has pointers to texts.
func recordTexts(kind uint16, e []byte) (at []int) {
	switch kind {
	case 2, 5, 12, 39, 15, 33:
		at = append(at, 32)
	case 16:
		for i := 0; len(e) >= 36 && i < int(min(u32(e, 32), 64)); i++ {
			at = append(at, 40+8*i)
		}
	}
	for i, off := range at {
		if off+8 > len(e) {
			return at[:i]
		}
	}
	return at
}

// utf16Name is a text for a call: with its NUL, and cut at one inside.
func utf16Name(s string) []byte {
	name, _, _ := strings.Cut(s, "\x00")
	b, err := utf16.Bytes(name)
	if err != nil {
		b = nil
	}
	return append(b, 0, 0)
}
