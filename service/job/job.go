// Package job is the request to collect that operators sign: what, on which devices,
// until when, by whose authority. Its vocabulary is fixed: nothing in it can be a
// command, a program or a path to write to. Begin with Job (job.go); Envelope
// (envelope.go) carries one with its signatures; PROTOCOL.md in the folder above is
// the normative text.
package job

// Type names version 1 of the statement.
const Type = "hozen/job/1"

// MaxEnvelope bounds a job with its signatures, in bytes.
const MaxEnvelope = 64 << 10

// Longest bounds how long a job may be valid, from issued to expires, in hours.
const Longest = 7 * 24

// What a job may ask for. There is no other action.
const (
	Collect = "collect" // take evidence
	Isolate = "isolate" // cut the network, without a collection
	Rejoin  = "rejoin"  // release it
	Cancel  = "cancel"  // stop a collection of an earlier job; what is taken is sealed
)

// A Job is one line of JSON in the one encoding of package signed; exactly these bytes
// are signed, in the namespace hozen-job-v1. Every field is always there; an empty text,
// an empty list, false and 0 say "not given". Times are RFC 3339, UTC, whole seconds.
type Job struct {
	Type        string   `json:"type"`
	ID          string   `json:"id"`    // of this job: 4 to 63 of a-z, 0-9, dashes
	Nonce       string   `json:"nonce"` // 32 hexadecimal digits, fresh for each job
	Issued      string   `json:"issued"`
	NotBefore   string   `json:"not_before"`
	Expires     string   `json:"expires"` // at most seven days after issued
	Targets     Targets  `json:"targets"`
	Action      string   `json:"action"`
	Profile     Profile  `json:"profile"`
	Params      Params   `json:"params"`
	Recipients  []string `json:"recipients"`  // who may decrypt the archive: age1…, age1pq1…, or the text of an SSH key; each in the endpoint's allow-list
	Destination string   `json:"destination"` // a name of the endpoint's own allow-list; "": its default
	Case        string   `json:"case"`
	Evidence    string   `json:"evidence"`
	Authority   string   `json:"authority"` // by what right: a contract, an order, a policy
	Reason      string   `json:"reason"`
	Operator    string   `json:"operator"`  // who asks; "operator:<name>" signs first
	Approvals   []string `json:"approvals"` // who else signs, in the order of the signatures
}

// Targets are the devices that a job is for: device names, or one group that every
// endpoint has in its own configuration, with the digest of its members.
type Targets struct {
	Devices []string `json:"devices"`
	Group   string   `json:"group"`
	Digest  string   `json:"digest"` // GroupDigest of the members
}

// Profile is which plan is meant: its name and the hash of what the operator's program
// means by it. An endpoint that means something else refuses.
type Profile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Params are what a collection does beyond its profile. They are the flags of the same
// names of `hozen collect`.
type Params struct {
	Only       []string `json:"only"`
	Skip       []string `json:"skip"`
	TimeLimitS int64    `json:"time_limit_s"`
	RAM        bool     `json:"ram"`
	Swap       bool     `json:"swap"`
	Dump       []int    `json:"dump"`
	PcapS      int64    `json:"pcap_s"`
	Filter     string   `json:"filter"`
	IOC        []string `json:"ioc"` // indicators, one a line as in a file of --ioc
	IOCMemory  bool     `json:"ioc_memory"`
	Integrity  bool     `json:"integrity"`
	MaxSize    int64    `json:"max_size"`
	IsolateS   int64    `json:"isolate_s"` // isolate after the volatile checkpoint, for so many seconds
	Job        string   `json:"job"`       // of cancel: which
}
