package remote

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
	"hozen/service/protocol"
)

// FuzzAcknowledgement gives an upload any answer: it never counts more as arrived than
// was sent, nor goes back, and what it keeps is without a gap.
func FuzzAcknowledgement(f *testing.F) {
	f.Add("0", []byte(`{"error":"","seq":1,"offset":20,"wait_s":0}`))
	f.Add("10", []byte(`{"error":"full","seq":0,"offset":10,"wait_s":3600}`))
	f.Add("10", []byte(`{"error":"","seq":1,"offset":-1,"wait_s":0}`))
	f.Add("0", []byte(`{"error":"","seq":1,"offset":9223372036854775807,"wait_s":0}`))
	f.Fuzz(func(t *testing.T, token string, b []byte) {
		u := &upload{box: "box", acked: 10, next: 40, size: firstPart, most: 1}
		for at := int64(10); at < 40; at += 10 {
			u.parts = append(u.parts, part{offset: at, data: make([]byte, 10)})
		}
		wait, err := u.take(&nats.Msg{Subject: "box." + token, Data: b})
		if wait < 0 || wait > 60e9 || err == nil && wait > 0 {
			t.Errorf("waits %v, %v", wait, err)
		}
		if u.acked < 10 || u.acked > u.next || u.next != 40 {
			t.Errorf("acknowledged up to %d of %d", u.acked, u.next)
		}
		at := u.acked
		for _, p := range u.parts {
			if p.offset != at {
				t.Errorf("a gap at %d", at)
			}
			at = p.end()
		}
		if at != 40 {
			t.Errorf("kept up to %d", at)
		}
	})
}

// FuzzReceipt gives a hub's receipt with one piece replaced: nothing is taken but what
// the key signed.
func FuzzReceipt(f *testing.F) {
	_, key, err := ed25519.GenerateKey(strings.NewReader(strings.Repeat("seed", 16)))
	if err != nil {
		f.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		f.Fatal(err)
	}
	payload, err := signed.Encode(protocol.Receipt{Type: protocol.ReceiptType, Collection: "c", Verdict: "VALID"})
	if err != nil {
		f.Fatal(err)
	}
	sig, err := signed.Sign(key, signed.Receipt, payload)
	if err != nil {
		f.Fatal(err)
	}
	h := Hub{HubKey: signed.PublicText(pub)}
	f.Add(string(payload), string(sig))
	f.Add(string(payload)+" ", string(sig))
	f.Add("{}\n", "")
	f.Fuzz(func(t *testing.T, p, s string) {
		r, err := OpenReceipt(h, protocol.SignedReceipt{Payload: p, Sig: s})
		if err == nil && (p != string(payload) || r.Verdict != "VALID") {
			t.Errorf("taken: %q %q", p, s)
		}
	})
}

// FuzzJobs gives the answer that jobs come in: what is taken goes forward only.
func FuzzJobs(f *testing.F) {
	f.Add([]byte(`{"error":"","stream":"one","last":12,"jobs":[{"seq":11,"envelope":"{}"},{"seq":12,"envelope":""}],"more":true}`))
	f.Add([]byte(`{"jobs":[{"seq":18446744073709551615}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a protocol.JobsAnswer
		if protocol.Decode(b, &a) != nil || checkJobs(a, 10) != nil {
			return
		}
		after := uint64(10)
		for _, q := range a.Jobs {
			if q.Seq <= after || q.Seq > a.Last {
				t.Fatalf("%d behind %d", q.Seq, after)
			}
			after = q.Seq
		}
	})
}
