package custody

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/evidence/sorting"
)

// maxMember bounds what is kept of one member; maxFacts, the facts of one field.
const (
	maxMember = 1 << 20
	maxFacts  = 64
)

// A Gatherer finds in an archive what the tool itself knows for the form. It is told of an
// archive as packager.Taker says, or of a collection as it goes on (Wants, Give, Count), and
// gives Facts afterwards.
type Gatherer struct {
	members map[string][]byte
	counts  map[evidence.Outcome]int64
	reasons map[string]int64
}

// members are those that hold something for the form, below data/.
func members() []string {
	return []string{"clock-servers.jsonl", "footprint.json", "plan.json", "volatile/host.jsonl",
		"volatile/host/clock-end.jsonl", "volatile/host/clock-start.jsonl", "volatile/kernel/block.jsonl", "volatile/sessions.jsonl"}
}

// Want implements packager.Taker.
func (g *Gatherer) Want(path string) bool {
	item, below := strings.CutPrefix(path, "data/")
	return below && g.Wants(item)
}

// Wants says whether the bytes of an item are wanted, by its own path.
func (g *Gatherer) Wants(item string) bool { return slices.Contains(members(), item) }

// Bytes implements packager.Taker.
func (g *Gatherer) Bytes(path string, b []byte) error {
	g.Give(strings.TrimPrefix(path, "data/"), b)
	return nil
}

// Give takes a piece of an item that is wanted.
func (g *Gatherer) Give(item string, b []byte) {
	if g.members == nil {
		g.members = map[string][]byte{}
	}
	if have := g.members[item]; len(have) < maxMember {
		g.members[item] = append(have, b[:min(len(b), maxMember-len(have))]...)
	}
}

// Record implements packager.Taker.
func (g *Gatherer) Record(r packager.RecordLine) error {
	if r.Part == nil {
		g.Count(r.Collector, r.Outcome, r.Shortfall)
	}
	return nil
}

// Count takes what became of an item.
func (g *Gatherer) Count(collector string, o evidence.Outcome, short bool) {
	if g.counts == nil {
		g.counts, g.reasons = map[evidence.Outcome]int64{}, map[string]int64{}
	}
	g.counts[o]++
	if short {
		g.reasons[collector]++
	}
}

// Facts gives what was found, in the order of the form. Rows that cannot be understood are
// passed over: they are in the archive.
func (g *Gatherer) Facts() (facts []Fact) {
	k := known{counts: g.counts, reasons: g.reasons}
	for _, item := range slices.Sorted(maps.Keys(g.members)) {
		dec := json.NewDecoder(bytes.NewReader(g.members[item]))
		for {
			r := row{from: item}
			var odd *json.UnmarshalTypeError // of one field, as where a text is no UTF-8
			if err := dec.Decode(&r); err != nil && !errors.As(err, &odd) {
				break
			}
			k.listed = k.listed || item == "volatile/sessions.jsonl" && (r.Kind == "utmp" || r.Kind == "session")
			if item != "volatile/sessions.jsonl" || r.loggedOn() {
				k.rows = append(k.rows, r)
			}
		}
	}
	seen := map[string]int{}
	for _, f := range k.facts() {
		same := func(have Fact) bool { return have.Field == f.Field && have.Text == f.Text }
		if f.Text != "" && seen[f.Field] < maxFacts && !slices.ContainsFunc(facts, same) {
			seen[f.Field]++
			facts = append(facts, f)
		}
	}
	sorting.By(facts, func(a, b Fact) int { return cmp.Compare(a.Field, b.Field) })
	return facts
}

// A row is the fields of the rows of these members that the form wants: those of
// collector/volatile, the plan, and what a collection knows of itself.
type row struct {
	from     string
	Kind     string   `json:"kind"`
	Schema   string   `json:"schema"`
	Profile  string   `json:"profile"`
	Root     string   `json:"root"`
	Live     bool     `json:"live"`
	Elevated bool     `json:"elevated"`
	Command  []string `json:"command"`
	Steps    []struct {
		Collector string `json:"collector"`
		Skip      string `json:"skip"`
	} `json:"steps"`
	// clocks
	When         string `json:"when"`
	Wall         string `json:"wall"`
	BootNS       int64  `json:"boottime_ns"`
	Synchronised bool   `json:"synchronised"`
	MaxErrorUS   int64  `json:"max_error_us"`
	Btime        string `json:"btime"`
	BootTime     string `json:"boot_time"`
	Uptime       string `json:"uptime"`
	Server       string `json:"server"`
	OffsetMS     *int64 `json:"offset_ms"`
	RTTMS        int64  `json:"rtt_ms"`
	MaxErrorMS   int64  `json:"max_error_ms"`
	Error        string `json:"error"`
	// host
	OS        string   `json:"os"`
	OSVersion string   `json:"os_version"`
	Kernel    string   `json:"kernel"`
	State     string   `json:"state"`
	Addresses []string `json:"addresses"`
	Asset     string   `json:"chassis_asset_tag"`
	Supplies  []struct {
		Name    string `json:"name"`
		Type    string `json:"type"`
		Online  *bool  `json:"online"`
		Status  string `json:"status"`
		Percent *int   `json:"percent"`
		Scope   string `json:"scope"`
	} `json:"supplies"`
	Rights struct {
		UIDs     string `json:"uids"`
		LoginUID string `json:"login_uid"`
		SID      string `json:"sid"`
	} `json:"rights"`
	// sessions
	TypeName string `json:"type_name"`
	User     string `json:"user"`
	Line     string `json:"line"`
	// disks and volumes
	Name       string   `json:"name"`
	Parent     string   `json:"parent"`
	Partition  bool     `json:"partition"`
	Device     string   `json:"device"`
	Size       int64    `json:"size"`
	Sector     int64    `json:"sector_size"`
	Bus        string   `json:"bus"`
	Sysfs      string   `json:"sysfs"`
	Table      string   `json:"partition_table"`
	ReadOnly   bool     `json:"read_only"`
	Removable  bool     `json:"removable"`
	USB        bool     `json:"usb"`
	Type       string   `json:"type"`
	Model      string   `json:"model"`
	Vendor     string   `json:"vendor"`
	Serial     string   `json:"serial"`
	Crypt      string   `json:"crypt"`
	Encryption string   `json:"encryption"`
	Slaves     []string `json:"slaves"`
	Mounted    []string `json:"mounted"`
	// footprint
	PeakBytes  int64  `json:"peak_memory_bytes"`
	WriteBytes int64  `json:"write_bytes"`
	Output     string `json:"output"`
	OnHost     bool   `json:"output_on_host"`
	InMemory   bool   `json:"output_in_memory"`
	Network    bool   `json:"sent_over_network"`
	Source     string `json:"output_source"`
	FileSystem string `json:"output_file_system"`
	OutDevice  string `json:"output_device"`
	Disk       string `json:"output_disk"`
	OnStick    bool   `json:"output_removable"`
}
