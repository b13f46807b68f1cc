package ioc

import "net/netip"

// found checks what stands beside a pattern that fits at b[start:end], and gives
// where the hit ends. What is before the beginning and behind the end of b
// counts as an edge.
func (p *pattern) found(b []byte, start, end int, network netip.Prefix) (int, bool) {
	if p.edge == anywhere {
		return end, true
	}
	c := besides{b: b, unit: 1}
	if p.form == asWide {
		c.unit = 2
	}
	before := c.at(start - c.unit)
	if p.edge == networkEdge {
		return c.address(start, before, network)
	}
	next, after := c.at(end), c.at(end+c.unit)
	stop := next == '.' && isWord(after) // evil.sh.bak, evil.example.org
	switch p.edge {
	case nameEdge:
		return end, !isWord(before) && before != '.' && !isWord(next) && !stop
	case pathEdge:
		rooted := p.value[0] == '/'
		return end, (rooted || !isWord(before)) && !isWord(next) && !stop
	case domainEdge:
		return end, !isWord(before) && !isWord(next) && !stop
	case urlEdge:
		return end, !isWord(before) && before != '.' && !isWord(next) && next != '%' && !stop
	case ipv4Edge:
		return end, !isWord(before) && before != '.' && !isWord(next) && !stop
	default: // ipv6Edge
		return end, !isWord(before) && before != ':' && before != '.' && !isWord(next) && next != ':' && !stop
	}
}

// isWord says whether c goes on with a label of a domain or a name.
func isWord(c int) bool { return c >= 0 && labelByte(byte(c)) }

// besides reads characters of one or two bytes.
type besides struct {
	b    []byte
	unit int
}

// at gives the ASCII character at i; -1 where there is none, or another one.
func (c besides) at(i int) int {
	if i < 0 || i+c.unit > len(c.b) || c.b[i] >= 0x80 || c.unit == 2 && c.b[i+1] != 0 {
		return -1
	}
	return int(c.b[i])
}

// address reads the IPv4 address that begins at start, and says whether it is in the network.
func (c besides) address(start, before int, network netip.Prefix) (end int, ok bool) {
	var text [16]byte
	n := 0
	for end = start; n < len(text); end += c.unit {
		d := c.at(end)
		if d != '.' && (d < '0' || d > '9') {
			break
		}
		text[n] = byte(d)
		n++
	}
	for n > 0 && text[n-1] == '.' { // the end of a sentence
		n--
		end -= c.unit
	}
	a, ok := ipv4(text[:n])
	return end, ok && !isWord(before) && before != '.' && !isWord(c.at(end)) && network.Contains(a)
}

// ipv4 reads a whole dotted quad without allocating.
func ipv4(text []byte) (a netip.Addr, ok bool) {
	var octets [4]byte
	i, value, digits := 0, 0, 0
	for _, c := range text {
		if c == '.' {
			if digits == 0 || i == 3 {
				return a, false
			}
			octets[i] = byte(value)
			i, value, digits = i+1, 0, 0
			continue
		}
		if c < '0' || c > '9' || digits == 3 {
			return a, false
		}
		value = value*10 + int(c-'0')
		if digits++; value > 255 {
			return a, false
		}
	}
	octets[3] = byte(value)
	return netip.AddrFrom4(octets), i == 3 && digits > 0
}
