package wmi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"hozen/collector/utf16"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
)

// Limits of one repository.
const (
	maxClasses   = 1 << 17
	maxPlaces    = 256 << 20 // bytes of definitions
	maxInstances = 1 << 16   // that have to do with subscriptions
	maxNeedles   = 256       // classes that are looked for outside records
	maxRecords   = 1 << 21   // of instances of any class
	maxTexts     = 128 << 20 // bytes of texts of all instances
)

// Files are those of a repository. Only Objects is needed.
type Files struct {
	Objects     io.ReaderAt
	ObjectsSize int64
	Index       io.ReaderAt
	IndexSize   int64
	Mappings    [][]byte // MAPPING1.MAP to MAPPING3.MAP, as many as there are
}

// Hash gives the SHA-256 by which the repository knows a class or namespace: of its
// name in upper case, in hexadecimal.
func Hash(name string) string {
	units, err := utf16.Bytes(strings.ToUpper(name))
	if err != nil {
		units = []byte(name)
	}
	return fmt.Sprintf("%X", sha256.Sum256(units))
}

// found is one instance that was seen.
type found struct {
	hash    string
	page    uint32 // of the file
	logical uint32
	inHeap  bool
	record  record
}

// search is one pass through a repository.
type search struct {
	heap      heap
	named     named // nil if there is no index
	classes   map[string]class
	places    map[string][]byte // definitions, by hash
	placed    int               // bytes of them
	instances []found
	text      int64          // bytes of texts of instances that may still be given
	covered   map[int64]bool // offsets of records of instances
	errs      []error
}

// Read gives all instances of filters, consumers, bindings and timers. Errors say what
// was not there or not readable; what else was found is given with them.
func Read(ctx context.Context, f Files) ([]Instance, error) {
	pages := (f.ObjectsSize + pageSize - 1) / pageSize
	if pages > maxPages {
		return nil, fmt.Errorf("OBJECTS.DATA of %d bytes: more than %d pages", f.ObjectsSize, maxPages)
	}
	s := &search{heap: heap{file: f.Objects, pages: uint32(pages), left: 4*f.ObjectsSize + 64<<20}, classes: map[string]class{}, places: map[string][]byte{}, covered: map[int64]bool{}}
	index := s.newest(f.Mappings)
	if f.Index != nil {
		s.readIndex(ctx, f, index)
	}
	s.scan(ctx)
	s.text = maxTexts
	out := s.resolve(ctx)
	out = append(out, s.carve(ctx)...)
	if s.heap.left < 0 || s.text < 0 {
		s.errs = append(s.errs, evidence.Cut("the records are longer, or have more text, than the file could hold: the last ones are cut"))
	}
	if ctx.Err() != nil {
		s.errs = append(s.errs, ctx.Err())
	}
	return out, fault.Join(s.errs...)
}

// newest takes the mapping of the highest version that can be read.
func (s *search) newest(files [][]byte) (index *mapping) {
	var why []error
	for _, b := range files {
		objects, idx, err := parseMappings(b)
		if err != nil {
			why = append(why, err)
		}
		if objects != nil && (s.heap.map_ == nil || objects.version > s.heap.map_.version) {
			s.heap.map_, index = objects, idx
		}
	}
	if s.heap.map_ == nil {
		s.errs = append(s.errs, fmt.Errorf("no table of pages: %w", fault.Join(append(why, errors.New("none could be read"))...)))
	}
	return index
}

func (s *search) readIndex(ctx context.Context, f Files, m *mapping) {
	s.named = named{}
	read := heap{file: f.Index, pages: uint32(min(f.IndexSize/pageSize, maxPages))}
	used := map[uint32]bool{}
	if m != nil {
		for logical := range m.pages {
			if n, ok := m.place(uint32(logical)); ok {
				used[n] = true
			}
		}
	}
	for n := uint32(0); n < read.pages && ctx.Err() == nil; n++ {
		if m != nil && !used[n] {
			continue
		}
		page, err := read.page(n)
		if err != nil {
			s.errs = append(s.errs, fmt.Errorf("INDEX.BTR: page %d: %w", n, err))
			continue
		}
		s.named.addIndexPage(page)
	}
}

