package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/nats-io/nkeys"
	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
	"hozen/service/durable"
	"hozen/service/protocol"
)

// Files below the state directory, each 0600 and synced before it counts.
const (
	seedFile     = "hub.nk"   // nkey seed of the connection
	hubFile      = "hub.json" // Hub
	positionFile = "hub.pos"  // position

	beside = ".next"   // behind the name: of an enrolment that is to replace another
	before = ".before" // of one that was replaced
)

// longestFile bounds what is read back of them.
const longestFile = 64 << 10

// ErrNotEnrolled is wrapped where a state directory knows no hub.
var ErrNotEnrolled = errors.New("not enrolled")

// A Hub is what an enrolment found out: whom to dial, and by what to know him.
type Hub struct {
	Addresses []string `json:"addresses"` // IP address and port; all are one hub or one cluster
	Name      string   `json:"name"`      // in the server's certificate; "": its addresses
	CA        string   `json:"ca"`        // SHA-256 of the authority's certificate, hex
	Hub       string   `json:"hub"`       // how the hub calls itself
	HubKey    string   `json:"hub_key"`   // signs receipts; as in authorized_keys
	Role      string   `json:"role"`
	ID        string   `json:"id"`       // our nkey, public
	Enrolled  string   `json:"enrolled"` // when, by our clock
}

// Load reads what Enrol wrote; ErrNotEnrolled if it did not.
func Load(state string) (Hub, error) {
	var h Hub
	err := readJSON(filepath.Join(state, hubFile), &h)
	if errors.Is(err, fs.ErrNotExist) {
		return Hub{}, fmt.Errorf("%s: %w", state, ErrNotEnrolled)
	}
	if err == nil {
		err = h.check()
	}
	if err != nil {
		return Hub{}, fmt.Errorf("%s: %w", filepath.Join(state, hubFile), err)
	}
	return h, nil
}

func (h Hub) check() error {
	if err := protocol.CheckAddresses(h.Addresses); err != nil {
		return err
	}
	if err := protocol.CheckSHA256(h.CA); err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	if _, err := h.key(); err != nil {
		return fmt.Errorf("hub_key: %w", err)
	}
	return nil
}

// key is what receipts are signed by.
func (h Hub) key() (ssh.PublicKey, error) { return signed.ParsePublic(h.HubKey) }

// loadSeed reads the nkey of the connection.
func loadSeed(state string) (nkeys.KeyPair, error) { return readSeed(filepath.Join(state, seedFile)) }

func readSeed(file string) (nkeys.KeyPair, error) {
	b, err := durable.Read(file, longestFile)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	k, err := nkeys.FromSeed(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if _, err := k.PublicKey(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return k, nil
}

// position is how far the jobs were taken over: all up to After in this life of the stream.
type position struct {
	Stream string `json:"stream"`
	After  uint64 `json:"after"`
}

func loadPosition(state string) (p position, err error) {
	err = readJSON(filepath.Join(state, positionFile), &p)
	if errors.Is(err, fs.ErrNotExist) {
		return position{}, nil
	}
	return p, err
}

func readJSON(file string, v any) error {
	b, err := durable.Read(file, longestFile)
	if err != nil {
		return err
	}
	return protocol.Decode(b, v)
}
