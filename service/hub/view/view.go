// Package view is what the hub shows of itself to people: the web console reads it, and
// may hand in a job that operators have signed. It is of types and small interfaces
// only; package server implements Hub. Times are RFC 3339, UTC.
package view

import (
	"context"
	"errors"
	"io"

	"hozen/service/protocol"
)

// ErrNotFound is wrapped where what was asked for is not there.
var ErrNotFound = errors.New("not found")

// ErrRefused is wrapped by refusals that are the asker's fault, such as a job that is
// no job or a wrong password.
var ErrRefused = errors.New("refused")

// Hub is all that is shown.
type Hub interface {
	Endpoints
	Jobs
	Watcher
	Archives
	Users
	About() About
}

// About says which hub this is.
type About struct {
	Name        string // as in its receipts
	Version     string
	Fingerprint string   // SHA256:… of the key that signs receipts
	Addresses   []string // host:port, where endpoints connect
	CA          string   // SHA-256 of the certificate of its authority, hex
	Store       string   // where archives are kept: a word for people
	Started     string
}

// Endpoints are the enrolled machines.
type Endpoints interface {
	// List gives all of them, by device name.
	List(ctx context.Context) ([]protocol.Endpoint, error)
	// Refusals gives what endpoints refused, newest first, at most limit lines.
	Refusals(ctx context.Context, limit int) ([]Line, error)
}

// Jobs are what operators asked for.
type Jobs interface {
	// Recent gives jobs that were sent, newest first, at most limit.
	Recent(ctx context.Context, limit int) ([]Job, error)
	// Job gives one of them with what each device said.
	Job(ctx context.Context, id string) (JobDetail, error)
	// SendJob stores an envelope for its targets. by is who hands it in (for the log); the
	// hub checks its shape and that the targets are enrolled, the endpoints check the rest.
	SendJob(ctx context.Context, envelope []byte, by string) (protocol.SendAnswer, error)
}

// Job is a job as it was sent. Its fields are those of package job, unchecked.
type Job struct {
	ID         string
	Action     string
	Profile    string
	Case       string
	Operator   string
	Approvals  []string
	Reason     string
	Issued     string
	Expires    string
	Sent       string // when the hub took it
	SentBy     string // who handed it in: operator:<id>, user:<name>
	Targets    []string
	Group      string
	Envelope   string   // the exact line
	Payload    string   // the JSON that is signed
	Signatures []string // armored, in the order of operator and approvals; "" where missing
	Keys       []string // SHA256:… of the key within each signature; the hub does not judge whose it is
}

// JobDetail is a job and what became of it.
type JobDetail struct {
	Job
	Devices  []protocol.DeviceStatus
	Archives []Archive
}

// Watcher tells what happens, live.
type Watcher interface {
	// Watch gives events until ctx ends, then closes the channel. A reader that is too slow
	// loses events, never the hub its time.
	Watch(ctx context.Context) <-chan Event
}

// Event is something that just happened.
type Event struct {
	Kind   string `json:"kind"` // hello, progress, status, part, receipt, job, endpoint
	Device string `json:"device"`
	Job    string `json:"job"`
	Text   string `json:"text"` // JSON as the endpoint sent it: progress event, audit line; of a receipt its payload
	Time   string `json:"time"`
}

// Line is an audit line of an endpoint.
type Line struct {
	Device string
	Job    string
	State  string
	Reason string
	Time   string // as the endpoint says
	Taken  string // when the hub took it
	Signed bool   // whether the line is signed by the device's enrolled key
	Text   string // the line as it came
}

// Archives are what was delivered.
type Archives interface {
	// Archives gives those with a receipt, newest first, and those on their way, at most
	// limit; device "" is all.
	Archives(ctx context.Context, device string, limit int) ([]Archive, error)
	// Archive gives one of them.
	Archive(ctx context.Context, device, collection string) (Archive, error)
	// Open reads a stored file: "archive" or "log". The caller closes it.
	Open(ctx context.Context, device, collection, file string) (io.ReadCloser, int64, error)
}

// Archive is a collection at the hub.
type Archive struct {
	protocol.Receipt
	Signed protocol.SignedReceipt // as the endpoint got it
	State  string                 // arriving, verifying, receipted
	Bytes  int64                  // arrived so far, of archive and log
	// Report is packager.Report as JSON, if it is kept: findings, notes, events of the custody log, axes.
	Report []byte
}

// Users are the people of the console.
type Users interface {
	// Login checks a password; ErrRefused if it is wrong, or asked too often.
	Login(ctx context.Context, name, password, from string) (User, error)
	// User gives one by name, to see whether it still is there and in its role.
	User(ctx context.Context, name string) (User, error)
	// SetPassword changes a password.
	SetPassword(ctx context.Context, name, password string) error
}

// Roles of users. A viewer sees; an operator may also draft and hand in jobs; an
// auditor sees, downloads archives and reads refusals.
const (
	Viewer   = "viewer"
	Operator = "operator"
	Auditor  = "auditor"
	Admin    = "admin" // may do everything of the others
)

// User is somebody who may log in.
type User struct {
	Name    string
	Role    string
	Created string
	// Serial changes with password and role: sessions of another serial are over.
	Serial uint64
}
