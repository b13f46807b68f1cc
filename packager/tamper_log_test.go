package packager

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"hozen/packager/signed"
)

func lines(log []byte) [][]byte { return bytes.SplitAfter(bytes.TrimSuffix(log, nil), []byte("\n")) }

// editedLog changes the lines of a log.
func editedLog(name string, want Verdict, edit func(l [][]byte) [][]byte) tamper {
	return tamper{name, want, func(_ *testing.T, w *world, c *change) {
		l := lines(w.log)
		c.o.Log = append([]byte{}, bytes.Join(edit(l[:len(l)-1]), nil)...)
	}}
}

// signedLog makes the log anew from its events, each signed by who has the device key.
func signedLog(t *testing.T, w *world, key Device, edit func(events []Event) []Event) []byte {
	t.Helper()
	events, _, err := readLog(w.log)
	if err != nil {
		t.Fatal(err)
	}
	var b logFile
	l := &custodyLog{file: &b, began: testTime, base: Event{Collection: testOptions(t, "").ID, Actor: "device:" + key.Name}}
	for _, e := range edit(events) {
		if err := l.append(deviceBy(t, key), testTime, e); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func deviceBy(t *testing.T, d Device) signed.Signer {
	t.Helper()
	by, err := d.by()
	if err != nil {
		t.Fatal(err)
	}
	return by
}

type logFile struct{ bytes.Buffer }

func (*logFile) Sync() error  { return nil }
func (*logFile) Close() error { return nil }

// appended adds an event to the log, signed by d.
func appended(t *testing.T, w *world, d Device, e Event) []byte {
	t.Helper()
	l := lines(w.log)
	n := len(l) - 1
	var b logFile
	b.Write(w.log)
	lg := &custodyLog{file: &b, began: testTime, seq: n, prev: signed.HexSum(bytes.TrimSuffix(l[n-1], []byte("\n"))),
		base: Event{Collection: testOptions(t, "").ID, Actor: "device:" + d.Name}}
	if err := lg.append(deviceBy(t, d), testTime, e); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func logTampers() []tamper {
	return []tamper{
		{"half-written last line of the log", Valid, func(_ *testing.T, w *world, c *change) {
			c.o.Log = append(bytes.Clone(w.log), `{"payload":"{\"type\":\"hozen/ev`...)
		}},
		editedLog("newest log events cut off", Valid, func(l [][]byte) [][]byte { return l[:3] }),
		editedLog("last log line without its newline", Valid, func(l [][]byte) [][]byte {
			l[len(l)-1] = bytes.TrimSuffix(l[len(l)-1], []byte("\n"))
			return l
		}),
		{"empty log", Invalid, func(_ *testing.T, w *world, c *change) { c.o.Log = []byte{} }},
		{"log of another collection", Invalid, func(_ *testing.T, w *world, c *change) { c.o.Log = w.otherLog }},
		editedLog("log event edited", Invalid, func(l [][]byte) [][]byte {
			l[1] = bytes.Replace(l[1], []byte("mono_ns"), []byte("mono_nz"), 1)
			return l
		}),
		editedLog("log time edited", Invalid, func(l [][]byte) [][]byte {
			l[1] = bytes.Replace(l[1], []byte(`"wall\":\"20`), []byte(`"wall\":\"19`), 1)
			return l
		}),
		editedLog("first log event deleted", Invalid, func(l [][]byte) [][]byte { return l[1:] }),
		editedLog("log event deleted", Invalid, func(l [][]byte) [][]byte { return append(l[:2:2], l[3:]...) }),
		editedLog("log events reordered", Invalid, func(l [][]byte) [][]byte {
			l[1], l[2] = l[2], l[1]
			return l
		}),
		editedLog("log event twice", Invalid, func(l [][]byte) [][]byte { return append(l[:2:2], l[1:]...) }),
		editedLog("space in a log line", Invalid, func(l [][]byte) [][]byte {
			l[1] = append([]byte(" "), l[1]...)
			return l
		}),
		editedLog("empty line in the log", Invalid, func(l [][]byte) [][]byte { return append([][]byte{[]byte("\n")}, l...) }),
		editedLog("garbage line in the log", Invalid, func(l [][]byte) [][]byte { return append(l, []byte("garbage\n")) }),
		{"log made anew by the device", Invalid, func(t *testing.T, w *world, c *change) {
			// Events of checkpoints are signed by the session keys, which are gone.
			c.o.Log = signedLog(t, w, w.device, func(e []Event) []Event { return e })
		}},
		{"log made anew by a stranger", Invalid, func(t *testing.T, w *world, c *change) {
			c.o.Log = signedLog(t, w, newDevice(t, "pc-42"), func(e []Event) []Event { return e })
		}},
		{"archive changed after sealing and the log amended", Invalid, func(t *testing.T, w *world, c *change) {
			c.archive = append(c.archive, make([]byte, 16)...)
			c.o.Log = appended(t, w, w.device, Event{Event: eventSealed, Object: EventObject{Name: "x", Bytes: int64(len(c.archive)), SHA256: signed.HexSum(c.archive)}})
		}},
		{"log says sealed by a stranger in the device's name", Invalid, func(t *testing.T, w *world, c *change) {
			l := lines(w.log)
			short := *w
			short.log = bytes.Join(l[:len(l)-2], nil)
			c.o.Log = appended(t, &short, newDevice(t, w.device.Name), Event{Event: eventSealed,
				Object: EventObject{Name: "x", Bytes: int64(len(w.archive)), SHA256: signed.HexSum(w.archive)}})
		}},
		{"log event by an unknown key", UntrustedSigner, func(t *testing.T, w *world, c *change) {
			c.o.Log = appended(t, w, newDevice(t, "nobody"), Event{Event: "received"})
		}},
		{"log event by a known key", Valid, func(t *testing.T, w *world, c *change) {
			c.o.Log = appended(t, w, w.device, Event{Event: "received"})
		}},
		{"log event of bob as alice", UntrustedSigner, func(t *testing.T, w *world, c *change) {
			// The agreement called this INVALID. But two devices of one name, or a device that
			// got a new key, look the same: the signature holds, only the name is not believed.
			alice, bob := newDevice(t, "alice"), newDevice(t, "bob")
			c.o.Trust = trustIn(t, "", w.device, alice, bob)
			c.o.Log = appended(t, w, Device{Name: "alice", Signer: bob.Signer}, Event{Event: "received"})
		}},
		{"log event by who is known by fingerprint", Valid, func(t *testing.T, w *world, c *change) {
			d := newDevice(t, "somebody")
			f, err := d.Fingerprint()
			if err != nil {
				t.Fatal(err)
			}
			c.o.Fingerprints = []string{f}
			c.o.Log = appended(t, w, d, Event{Event: "received"})
		}},
	}
}

// trustIn gives a trust file of devices; edit changes its text.
func trustIn(t *testing.T, old string, devices ...Device) *Trust {
	t.Helper()
	var b strings.Builder
	for _, d := range devices {
		l, err := d.AllowedSigner()
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(l)
	}
	from, to, _ := strings.Cut(old, "→")
	trust, err := ParseTrust(strings.NewReader(strings.ReplaceAll(b.String(), from, to)))
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

func trustTampers() []tamper {
	edited := func(name string, want Verdict, edit string) tamper {
		return tamper{name, want, func(t *testing.T, w *world, c *change) { c.o.Trust = trustIn(t, edit, w.device) }}
	}
	day := func(d int) string { return time.Now().AddDate(0, 0, d).UTC().Format("20060102") + "Z" }
	return []tamper{
		{"unknown device", UntrustedSigner, func(t *testing.T, w *world, c *change) { c.o.Trust = trustIn(t, "", newDevice(t, "pc-42")) }},
		{"no trust file", UntrustedSigner, func(t *testing.T, w *world, c *change) { c.o.Trust = nil }},
		{"empty trust file", UntrustedSigner, func(t *testing.T, w *world, c *change) { c.o.Trust = trustIn(t, "") }},
		edited("key not yet valid", UntrustedSigner, `namespaces=→valid-after="`+day(3)+`",namespaces=`),
		edited("key expired", UntrustedSigner, `namespaces=→valid-before="`+day(-3)+`",namespaces=`),
		edited("key valid now", Valid, `namespaces=→valid-after="`+day(-3)+`",valid-before="`+day(3)+`",namespaces=`),
		edited("key trusted for another namespace", UntrustedSigner, signed.Genesis+`,`+signed.Seal+`→file`),
		edited("key not trusted for seals", UntrustedSigner, `,`+signed.Seal+`→`),
		edited("key of another principal", UntrustedSigner, `device:pc-42→device:pc-43`),
		edited("key of a principal that is excluded", UntrustedSigner, `device:pc-42→device:*,!device:pc-42`),
		edited("key of any device", Valid, `device:pc-42→device:*`),
		edited("key as a certificate authority", UntrustedSigner, `namespaces=→cert-authority,namespaces=`),
		{"fingerprint on paper", Valid, func(t *testing.T, w *world, c *change) {
			f, err := w.device.Fingerprint()
			if err != nil {
				t.Fatal(err)
			}
			c.o = VerifyOptions{Fingerprints: []string{"SHA256:other", f}}
		}},
		{"another fingerprint on paper", UntrustedSigner, func(t *testing.T, w *world, c *change) {
			c.o = VerifyOptions{Fingerprints: []string{"SHA256:other"}}
		}},
		{"cut and no trust", UntrustedSigner, func(_ *testing.T, w *world, c *change) {
			c.archive, c.o.Trust = joinFrames(w.frames[:w.of(frameMarker)[1]+1]), nil
		}},
		{"flipped and no trust", Invalid, func(_ *testing.T, w *world, c *change) {
			c.archive[2000] ^= 1
			c.o.Trust = nil
		}},
	}
}
