// Package config is the one file that an endpoint is set up with: commented YAML, read
// strictly, every mistake with its line, its column and a hint, as many as there are at
// once. Begin with Config (config.go) and Load (load.go); default.yaml is what install
// writes; schema.go has the fields, node.go how YAML is read without believing it;
// check.go looks at everything that the file points at.
package config

import (
	"net/netip"
	"path/filepath"
	"time"
)

// Hub is the name that stands for the hub where a destination is named.
const Hub = "hub"

// What is done when the machine is switched off (on_shutdown).
const (
	ShutdownNothing  = "nothing"  // the shutdown goes on at once
	ShutdownVolatile = "volatile" // it waits for the volatile checkpoint of a collection
)

// Config is what the file says, with the defaults in the place of what it does not say.
// Sizes are bytes, bandwidth is bytes a second; 0 says "no limit".
type Config struct {
	File string // where it was read; "" if it was not

	Device   string // name of this machine in trust files and jobs; "": made of the host name
	StateDir string // absolute
	Trust    string // allowed_signers of the operators
	Revoked  string // keys and certificates that count no more: a KRL, or keys in lines; "" is none
	Veto     string // as long as this file is there, nothing is run
	Language string // en, ja; "": that of the locale
	Profile  string // of collections that a local trigger starts

	Outbox       Outbox
	Destinations []Destination // in the order of the file
	DeliverTo    string        // name of a destination, or Hub; "": the hub if there is one, else nowhere
	DeleteLocal  bool          // the local copy goes when a receipt carries its hash
	Bandwidth    int64

	Approvals Approvals
	Groups    []Group // in the order of the file
	Allow     Allow
	EncryptTo []string // recipients of every archive, whoever asked for it
	// RecipientFiles are the files that some of Allow.Recipients and EncryptTo were read from.
	RecipientFiles []string

	OnShutdown    string
	ShutdownLimit time.Duration

	Timestamp Timestamp
	NTP       []string // time servers that are asked how wrong the clock is: HOST or HOST:PORT

	Limits    Limits
	Isolation Isolation
}

// Outbox bounds the archives that wait.
type Outbox struct {
	MaxSize int64 // the oldest are kept: over this, nothing new is begun
}

// Destination is where archives may go. No name server is asked: a name in To has its
// address in Address.
type Destination struct {
	Name        string
	To          string     // a place as package deliver reads it: /folder, sftp://, https://, s3://
	Address     netip.Addr // of the name in To; not valid: To has an address itself
	Pin         string     // whom we talk to: SFTP "SHA256:…", else SHA-256 (hex) of a certificate
	CA          string     // https, s3: file of certificates (PEM) that are believed, and no others
	Credentials string     // file with what is secret
	ReadBack    bool       // the whole file is read again before it counts as delivered
}

// Approvals says how many different people must sign for each power, the operator
// included.
type Approvals struct {
	Collect int
	RAM     int
	Memory  int // whole processes, search of memory, profile full
	Isolate int // rejoin, too
	Cancel  int
}

// Group is devices that a job can mean with one word.
type Group struct {
	Name    string
	Members []string // device names, sorted
}

// Allow is what jobs may ask for, of what needs permission.
type Allow struct {
	Recipients   []string // who may be able to decrypt an archive, as cipher.Canonical writes them
	Destinations []string // names of destinations, and Hub
}

// Limits are what the service manager holds the service to. They are written into the
// unit by install.
type Limits struct {
	Memory    int64 // bytes, the page cache of what is read included
	CPUWeight int   // 1 to 10000; what others have is 100
	IOWeight  int
}

// Isolation is what an isolated machine can still reach.
type Isolation struct {
	Hub []netip.AddrPort // none: those of the enrolment
}

// In gives the path of a file of the state directory.
//
//go:noinline
func (c *Config) In(name string) string { return filepath.Join(c.StateDir, name) }

// Files of the state directory.
const (
	DeviceKey     = "device.key"     // the device's private key; .pub beside it
	HubKey        = "hub.nk"         // of the connection to the hub
	HubFile       = "hub.json"       // where the hub is, and what it is recognised by
	LedgerFile    = "ledger.jsonl"   // jobs and how far they got
	AuditFile     = "audit.jsonl"    // what was decided and done, signed
	TrustPin      = "trust.pin"      // SHA-256 of the trust file, from enrolment
	IsolationFile = "isolation.json" // whether this machine is cut off
	OutboxDir     = "outbox"         // archives that wait
)

// DestinationNamed finds a destination of the file.
func (c *Config) DestinationNamed(name string) (Destination, bool) {
	for _, d := range c.Destinations {
		if d.Name == name {
			return d, true
		}
	}
	return Destination{}, false
}
