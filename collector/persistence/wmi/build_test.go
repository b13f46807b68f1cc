package wmi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"hozen/collector/filetime"
	"hozen/collector/utf16"
)

// The repository in the making: what the documents say of its files, written down.

func le32(b []byte, n uint32) []byte { return binary.LittleEndian.AppendUint32(b, n) }
func le16(b []byte, n uint16) []byte { return binary.LittleEndian.AppendUint16(b, n) }

func wide(s string) []byte {
	b, err := utf16.Bytes(s)
	if err != nil {
		panic(err)
	}
	return b
}

// heapText puts a string into a heap, and gives its place.
func heapText(heap *[]byte, s string) uint32 {
	at := uint32(len(*heap))
	if strings.ContainsFunc(s, func(r rune) bool { return r > 0x7f }) {
		*heap = append(append(append(*heap, 1), wide(s)...), 0, 0)
	} else {
		*heap = append(append(append(*heap, 0), s...), 0)
	}
	return at
}

func classRecord(name, super string, fields ...field) []byte {
	var heap []byte
	nameAt := heapText(&heap, name)
	var lookups []byte
	table := uint32(0)
	for _, f := range fields {
		lookups = le32(lookups, heapText(&heap, f.name))
		lookups = le32(lookups, uint32(len(heap)))
		heap = le32(le32(le16(le32(heap, f.kind), f.order), f.offset), 0)
		heap = le32(heap, 4) // no qualifiers
		table = max(table, f.offset+f.width())
	}
	table += (2*uint32(len(fields)) + 7) / 8
	block := le32(le32([]byte{0}, nameAt), table)
	above := []byte{}
	heapText(&above, super)
	block = append(le32(block, uint32(4+len(above))), above...)
	block = le32(block, 4) // no qualifiers
	block = append(le32(block, uint32(len(fields))), lookups...)
	block = append(block, make([]byte, table)...)
	block = append(le32(block, uint32(len(heap))|heapMark), heap...)
	out := append(le32(nil, uint32(len(super))), wide(super)...)
	out = binary.LittleEndian.AppendUint64(out, filetime.Of(time.Unix(1700000000, 0)))
	return append(le32(out, uint32(4+len(block))), block...)
}

// instanceRecord writes an instance; a property that is not in values is null.
func instanceRecord(name string, fields []field, values map[string]any) []byte {
	var heap []byte
	nameAt := heapText(&heap, name)
	states := make([]byte, (2*len(fields)+7)/8)
	var table []byte
	for i, f := range fields {
		table = append(table, make([]byte, max(0, int(f.offset+f.width())-len(table)))...)
		v, ok := values[f.name]
		if !ok {
			states[2*i/8] |= 1 << (2 * i % 8)
			continue
		}
		switch v := v.(type) {
		case string:
			binary.LittleEndian.PutUint32(table[f.offset:], heapText(&heap, v))
		case bool:
			binary.LittleEndian.PutUint16(table[f.offset:], 0xffff)
		case uint32:
			binary.LittleEndian.PutUint32(table[f.offset:], v)
		case []byte:
			binary.LittleEndian.PutUint32(table[f.offset:], uint32(len(heap)))
			heap = append(le32(heap, uint32(len(v))), v...)
		}
	}
	block := append(append(append(le32(nil, nameAt), 0), states...), table...)
	block = append(le32(block, 4), 1)
	block = append(le32(block, uint32(len(heap))|heapMark), heap...)
	out := wide(Hash(name))
	out = binary.LittleEndian.AppendUint64(out, filetime.Of(time.Unix(1700000001, 0)))
	out = binary.LittleEndian.AppendUint64(out, filetime.Of(time.Unix(1700000002, 0)))
	return append(le32(out, uint32(4+len(block))), block...)
}

// pageOf lays records out; what does not fit goes on in more pages.
func pageOf(first uint32, all ...[]byte) []byte {
	page := make([]byte, pageSize)
	at := 16 * (len(all) + 1)
	for i, r := range all {
		head := page[16*i:]
		binary.LittleEndian.PutUint32(head, first+uint32(i))
		binary.LittleEndian.PutUint32(head[4:], uint32(at))
		binary.LittleEndian.PutUint32(head[8:], uint32(len(r)))
		page = append(page[:at], append(r, make([]byte, max(0, pageSize-at-len(r)))...)...)
		at += len(r)
	}
	return append(page, make([]byte, (pageSize-len(page)%pageSize)%pageSize)...)
}

func mappingTable(version uint32, pages ...uint32) []byte {
	b := le32(le32(le32(nil, mapBegin), version), 0)
	b = le32(le32(le32(b, 0), uint32(len(pages))), uint32(len(pages)))
	for _, p := range pages {
		b = append(le32(b, p), make([]byte, 20)...)
	}
	return le32(le32(le32(b, 0), mapEnd), 1)
}