// scan reads every page: first those of the heap in their order, then the others.
func (s *search) scan(ctx context.Context) {
	inHeap := make([]bool, s.heap.pages)
	if m := s.heap.map_; m != nil {
		follow := uint32(0)
		for logical := range m.pages {
			n, ok := m.place(uint32(logical))
			if !ok || n >= s.heap.pages || inHeap[n] {
				follow = 0
				continue
			}
			inHeap[n] = true
			if follow > 0 {
				follow--
				continue
			}
			if ctx.Err() != nil {
				return
			}
			follow = s.page(n, uint32(logical), true)
		}
	}
	for n := range s.heap.pages {
		if ctx.Err() != nil {
			return
		}
		if !inHeap[n] {
			s.page(n, 0, false)
		}
	}
}

// page takes the classes and instances of a page, and says how many pages behind it
// hold the rest of its last record.
func (s *search) page(n, logical uint32, inHeap bool) (follow uint32) {
	page, err := s.heap.page(n)
	if err != nil {
		s.errs = append(s.errs, fmt.Errorf("OBJECTS.DATA: page %d: %w", n, err))
		return 0
	}
	for _, r := range records(page) {
		follow = max(follow, r.follows())
		b := page[min(r.offset, len(page)):min(r.offset+r.size, len(page))]
		if hash := instanceOf(b); hash != "" {
			if len(s.instances) == maxRecords {
				s.errs = append(s.errs, evidence.Cut("more than %d records of instances", maxRecords))
			}
			if len(s.instances) <= maxRecords {
				s.instances = append(s.instances, found{hash, n, logical, inHeap, r})
			}
			continue
		}
		if len(b) < r.size {
			b, _ = s.heap.data(page, r, logical, inHeap)
		}
		if c, err := parseClass(b, false); err == nil && len(s.classes) < maxClasses {
			hash := Hash(c.name)
			if _, ok := s.classes[hash]; !ok {
				s.classes[hash] = c
				if s.placed += len(b); s.placed <= maxPlaces {
					s.places[hash] = bytes.Clone(b)
				}
			}
		}
	}
	return follow
}

// wanted says whether a class has to do with subscriptions, and gives it with its fields.
func (s *search) wanted(hash string) (c class, consumer, ok bool) {
	c, known := s.classes[hash]
	if !known {
		for _, name := range systemClasses() {
			if Hash(name) == hash {
				return class{name: name}, strings.HasSuffix(name, "EventConsumer"), true
			}
		}
		return c, false, false
	}
	above := c
	for range 16 {
		if strings.EqualFold(above.super, "__EventConsumer") {
			consumer = true
		}
		next, there := s.classes[Hash(above.super)]
		if above.super == "" || !there {
			break
		}
		above = next
	}
	if !consumer && !slices.ContainsFunc(systemClasses(), func(name string) bool { return strings.EqualFold(name, c.name) }) {
		return c, false, false
	}
	consumer = consumer || strings.HasSuffix(c.name, "EventConsumer")
	c.fields = s.fields(hash, 0)
	return c, consumer, true
}

// fields puts a class's properties together with those of the classes above it.
func (s *search) fields(hash string, depth int) []field {
	b, ok := s.places[hash]
	if !ok || depth > 16 {
		return nil
	}
	c, err := parseClass(b, true)
	if err != nil {
		s.errs = append(s.errs, err)
		return nil
	}
	if c.super != "" {
		c.inherit(s.fields(Hash(c.super), depth+1))
	}
	return c.fields
}

// systemClasses are the classes of subscriptions that Windows brings.
func systemClasses() []string {
	return []string{
		"__EventFilter", "__FilterToConsumerBinding", "__AbsoluteTimerInstruction", "__IntervalTimerInstruction",
		"CommandLineEventConsumer", "ActiveScriptEventConsumer", "LogFileEventConsumer", "NTEventLogEventConsumer", "SMTPEventConsumer",
		"__EventConsumerProviderRegistration",
	}
}

