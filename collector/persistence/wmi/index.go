package wmi

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// activePage is the type of a page of the index that is in use.
const activePage = 0xaccc

// A place is where the index says that a record is: a page of the heap and a number.
type place struct{ page, id uint32 }

// named gives for each record that the index names the namespace it is in, as the
// SHA-256 of the namespace's name in upper case.
type named map[place]string

// maxNamed bounds what is kept of the index.
const maxNamed = 1 << 21

// addIndexPage adds the keys of one page. Keys that do not lie in the page are left out.
func (n named) addIndexPage(page []byte) {
	if len(page) < pageSize || binary.LittleEndian.Uint32(page) != activePage {
		return
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(page[at:])) }
	keys := binary.LittleEndian.Uint32(page[16:])
	// Behind the number of keys: 4 bytes for each, the pages below, and offsets of keys.
	offsets := 20 + 4*uint64(keys) + 4*(uint64(keys)+1)
	data := offsets + 2*uint64(keys) + 2 // behind the number of units of the keys' data
	if keys == 0 || data > pageSize {
		return
	}
	dataSize := 2 * u16(int(data)-2)
	strings := int(data) + dataSize
	if strings+2 > pageSize {
		return
	}
	values := indexStrings(page, strings)
	for i := range int(keys) {
		at := int(data) + 2*u16(int(offsets)+2*i)
		if at+2 > strings {
			continue
		}
		var path []string
		for part := range u16(at) {
			p := at + 2 + 2*part
			if p+2 > strings || u16(p) >= len(values) || part > 16 {
				path = nil
				break
			}
			path = append(path, values[u16(p)])
		}
		n.addKey(path)
	}
}

// indexStrings reads the strings of a page: their number, an offset for each, and one
// more that is the size of all.
func indexStrings(page []byte, at int) (out []string) {
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(page[at:])) }
	n := u16(at)
	data := at + 2 + 2*(n+1)
	if data > pageSize {
		return nil
	}
	text := string(page)
	for i := range n {
		from := data + u16(at+2+2*i)
		if from >= pageSize {
			out = append(out, "")
			continue
		}
		s, _, _ := strings.Cut(text[from:], "\x00")
		out = append(out, s)
	}
	return out
}

// addKey takes a key that ends in HASH.PAGE.ID.SIZE.
func (n named) addKey(path []string) {
	if len(path) == 0 || len(n) >= maxNamed {
		return
	}
	parts := strings.Split(path[len(path)-1], ".")
	if len(parts) != 4 {
		return
	}
	page, err1 := strconv.ParseUint(parts[1], 10, 32)
	id, err2 := strconv.ParseUint(parts[2], 10, 32)
	if err1 != nil || err2 != nil {
		return
	}
	space := ""
	for _, p := range path {
		if hash, ok := strings.CutPrefix(p, "NS_"); ok {
			space, _, _ = strings.Cut(hash, ".")
			break
		}
	}
	at := place{uint32(page), uint32(id)}
	if _, ok := n[at]; !ok {
		n[at] = strings.ToUpper(space)
	}
}
