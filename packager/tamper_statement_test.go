package packager

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"hozen/packager/signed"
)

// lying is a tamper case in which the second segment of an archive, its end, or
// its seal was made otherwise by somebody who has the keys that the case names.
func lying(name string, second, last, seal lie) tamper {
	return tamper{name, Invalid, func(t *testing.T, w *world, c *change) {
		f := newForge(t, w.device)
		f.member("data/a.txt", "evidence\n")
		f.checkpoint("open", lie{})
		f.member("data/b.txt", "more\n")
		f.checkpoint("open", second)
		f.member("data/c.txt", "most\n")
		c.archive = f.seal(last, seal)
	}}
}

func stranger() *sessionKey {
	k, err := newSessionKey(nil)
	if err != nil {
		panic(err) // no randomness: nothing can be tested
	}
	return k
}

func rewrap(width int) func([]byte) []byte {
	return func(sig []byte) []byte {
		body := strings.TrimSuffix(strings.TrimPrefix(string(sig), signed.ArmorBegin), signed.ArmorEnd)
		body = strings.ReplaceAll(body, "\n", "")
		var b strings.Builder
		b.WriteString(signed.ArmorBegin)
		for len(body) > 0 {
			n := min(width, len(body))
			b.WriteString(body[:n] + "\n")
			body = body[n:]
		}
		return []byte(b.String() + signed.ArmorEnd)
	}
}

// longer adds bytes behind the inner signature, which ssh's own check does not look at.
func longer(sig []byte) []byte {
	body := strings.TrimSuffix(strings.TrimPrefix(string(sig), signed.ArmorBegin), signed.ArmorEnd)
	blob, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
	if err != nil {
		return nil
	}
	at := len(blob) - 83 - 4 // string of 83 bytes: "ssh-ed25519" and 64 bytes, each with its length
	inner := append(bytes.Clone(blob[at+4:]), "rest"...)
	return signed.Armor(append(blob[:at:at], ssh.Marshal(struct{ B []byte }{inner})...))
}

func setStatement(change func(*Checkpoint)) lie { return lie{change: change} }

func statementTampers() []tamper {
	other := strings.Repeat("ab", 32)
	none := lie{}
	list := []tamper{
		lying("statement signed by a stranger", lie{signer: stranger()}, none, none),
		lying("statement by a stranger who names himself", func() lie {
			k := stranger()
			return lie{signer: k, change: func(c *Checkpoint) { c.Key = k.public }}
		}(), none, none),
		lying("statement of another namespace", lie{namespace: signed.Seal}, none, none),
		lying("statement in re-wrapped armor", lie{armor: rewrap(64)}, none, none),
		lying("armor of one line", lie{armor: rewrap(1000)}, none, none),
		lying("armor with spaces", lie{armor: func(b []byte) []byte { return append(b, ' ') }}, none, none),
		lying("bytes behind the inner signature", lie{armor: longer}, none, none),
		lying("statement of another collection", setStatement(func(c *Checkpoint) { c.Collection = "pc-43-20261121t090000z-3fa9c1" }), none, none),
		lying("statement number wrong", setStatement(func(c *Checkpoint) { c.Seq++ }), none, none),
		lying("statement after another", setStatement(func(c *Checkpoint) { c.Prev = other }), none, none),
		lying("statement about another manifest", setStatement(func(c *Checkpoint) { c.Manifest.SHA256 = other }), none, none),
		lying("statement about more entries", setStatement(func(c *Checkpoint) { c.Entries++ }), none, none),
		lying("statement about another tree", setStatement(func(c *Checkpoint) { c.Tree.Root = other }), none, none),
		lying("statement about other bytes", setStatement(func(c *Checkpoint) { c.Archive.SHA256 = other }), none, none),
		lying("statement about other tar bytes", setStatement(func(c *Checkpoint) { c.TarBytes += 512 }), none, none),
		lying("statement of another version", setStatement(func(c *Checkpoint) { c.Type = "hozen/checkpoint/2" }), none, none),
		lying("status unknown", setStatement(func(c *Checkpoint) { c.Status = "closed" }), none, none),
		lying("sealing in the middle", setStatement(func(c *Checkpoint) { c.Status = "sealing" }), none, none),
		lying("next key no key", setStatement(func(c *Checkpoint) { c.NextKey = "ssh-ed25519 AAAA" }), none, none),
		lying("next key with a comment", setStatement(func(c *Checkpoint) { c.NextKey += " me" }), none, none),
		lying("segment without records", lie{noRecords: true}, none, none),
		lying("segment with a shorter manifest", lie{manifest: new(string)}, none, none),
		lying("last checkpoint not sealing", none, setStatement(func(c *Checkpoint) { c.Status = "open" }), none),
		lying("seal edited", none, none, lie{seal: func(s *Seal) { s.Checkpoints++ }}),
		lying("seal with another status", none, none, lie{seal: func(s *Seal) { s.Status = "whole" }}),
		lying("seal with another root", none, none, lie{seal: func(s *Seal) { s.Tree.Root = other }}),
		lying("seal with another genesis", none, none, lie{seal: func(s *Seal) { s.Genesis = other }}),
		lying("seal signed by a stranger", none, none, lie{signer: stranger()}),
		lying("seal by another device", none, none, lie{device: &Device{Name: "pc-42", Signer: stranger().private}}),
		lying("seal of another namespace", none, none, lie{namespace: signed.Checkpoint}),
		lying("seal in re-wrapped armor", none, none, lie{armor: rewrap(64)}),
		lying("bytes behind the seal's inner signature", none, none, lie{armor: longer}),
		lying("extra member in the seal", none, none, lie{extra: []member{{"data/planted", []byte("evil")}}}),
		lying("bytes after the end of the seal", none, none, lie{rest: make([]byte, 512)}),
		lying("member after the end of the seal", none, none, lie{rest: header(forgedID+"/data/planted", 0, testTime.Unix())}),
		lying("seal names another seek table", none, none, lie{seal: func(s *Seal) { s.SeekTable.SHA256 = other }}),
		lying("sealed without the bag's manifest", none, none, lie{skip: map[string]bool{nameManifest: true}}),
		lying("sealed without the index", none, none, lie{skip: map[string]bool{nameIndex: true}}),
		lying("sealed without the tag manifest", none, none, lie{skip: map[string]bool{nameTagManifest: true}}),
	}
	return append(list, keyTampers()...)
}