// indexPage writes a page with one key for each path.
func indexPage(paths ...[]string) []byte {
	var keys, offsets, values, valueOffsets []byte
	n := 0
	for _, path := range paths {
		offsets = le16(offsets, uint16(len(keys)/2))
		keys = le16(keys, uint16(len(path)))
		for _, part := range path {
			keys = le16(keys, uint16(n))
			valueOffsets = le16(valueOffsets, uint16(len(values)))
			values = append(append(values, part...), 0)
			n++
		}
	}
	b := le32(le32(le32(le32(nil, activePage), 1), 0), 1)
	b = append(le32(b, uint32(len(paths))), make([]byte, 4*len(paths)+4*(len(paths)+1))...)
	b = append(append(b, offsets...), le16(nil, uint16(len(keys)/2))...)
	b = append(append(b, keys...), le16(nil, uint16(n))...)
	b = append(append(b, valueOffsets...), le16(nil, uint16(len(values)))...)
	b = append(b, values...)
	return append(b, make([]byte, pageSize-len(b))...)
}

func key(class string, page, id, size int) []string {
	return []string{"NS_" + Hash(`root\subscription`), "CI_" + Hash(class), fmt.Sprintf("IL_%s.%d.%d.%d", strings.Repeat("0", 64), page, id, size)}
}

var (
	base        = []field{{"MachineName", typeString, 0, 0}, {"CreatorSID", typeArray | typeUint8, 1, 4}}
	commandOnly = []field{{"Name", typeString, 2, 8}, {"CommandLineTemplate", typeString, 3, 12}, {"RunInteractively", typeBoolean, 4, 16}, {"Priority", typeSint32, 5, 18}}
	command     = append(append([]field{}, base...), commandOnly...)
	filter      = []field{{"CreatorSID", typeArray | typeUint8, 0, 0}, {"Name", typeString, 1, 4}, {"Query", typeString, 2, 8}}
	binding     = []field{{"Filter", typeRef, 0, 0}, {"Consumer", typeRef, 1, 4}, {"DeliveryQoS", typeUint32, 2, 8}}
	system      = []byte("\x01\x01\x00\x00\x00\x00\x00\x05\x12\x00\x00\x00")
)

// repository has each kind of thing once.
func repository() (objects, index, mapping []byte) {
	long := strings.Repeat("powershell -enc AAAA ", 600) // more than a page
	pages := [][]byte{
		pageOf(1,
			classRecord("__EventConsumer", "__IndicationRelated", base...),
			classRecord("CommandLineEventConsumer", "__EventConsumer", commandOnly...),
			classRecord("EvilEventConsumer", "__EventConsumer", field{"Payload", typeString, 2, 8}),
			classRecord("__EventFilter", "__IndicationRelated", filter...),
			classRecord("__FilterToConsumerBinding", "__IndicationRelated", binding...),
			classRecord("Win32_Other", "", field{"Name", typeString, 0, 0})),
		pageOf(10,
			instanceRecord("__EventFilter", filter, map[string]any{"Name": "evil", "Query": "SELECT * FROM 保全", "CreatorSID": system}),
			instanceRecord("__FilterToConsumerBinding", binding, map[string]any{"Filter": `__EventFilter.Name="evil"`, "Consumer": `CommandLineEventConsumer.Name="evil"`}),
			instanceRecord("Win32_Other", []field{{"Name", typeString, 0, 0}}, map[string]any{"Name": "other"}),
			instanceRecord("EvilEventConsumer", append(append([]field{}, base...), field{"Payload", typeString, 2, 8}), map[string]any{"Payload": "boom"}),
			instanceRecord("__EventFilter", filter, map[string]any{"Name": "deleted", "Query": "SELECT 1"}),
			instanceRecord("ActiveScriptEventConsumer", []field{{"ScriptText", typeString, 0, 0}}, map[string]any{"ScriptText": "MsgBox 1"})),
		pageOf(30, instanceRecord("CommandLineEventConsumer", command, map[string]any{"Name": "evil", "CommandLineTemplate": long, "RunInteractively": true, "CreatorSID": system})),
	}
	// The long record's second page is the last of the file; before it lies a page that
	// is in no use, with what a table of records no longer names.
	stale := pageOf(40, instanceRecord("__EventFilter", filter, map[string]any{"Name": "stale"}))
	copy(stale[4000:], instanceRecord("__EventFilter", filter, map[string]any{"Name": "carved", "Query": "SELECT 2"}))
	objects = bytes.Join([][]byte{pages[0], pages[1], pages[2][:pageSize], stale, pages[2][pageSize:]}, nil)
	index = append(make([]byte, pageSize), indexPage(key("__EventFilter", 1, 10, 1), key("__FilterToConsumerBinding", 1, 11, 1), key("EvilEventConsumer", 1, 13, 1),
		key("CommandLineEventConsumer", 2, 30, 1), key("ActiveScriptEventConsumer", 1, 15, 1))...)
	mapping = append(mappingTable(7, 0, 1, 2, 4), mappingTable(7, 0, 1)...)
	return objects, index, mapping
}
