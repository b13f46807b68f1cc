package flow

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"

	"hozen/collector/jsonl"
)

// A TLSRow is one TLS handshake, as far as it is in clear.
type TLSRow struct {
	Ends
	StartTLS     bool         `json:"starttls,omitempty"`      // the flow began as something else
	ServerName   jsonl.Text   `json:"server_name,omitempty"`   // SNI
	Versions     []string     `json:"versions,omitempty"`      // that the client offered
	OfferedALPN  []jsonl.Text `json:"offered_alpn,omitempty"`  //
	Ciphers      int          `json:"ciphers,omitempty"`       // how many cipher suites the client offered, GREASE not counted
	JA3          string       `json:"ja3,omitempty"`           // MD5 of what the client offered (https://github.com/salesforce/ja3)
	JA4          string       `json:"ja4,omitempty"`           // the same, by https://github.com/FoxIO-LLC/ja4
	Version      string       `json:"version,omitempty"`       // that the server chose
	Cipher       string       `json:"cipher,omitempty"`        // that the server chose: IANA's name, or the number
	ALPN         jsonl.Text   `json:"alpn,omitempty"`          // that the server chose, if it said so in clear (up to TLS 1.2)
	JA3S         string       `json:"ja3s,omitempty"`          // MD5 of what the server chose
	ECH          bool         `json:"ech,omitempty"`           // the client sent an encrypted hello: server_name may be that of a front
	Resumed      bool         `json:"resumed,omitempty"`       // by session identifier or by key (TLS 1.3)
	Established  bool         `json:"established,omitempty"`   // both sides began to encrypt
	Alert        string       `json:"alert,omitempty"`         // the last one in clear: level and number
	Certificates []CertRow    `json:"certificates,omitempty"`  // of the server, its own first; up to TLS 1.2
	ClientCerts  []CertRow    `json:"client_certs,omitempty"`  // of the client
	History      string       `json:"history,omitempty"`       // the messages in order, by the letters of Zeek's ssl_history
	QUIC         bool         `json:"quic,omitempty"`          // the hello was in QUIC
	Cut          bool         `json:"cut,omitempty"`           // bytes are missing or a message was over the bounds
	RequestCerts bool         `json:"requests_cert,omitempty"` // the server asked for a certificate
}

// A CertRow is one certificate of a handshake.
type CertRow struct {
	SHA256    string       `json:"sha256"`
	Subject   jsonl.Text   `json:"subject,omitempty"`
	Issuer    jsonl.Text   `json:"issuer,omitempty"`
	Serial    string       `json:"serial,omitempty"` // hexadecimal
	NotBefore string       `json:"not_before,omitempty"`
	NotAfter  string       `json:"not_after,omitempty"`
	Names     []jsonl.Text `json:"names,omitempty"` // DNS names and addresses it is for
	Error     string       `json:"error,omitempty"` // why it could not be read
}

// Bounds of TLS.
const (
	maxRecord     = 16384 + 2048
	maxHandshake  = 256 << 10 // one message
	maxCerts      = 16
	maxNames      = 100
	maxTLSHistory = 100 // as Zeek has it
)

// looksTLS says whether a ClientHello or a ServerHello begins here.
func looksTLS(b []byte) bool {
	return len(b) >= 6 && b[0] == 22 && b[1] == 3 && b[2] <= 4 && (b[5] == 1 || b[5] == 2) && be16(b[3:]) > 0 && be16(b[3:]) <= maxRecord
}

// A tlsFlow follows one handshake.
type tlsFlow struct {
	dirs    [2]tlsDir
	row     TLSRow
	at      int64
	client  int // the direction that the client sends in
	session []byte
	ticket  bool // the client offers a ticket or a key from before
	keySent bool // the client sent a ClientKeyExchange
	retry   bool
	done    bool
}

type tlsDir struct {
	record    []byte // a record that is not whole yet
	skip      int    // bytes of a record that nobody needs
	messages  []byte // handshake messages that are not whole yet
	encrypted bool
}

func newTLS(dir int, later bool) *tlsFlow {
	f := &tlsFlow{client: dir}
	f.row.StartTLS = later
	return f
}

// feed takes the next bytes of one direction.
func (f *tlsFlow) feed(t *Tables, c *conn, dir int, b []byte) {
	d := &f.dirs[dir]
	if f.at == 0 {
		f.at = t.now
	}
	for len(b) > 0 && !f.done {
		if d.skip > 0 {
			n := min(d.skip, len(b))
			d.skip -= n
			b = b[n:]
			continue
		}
		need := 5
		if len(d.record) >= 5 {
			need = 5 + int(be16(d.record[3:]))
		}
		n := min(need-len(d.record), len(b))
		d.record = append(d.record, b[:n]...)
		b = b[n:]
		if len(d.record) < need || need == 5 && f.headIsEnough(t, c, dir) {
			continue
		}
		if len(d.record) >= 5 && len(d.record) == 5+int(be16(d.record[3:])) {
			f.recordEnds(t, c, dir, d.record[0], d.record[5:])
			d.record = d.record[:0]
		}
	}
}

// headIsEnough looks at a record's header; it says whether the loop must go on, be it that
// the body is still to come or that nobody needs it.
func (f *tlsFlow) headIsEnough(t *Tables, c *conn, dir int) bool {
	d := &f.dirs[dir]
	kind, size := d.record[0], int(be16(d.record[3:]))
	if kind < 20 || kind > 24 || d.record[1] != 3 || size > maxRecord {
		f.end(t, c)
		return true
	}
	if kind == 23 || d.encrypted && kind != 20 {
		if d.skip = size; kind == 23 && !d.encrypted {
			f.encrypts(t, c, dir)
		}
		d.record = d.record[:0]
		return true
	}
	return size > 0
}

