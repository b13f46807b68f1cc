package broker

import (
	"fmt"
	"strings"
)

// Account is the NATS account that everything of Hozen is in.
const Account = "HOZEN"

// Identity is the public half of what the hub is to NATS.
type Identity struct {
	User   string // nkey of the hub's own connection
	Issuer string // account nkey that signs who may do what
	XKey   string // curve key that questions are encrypted to
}

// Config is what a NATS server must be told, of its own or of a cluster, so that this
// hub decides about its connections: a part of a configuration file. Accounts that are
// there already must be named in the same block.
func (i Identity) Config() string {
	return strings.Join([]string{
		"# Endpoints begin with the handshake of TLS: tls { cert_file: …, key_file: …, handshake_first: auto }.",
		"# cert_file has the chain up to the authority, whose certificate the hub is given by --nats-ca.",
		"accounts {",
		"  " + Account + " { jetstream: enabled, users: [ { nkey: " + i.User + " } ] }",
		"  SYS { }",
		"}",
		"system_account: SYS",
		"authorization {",
		"  timeout: 10",
		"  auth_callout {",
		"    issuer: " + i.Issuer,
		"    account: " + Account,
		"    auth_users: [ " + i.User + " ]",
		"    xkey: " + i.XKey,
		"  }",
		"}",
		"",
	}, "\n")
}

// noLimit is what the embedded server is told of how much it may store, in bytes: left to
// itself it takes a part of what is free when it starts, and would count what it has
// stored before against that. Room is the intake's care.
const noLimit = 1 << 50

// maxMemory bounds what is kept in memory only, in bytes: the newest progress.
const maxMemory = 256 << 20

// maxConnections bounds the connections to the embedded server: 2,000 endpoints come
// back at once with some to spare; each costs the server a file and some 100 KiB.
const maxConnections = 8192

// embedded is the whole configuration of the server in this process, but for what has
// to be set on its options.
func (i Identity) embedded(name, host string, port int, store string) string {
	return fmt.Sprintf("server_name: %q\nhost: %q\nport: %d\nmax_subscriptions: 512\nmax_connections: %d\nwrite_deadline: \"20s\"\nmax_pending: 268435456\n"+
		"jetstream { store_dir: %q, sync_interval: always, max_file_store: %d, max_memory_store: %d }\n%s", name, host, port, maxConnections, store, int64(noLimit), int64(maxMemory), i.Config())
}