// resolve reads the instances of wanted classes.
func (s *search) resolve(ctx context.Context) (out []Instance) {
	type answer struct {
		class    class
		consumer bool
		ok       bool
	}
	asked := map[string]answer{}
	for _, f := range s.instances {
		if ctx.Err() != nil || s.text < 0 {
			break
		}
		s.covered[f.offset()] = true
		a, ok := asked[f.hash]
		if !ok {
			a.class, a.consumer, a.ok = s.wanted(f.hash)
			asked[f.hash] = a
		}
		if !a.ok {
			continue
		}
		if len(out) >= maxInstances {
			s.errs = append(s.errs, fmt.Errorf("more than %d instances", maxInstances))
			break
		}
		page, err := s.heap.page(f.page)
		if err != nil {
			s.errs = append(s.errs, err)
			continue
		}
		b, whole := s.heap.data(page, f.record, f.logical, f.inHeap)
		i := parseInstance(b, a.class)
		if !whole && i.Err == nil {
			i.Err = errors.New("its end is missing")
		}
		s.text -= i.weight()
		i.Consumer, i.Offset = a.consumer, f.offset()
		i.State, i.Namespace = s.state(f)
		out = append(out, i)
	}
	return out
}

func (f found) offset() int64 { return int64(f.page)*pageSize + int64(f.record.offset) }

func (s *search) state(f found) (State, string) {
	if s.heap.map_ == nil || s.named == nil {
		return Unknown, ""
	}
	if !f.inHeap {
		return StalePage, ""
	}
	space, ok := s.named[place{f.logical, f.record.id}]
	if !ok {
		return Unindexed, ""
	}
	return Live, namespaceOf(space)
}

// namespaceOf gives the name for the hash of a namespace; the hash if it is not one of
// those that Windows brings.
func namespaceOf(hash string) string {
	for _, name := range []string{`ROOT\SUBSCRIPTION`, `ROOT\DEFAULT`, `ROOT\CIMV2`, `ROOT`, `ROOT\WMI`, `ROOT\CIMV2\POWER`, `ROOT\CIMV2\SECURITY`, `ROOT\MICROSOFT`, `ROOT\STANDARDCIMV2`, `ROOT\SECURITYCENTER2`} {
		if Hash(name) == hash {
			return name
		}
	}
	return hash
}

// carve looks for the hashes of wanted classes outside all records.
func (s *search) carve(ctx context.Context) (out []Instance) {
	needles := map[string]class{}
	consumers := map[string]bool{}
	for _, name := range systemClasses() {
		hash := Hash(name)
		c, consumer, _ := s.wanted(hash)
		needles[hash], consumers[hash] = c, consumer
	}
	for hash, c := range s.classes {
		if len(needles) < maxNeedles && strings.EqualFold(c.super, "__EventConsumer") {
			needles[hash], consumers[hash], _ = s.wanted(hash)
		}
	}
	hashes := make([]string, 0, len(needles))
	for hash := range needles {
		hashes = append(hashes, hash)
	}
	slices.Sort(hashes)
	for n := uint32(0); n < s.heap.pages && ctx.Err() == nil; n++ {
		page := make([]byte, 2*pageSize) // an instance may go on over the page's end
		read, _ := s.heap.file.ReadAt(page, int64(n)*pageSize)
		page = page[:read]
		for _, hash := range hashes {
			needle, _ := utf16.Bytes(hash)
			for at := 0; ; at += len(needle) {
				next := bytes.Index(page[min(at, len(page)):], needle)
				if next < 0 || at+next >= pageSize {
					break
				}
				at += next
				offset := int64(n)*pageSize + int64(at)
				if s.covered[offset] || instanceOf(page[at:]) == "" || len(out) >= maxInstances {
					continue
				}
				i := parseInstance(page[at:], needles[hash])
				if s.text -= i.weight(); s.text < 0 {
					return out
				}
				i.Consumer, i.Offset, i.State = consumers[hash], offset, Carved
				out = append(out, i)
			}
		}
	}
	return out
}