// keyTampers are about who may sign what.
func keyTampers() []tamper {
	return []tamper{
		{"device key where a session key was announced", Invalid, func(t *testing.T, w *world, c *change) {
			k := &sessionKey{private: w.device.Signer}
			pub, err := w.device.Public()
			if err != nil {
				t.Fatal(err)
			}
			k.public = signed.PublicText(pub)
			lying("", lie{signer: k, change: func(s *Checkpoint) { s.Key = k.public }}, lie{}, lie{}).do(t, w, c)
		}},
		announcing("device key announced and used", Valid, func(f *forge, device *sessionKey) { f.key = device }),
		announcing("session key where the device key was announced", Invalid, func(f *forge, _ *sessionKey) { f.key = f.fresh() }),
		announcing("device key used once more than it was announced", Invalid, func(f *forge, device *sessionKey) {
			f.key = device
			f.checkpoint("open", lie{})
			f.key = device
		}),
		{"root with key k+1 rewrites segment k", Invalid, func(t *testing.T, w *world, c *change) {
			f := newForge(t, w.device)
			f.member("data/a.txt", "evidence\n")
			f.checkpoint("open", lie{})
			honest := *f // who takes the host over now has key 2, and would rewrite segment 1
			f.checkpoint("open", lie{})
			g := newForge(t, w.device, func(g *Genesis) {})
			copyGenesis(t, g, &honest)
			g.member("data/a.txt", "cleaned!\n")
			g.checkpoint("open", lie{signer: honest.key})
			c.archive = g.finish()
		}},
		{"genesis signed by another device", Invalid, func(t *testing.T, w *world, c *change) {
			f := bareForge(t, newDevice(t, "pc-42"))
			f.member(nameBagit, "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
			pub, err := w.device.Public()
			if err != nil {
				t.Fatal(err)
			}
			f.genesis(func(g *Genesis) { g.DeviceKey = signed.PublicText(pub) })
			f.checkpoint("open", lie{})
			c.archive = f.finish()
			// Nothing in it is authentic, but it is no ruin either: markers stand in it.
		}},
		{"genesis of another collection", Invalid, func(t *testing.T, w *world, c *change) {
			f := newForge(t, w.device, func(g *Genesis) { g.Collection = "pc-43-20261121t090000z-3fa9c1" })
			f.checkpoint("open", lie{})
			c.archive = f.finish()
		}},
		{"genesis of another version", Invalid, func(t *testing.T, w *world, c *change) {
			f := newForge(t, w.device, func(g *Genesis) { g.Type = "hozen/genesis/2" })
			f.checkpoint("open", lie{})
			c.archive = f.finish()
		}},
		{"genesis of another time than the members", Invalid, func(t *testing.T, w *world, c *change) {
			f := newForge(t, w.device, func(g *Genesis) { g.Epoch++ })
			f.checkpoint("open", lie{})
			c.archive = f.finish()
		}},
	}
}

// announcing makes an archive whose checkpoint 2 announces the device key, as a
// blackout does; then decides who signs what follows.
func announcing(name string, want Verdict, then func(f *forge, device *sessionKey)) tamper {
	return tamper{name, want, func(t *testing.T, w *world, c *change) {
		device, err := sessionKeyOf(w.device.Signer)
		if err != nil {
			t.Fatal(err)
		}
		f := newForge(t, w.device)
		f.member("data/a.txt", "evidence\n")
		f.checkpoint("open", lie{})
		f.member("data/b.txt", "more\n")
		f.checkpoint("open", setStatement(func(s *Checkpoint) { s.NextKey = device.public }))
		f.member("data/memory/image", "taken in the dark\n")
		then(f, device)
		f.checkpoint("open", lie{})
		f.member("data/c.txt", "most\n")
		c.archive = f.finish()
	}}
}

// copyGenesis gives g the beginning and the first key of an honest archive, as a
// copy of the file has it; its private key is not in the file.
func copyGenesis(t *testing.T, g, honest *forge) {
	t.Helper()
	first := framesOf(t, honest.out)[0]
	plain := plainOf(t, first)
	end := bytes.Index(plain, []byte(forgedID+"/data/a.txt"))
	g.tar, g.gen, g.prev = bytes.Clone(plain[:end]), honest.gen, honest.gen
	g.seg = g.seg[:0]
	g.n, g.tree = 0, tree{}
	for _, b := range g.lists {
		b.Reset()
	}
	list, _, err := storedMembers(g.tar, g.epoch, g.id)
	if err != nil {
		t.Fatal(err)
	}
	var first1 Genesis
	if err := signed.Decode(list[1].body, &first1); err != nil {
		t.Fatal(err)
	}
	g.key = &sessionKey{private: honest.key.private, public: first1.FirstKey}
	for _, m := range list {
		g.account(signed.HexSum(m.body) + "  " + m.name)
	}
}
