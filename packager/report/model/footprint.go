package model

import (
	"bytes"
	"strconv"
)

// Footprint is what the tool itself did to the machine, as far as it was measured.
type Footprint struct {
	AccessTimes int64 // files whose time of access may have moved
	Folders     int64 // folders likewise
	Measured    bool  // what follows is known
	TookMS      int64
	CPUUserMS   int64
	CPUSystemMS int64
	PeakBytes   int64 // of memory
	ReadBytes   int64 // from disks
	WriteBytes  int64 // to disks
	Written     int64 // of the archive, so far
	Output      string
	OnHost      bool // the output lies on a disk of the machine itself
	InMemory    bool // the output lies in its memory
	Network     bool // it was sent over the network
}

func (m *Model) mount(b []byte) bool {
	var r struct {
		Touched number `json:"touched"`
	}
	if !decode(b, &r) {
		return false
	}
	m.Footprint.Folders += r.Touched.n
	return true
}

func (m *Model) footprint(b []byte) bool {
	var r struct {
		Took    number `json:"took_ms"`
		User    number `json:"cpu_user_ms"`
		System  number `json:"cpu_system_ms"`
		Peak    number `json:"peak_memory_bytes"`
		Read    number `json:"read_bytes"`
		Write   number `json:"write_bytes"`
		Written number `json:"archive_bytes"`
		Output  text   `json:"output"`
		OnHost  flag   `json:"output_on_host"`
		Memory  flag   `json:"output_in_memory"`
		Network flag   `json:"sent_over_network"`
	}
	if !decode(bytes.TrimSpace(b), &r) {
		return false
	}
	f := &m.Footprint
	f.Measured, f.TookMS, f.CPUUserMS, f.CPUSystemMS, f.PeakBytes = true, r.Took.n, r.User.n, r.System.n, r.Peak.n
	f.ReadBytes, f.WriteBytes, f.Written = r.Read.n, r.Write.n, r.Written.n
	f.Output, f.OnHost, f.InMemory, f.Network = string(r.Output), bool(r.OnHost), bool(r.Memory), bool(r.Network)
	return true
}

// Bytes writes a size for people.
func Bytes(n int64) string {
	units := [...]string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	v, u := float64(n), 0
	for v >= 1000 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	if u == 0 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + units[u]
}
