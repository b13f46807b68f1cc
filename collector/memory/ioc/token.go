package ioc

import "net/netip"

// tokens finds addresses and hashes in text, in whatever spelling.
type tokens struct {
	addresses map[netip.Addr]int32
	networks  []network
	hashes    map[string]int32 // lower case
}

type network struct {
	prefix netip.Prefix
	of     int32
}

func newTokens(indicators []Indicator) *tokens {
	t := &tokens{addresses: map[netip.Addr]int32{}, hashes: map[string]int32{}}
	for i := range indicators {
		switch in := &indicators[i]; in.Kind {
		case Address:
			t.addresses[in.prefix.Addr()] = int32(i)
		case Network:
			t.networks = append(t.networks, network{in.prefix, int32(i)})
		case MD5, SHA1, SHA256:
			t.hashes[in.Value] = int32(i)
		}
	}
	return t
}

// empty says that there is nothing to look for.
func (t *tokens) empty() bool { return len(t.addresses)+len(t.networks)+len(t.hashes) == 0 }

// maxToken is more bytes than any address or hash has.
const maxToken = 64

// scan calls yield for every address and hash in b that is sought.
func (t *tokens) scan(b []byte, yield func(of int32, start, end int)) {
	for i := 0; i < len(b); {
		if !tokenByte(b[i]) {
			i++
			continue
		}
		start, colons, dots := i, 0, 0
		for i < len(b) && tokenByte(b[i]) {
			switch b[i] {
			case ':':
				colons++
			case '.':
				dots++
			}
			i++
		}
		if start > 0 && isWord(int(b[start-1])) || i < len(b) && isWord(int(b[i])) && b[i] != '-' {
			continue
		}
		switch n := i - start; {
		case colons >= 2 && n <= maxToken, dots >= 3 && n <= maxToken:
			t.address(b, start, i, colons, yield)
		case colons+dots == 0 && (n == 32 || n == 40 || n == 64):
			if of, ok := t.hashes[lower(b[start:i])]; ok {
				yield(of, start, i)
			}
		}
	}
}

// tokenByte says whether c can be in an address or a hash.
func tokenByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == ':' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func lower(b []byte) string {
	var out [maxToken]byte
	for i, c := range b {
		if c >= 'A' && c <= 'F' {
			c |= 0x20
		}
		out[i] = c
	}
	return string(out[:len(b)])
}

// address takes b[start:end], which may be an address, one with a port, or one at
// the end of a sentence.
func (t *tokens) address(b []byte, start, end, colons int, yield func(int32, int, int)) {
	for end > start && b[end-1] == '.' {
		end--
	}
	if colons <= 1 { // 1.2.3.4:443
		for i := start; i < end; i++ {
			if b[i] == ':' {
				end = i
			}
		}
		if a, ok := ipv4(b[start:end]); ok {
			t.is(a, start, end, yield)
		}
		return
	}
	a, err := netip.ParseAddr(string(b[start:end]))
	for err != nil && end > start && b[end-1] == ':' {
		end--
		a, err = netip.ParseAddr(string(b[start:end]))
	}
	if err == nil {
		t.is(a.Unmap(), start, end, yield)
	}
}

func (t *tokens) is(a netip.Addr, start, end int, yield func(int32, int, int)) {
	if of, ok := t.addresses[a]; ok {
		yield(of, start, end)
	}
	for i := range t.networks {
		if t.networks[i].prefix.Contains(a) {
			yield(t.networks[i].of, start, end)
		}
	}
}