// encrypts notes that a side says no more in clear.
func (f *tlsFlow) encrypts(t *Tables, c *conn, dir int) {
	f.dirs[dir].encrypted = true
	if f.dirs[0].encrypted && f.dirs[1].encrypted {
		f.row.Established = true
		f.end(t, c)
	}
}

func (f *tlsFlow) letter(dir int, letter byte) {
	if dir == f.client {
		letter &^= 0x20
	}
	if len(f.row.History) < maxTLSHistory {
		f.row.History += string(letter)
	}
}

func (f *tlsFlow) recordEnds(t *Tables, c *conn, dir int, kind byte, b []byte) {
	d := &f.dirs[dir]
	switch kind {
	case 20:
		if f.row.Version == "TLSv13" { // only there to please boxes on the way
			f.letter(dir, 'i')
			return
		}
		if f.letter(dir, 'i'); dir == f.client && f.ticket && !f.keySent {
			f.row.Resumed = true
		}
		f.encrypts(t, c, dir)
	case 21:
		f.letter(dir, 'l')
		if len(b) == 2 {
			f.row.Alert = fmt.Sprintf("%d %d", b[0], b[1])
		}
	case 22:
		d.messages = append(d.messages, b...)
		for len(d.messages) >= 4 && !f.done {
			n := int(be32(d.messages) & 0xffffff)
			if n > maxHandshake {
				f.row.Cut = true
				f.end(t, c)
				return
			}
			if len(d.messages) < 4+n {
				return
			}
			f.message(dir, d.messages[0], d.messages[4:4+n])
			d.messages = d.messages[4+n:]
		}
	}
}

// message takes a handshake message (RFC 8446 section 4, RFC 5246 section 7.4).
func (f *tlsFlow) message(dir int, kind byte, b []byte) {
	letters := map[byte]byte{0: 'h', 1: 'c', 2: 's', 3: 'v', 4: 't', 5: 'e', 6: 'j', 8: 'o', 11: 'x', 12: 'k', 13: 'r', 14: 'n',
		15: 'y', 16: 'g', 20: 'f', 21: 'w', 22: 'u', 23: 'a', 24: 'p', 254: 'm'}
	letter, ok := letters[kind]
	if !ok {
		letter = 'z'
	}
	switch kind {
	case 1:
		f.client = dir
		f.clientHello(b)
	case 2:
		f.client = 1 - dir
		if f.serverHello(b); f.retry {
			letter, f.retry = 'j', false
		}
	case 11:
		certs := certificates(b)
		if dir == f.client {
			f.row.ClientCerts = certs
		} else {
			f.row.Certificates = certs
		}
	case 13:
		f.row.RequestCerts = true
	case 16:
		f.keySent = true
	}
	f.letter(dir, letter)
}

// miss gives up a handshake of which bytes are missing.
func (f *tlsFlow) miss(t *Tables, c *conn, dir int, n uint64) {
	d := &f.dirs[dir]
	if uint64(d.skip) >= n {
		d.skip -= int(n)
		return
	}
	f.row.Cut = true
	f.end(t, c)
}

// end writes the row, once.
func (f *tlsFlow) end(t *Tables, c *conn) {
	if f.done {
		return
	}
	f.done = true
	c.app.tls = nil
	if f.row.History == "" && !f.row.QUIC {
		return
	}
	f.row.Ends = t.ends(c, f.at)
	t.tls.add(f.at, &f.row)
	server := c.sum.resp
	if f.client == 1 {
		server = c.sum.orig
	}
	if !c.app.proxy {
		t.nameOf(server, strings.ToLower(string(f.row.ServerName)))
	}
}

// certificates reads a Certificate message of TLS up to 1.2.
func certificates(b []byte) (rows []CertRow) {
	if len(b) < 3 {
		return nil
	}
	for b = b[3:]; len(b) > 3 && len(rows) < maxCerts; {
		n := int(be32(b) >> 8)
		if n == 0 || 3+n > len(b) {
			break
		}
		rows = append(rows, certificate(b[3:3+n]))
		b = b[3+n:]
	}
	return rows
}

func certificate(der []byte) (row CertRow) {
	sum := sha256.Sum256(der)
	row.SHA256 = hex.EncodeToString(sum[:])
	defer func() {
		if r := recover(); r != nil {
			row.Error = fmt.Sprint("cannot be read: ", r)
		}
	}()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		row.Error = err.Error()
		return row
	}
	row.Subject, row.Issuer = jsonl.Text(cert.Subject.String()), jsonl.Text(cert.Issuer.String())
	row.Serial = cert.SerialNumber.Text(16)
	const form = "2006-01-02T15:04:05.000000000Z"
	row.NotBefore, row.NotAfter = cert.NotBefore.UTC().Format(form), cert.NotAfter.UTC().Format(form)
	for _, name := range cert.DNSNames {
		if len(row.Names) < maxNames {
			row.Names = append(row.Names, jsonl.Text(name))
		}
	}
	for _, address := range cert.IPAddresses {
		if len(row.Names) < maxNames {
			row.Names = append(row.Names, jsonl.Text(address.String()))
		}
	}
	return row
}
