// Program attacker has an enrolled endpoint in his hand and tries what he can: to read
// and write what is others', to send jobs, to enrol with a token that was used. Each
// attempt is one line; the exit code is 1 if any of them succeeded.
//
//	attacker -state DIR -victim STATE-DIR -token USED -listen 10s
//
// The victim's directory tells him whom to aim at; its secret key he does not read.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"hozen/packager"
	"hozen/service/protocol"
	"hozen/service/remote"
)

// run is one attack: its connection, and what came of it.
type run struct {
	conn         *nats.Conn
	own, victim  remote.Hub
	denied       chan error
	won          int
	subscription []*nats.Subscription
}

func main() {
	state := flag.String("state", "", "of his own enrolment")
	victim := flag.String("victim", "", "state directory of another endpoint")
	token := flag.String("token", "", "that was used")
	listen := flag.Duration("listen", 5*time.Second, "how long he listens")
	envelope := flag.String("envelope", "", "file of a job that was sent once")
	flag.Parse()
	r, err := attack(*state, *victim)
	if err != nil {
		fmt.Fprintln(os.Stderr, "attacker:", err)
		os.Exit(2)
	}
	b, err := os.ReadFile(*envelope)
	if err != nil {
		fmt.Fprintln(os.Stderr, "attacker:", err)
		os.Exit(2)
	}
	r.read()
	r.write(b)
	r.ask(b)
	r.enrol(*token)
	r.strangers()
	r.heard(*listen)
	if r.won > 0 {
		os.Exit(1)
	}
}

func attack(state, victim string) (*run, error) {
	own, err := remote.Load(state)
	if err != nil {
		return nil, err
	}
	other, err := remote.Load(victim)
	if err != nil {
		return nil, err
	}
	seed, err := os.ReadFile(filepath.Join(state, "hub.nk"))
	if err != nil {
		return nil, err
	}
	key, err := nkeys.FromSeed(seed)
	if err != nil {
		return nil, err
	}
	r := &run{own: own, victim: other, denied: make(chan error, 100)}
	r.conn, err = dial(own, nats.Nkey(own.ID, key.Sign), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { r.denied <- err }))
	return r, err
}

func dial(h remote.Hub, o ...nats.Option) (*nats.Conn, error) {
	o = append(o, nats.TLSHandshakeFirst(), nats.Secure(&tls.Config{InsecureSkipVerify: true}), nats.NoReconnect(), nats.CustomInboxPrefix(protocol.InboxPrefix+h.ID))
	return nats.Connect("tls://"+h.Addresses[0], o...)
}

func (r *run) say(what string, won bool) {
	verdict := "refused"
	if won {
		verdict = "SUCCEEDED"
		r.won++
	}
	fmt.Printf("attacker: %-60s %s\n", what, verdict)
}

// wasDenied says whether the server answered with a violation.
func (r *run) wasDenied() bool {
	_ = r.conn.FlushTimeout(5 * time.Second)
	select {
	case err := <-r.denied:
		return strings.Contains(strings.ToLower(err.Error()), "permissions violation")
	case <-time.After(500 * time.Millisecond):
		return false
	}
}

func (r *run) read() {
	v := r.victim.ID
	for _, subject := range []string{
		">", "hozen.>", protocol.JobSubject + v, protocol.JobSubject + "*", protocol.ReceiptSubject + v, protocol.StatusSubject + v,
		protocol.PartSubject + v + ".>", protocol.APISubject + ">", protocol.InboxPrefix + v + ".>", "_INBOX.>", "$SYS.>", "$JS.>",
	} {
		s, err := r.conn.SubscribeSync(subject)
		if err == nil {
			r.subscription = append(r.subscription, s)
		}
		r.say("listen to "+subject, err == nil && !r.wasDenied())
	}
}

func (r *run) write(envelope []byte) {
	v := r.victim.ID
	for _, subject := range []string{
		protocol.JobSubject + v, protocol.ReceiptSubject + v, protocol.StatusSubject + v, protocol.ProgressSubject + v, protocol.HelloSubject + v,
		protocol.PartSubject + v + ".pc-1-x.archive", protocol.APISubject + v + ".jobs", protocol.EnrolSubject + v,
		"hozen.kept.status." + v + ".-", "$JS.API.STREAM.DELETE.HOZEN_JOBS", "$SYS.REQ.USER.AUTH", protocol.InboxPrefix + v + ".x",
	} {
		err := r.conn.Publish(subject, envelope)
		r.say("publish to "+subject, err == nil && !r.wasDenied())
	}
}

// ask uses an operator's verbs, which an endpoint does not have; the envelope was sent
// before, so that it is a replay, too.
func (r *run) ask(envelope []byte) {
	for _, verb := range []string{protocol.VerbSend, protocol.VerbStatus, protocol.VerbEndpoints} {
		m, err := r.conn.Request(protocol.APISubject+r.own.ID+"."+verb, envelope, 3*time.Second)
		r.say("ask as an operator: "+verb, err == nil && strings.Contains(string(m.Data), `"error":""`))
	}
	m, err := r.conn.Request(protocol.APISubject+r.own.ID+".resume", []byte(`{"collection":"../../etc","file":"passwd"}`), 3*time.Second)
	r.say("a collection outside the store", err == nil && strings.Contains(string(m.Data), `"error":""`))
	// An answer that is sent to somebody else's inbox would be a message in his name.
	err = r.conn.PublishRequest(protocol.APISubject+r.own.ID+".jobs", protocol.InboxPrefix+r.victim.ID+".x", []byte(`{"after":0}`))
	r.say("have the hub write to another's inbox (looked at below)", err != nil)
}

func (r *run) enrol(token string) {
	dir, err := os.MkdirTemp("", "attacker")
	if err != nil {
		r.say(err.Error(), true)
		return
	}
	defer os.RemoveAll(dir)
	d, err := packager.NewDevice("pc-1", nil)
	if err == nil {
		_, err = remote.Enrol(timeout(20*time.Second), remote.Enrolment{Token: token, Device: d, State: dir})
	}
	r.say("enrol with a token that was used", err == nil)
}

// strangers connect without being enrolled.
func (r *run) strangers() {
	for name, option := range map[string]nats.Option{
		"without a key":             nats.Name("x"),
		"with a password":           nats.UserInfo("admin", "admin"),
		"with a guessed token":      nats.Token("0123456789abcdef"),
		"as the victim, unsigned":   nats.Nkey(r.victim.ID, func([]byte) ([]byte, error) { return make([]byte, 64), nil }),
		"with a key of nobody here": fresh(),
	} {
		c, err := dial(r.own, option)
		if err == nil {
			c.Close()
		}
		r.say("connect "+name, err == nil)
	}
}

func fresh() nats.Option {
	key, err := nkeys.CreateUser()
	if err != nil {
		return nats.Name("x")
	}
	id, err := key.PublicKey()
	if err != nil {
		return nats.Name("x")
	}
	return nats.Nkey(id, key.Sign)
}

// heard says what came in on anything that he listened to.
func (r *run) heard(listen time.Duration) {
	time.Sleep(listen)
	n := 0
	for _, s := range r.subscription {
		if k, _, err := s.Pending(); err == nil {
			n += k
		}
	}
	r.say(fmt.Sprintf("hear something that is others' in %v: %d messages", listen, n), n > 0)
}

func timeout(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	time.AfterFunc(d, cancel)
	return ctx
}
