package protocol

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// examples are the types whose examples PROTOCOL.md must have.
func examples() map[string]any {
	return map[string]any{
		"Ack": &Ack{}, "Token": &Token{}, "Enrolment": &Enrolment{}, "EnrolStatement": &EnrolStatement{}, "EnrolAnswer": &EnrolAnswer{},
		"JobsRequest": &JobsRequest{}, "JobsAnswer": &JobsAnswer{}, "SendAnswer": &SendAnswer{}, "StatusRequest": &StatusRequest{},
		"StatusAnswer": &StatusAnswer{}, "EndpointsRequest": &EndpointsRequest{}, "EndpointsAnswer": &EndpointsAnswer{}, "Progress": &Progress{}, "ResumeRequest": &ResumeRequest{},
		"ResumeAnswer": &ResumeAnswer{}, "CommitRequest": &CommitRequest{}, "CommitAnswer": &CommitAnswer{}, "ReceiptRequest": &ReceiptRequest{},
		"ReceiptAnswer": &ReceiptAnswer{}, "Receipt": &Receipt{}, "Hello": &Hello{},
	}
}

// TestExamples reads every example of PROTOCOL.md as its type, and has each type once
// at least: field for field and in the order of the text.
func TestExamples(t *testing.T) {
	text, err := os.ReadFile("../PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile("(?s)```json ([A-Za-z]+)\n(.*?)\n```").FindAllStringSubmatch(string(text), -1) {
		like, ok := examples()[m[1]]
		if !ok {
			continue // of another package
		}
		seen[m[1]] = true
		v := reflect.New(reflect.TypeOf(like).Elem()).Interface()
		if err := Decode([]byte(m[2]), v); err != nil {
			t.Errorf("%s: %v", m[1], err)
			continue
		}
		if again, err := Encode(v); err != nil || string(again) != m[2] {
			t.Errorf("%s: a field is missing or at another place:\n%s\n%s, %v", m[1], m[2], again, err)
		}
	}
	for name := range examples() {
		if !seen[name] {
			t.Errorf("PROTOCOL.md has no example of %s", name)
		}
	}
}

// What a device may be said to be is written down, word for word and in the same order.
func TestStates(t *testing.T) {
	text, err := os.ReadFile("../PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile("(?m)^`state` of a device is (.*)$").FindStringSubmatch(string(text))
	if said == nil {
		t.Fatal("PROTOCOL.md does not say what `state` may be")
	}
	var words []string
	for _, m := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(said[1], -1) {
		words = append(words, m[1])
	}
	if !slices.Equal(words, States()) {
		t.Errorf("PROTOCOL.md has %v, the code %v", words, States())
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, b := range []string{
		``, `[]`, `{"after":1,"more":2}`, `{"after":1}{}`, `{"after":1} x`, `{"after":-1}`, `{"after":"1"}`,
		`{"after":1,"x":"` + strings.Repeat("x", MaxMessage) + `"}`,
	} {
		if err := Decode([]byte(b), &JobsRequest{}); err == nil {
			t.Errorf("%.60q is taken", b)
		}
	}
	if _, err := Encode(QueuedJob{Envelope: strings.Repeat("x", MaxMessage)}); err == nil {
		t.Error("a message over the limit is made")
	}
}

func token() Token {
	return Token{
		Addresses: []string{"127.0.0.1:4222", "[::1]:4222"}, Name: "hub.example", CA: strings.Repeat("ab", 32),
		HubKey: "SHA256:" + strings.Repeat("A", 43), Secret: "0123456789abcdef", Role: RoleEndpoint,
	}
}

func TestToken(t *testing.T) {
	want := token()
	if got, err := ParseToken(" " + want.String() + "\n"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, change := range map[string]func(*Token){
		"no address":     func(t *Token) { t.Addresses = nil },
		"a name":         func(t *Token) { t.Addresses[0] = "hub.example:4222" },
		"no port":        func(t *Token) { t.Addresses[0] = "127.0.0.1" },
		"port 0":         func(t *Token) { t.Addresses[0] = "127.0.0.1:0" },
		"another form":   func(t *Token) { t.Addresses[1] = "[0::1]:4222" },
		"twice":          func(t *Token) { t.Addresses[1] = t.Addresses[0] },
		"many":           func(t *Token) { t.Addresses = make([]string, 17) },
		"server name":    func(t *Token) { t.Name = "a b" },
		"ca":             func(t *Token) { t.CA = strings.ToUpper(t.CA) },
		"short ca":       func(t *Token) { t.CA = t.CA[2:] },
		"hub key":        func(t *Token) { t.HubKey = "MD5:00" },
		"short secret":   func(t *Token) { t.Secret = "short" },
		"secret newline": func(t *Token) { t.Secret += "\n" },
		"role":           func(t *Token) { t.Role = "root" },
	} {
		bad := token()
		change(&bad)
		if _, err := ParseToken(bad.String()); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, text := range []string{"", "hozen-enrol-2." + want.String()[len(TokenPrefix):], want.String() + "=", want.String() + strings.Repeat("A", MaxToken)} {
		if _, err := ParseToken(text); err == nil {
			t.Errorf("%.40q: taken", text)
		}
	}
}

func TestFileOf(t *testing.T) {
	for name, want := range map[string]string{
		"pc-1-20261122t054100z-1a2b3c.tar.zst":            FileArchive,
		"pc-1-20261122t054100z-1a2b3c.tar.zst.age":        FileArchive,
		"pc-1-20261122t054100z-1a2b3c.incomplete.tar.zst": FileArchive,
		"pc-1-20261122t054100z-1a2b3c.custody.jsonl":      FileLog,
		"pc-1-20261122t054100z-1a2b3c":                    "",
		"pc-1.zip":                                        "",
		"../x.tar.zst":                                    "",
		"a*>.tar.zst":                                     "",
		".tar.zst":                                        "",
	} {
		id, file, err := FileOf(name)
		if file != want || (err == nil) != (want != "") || err == nil && !strings.HasPrefix(name, id+".") {
			t.Errorf("%s: %q %q %v", name, id, file, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add(token().String())
	f.Add(TokenPrefix + "e30")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseToken(text)
		if err != nil {
			return
		}
		if again, err := ParseToken(got.String()); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%q: %+v, again %+v, %v", text, got, again, err)
		}
	})
}

// FuzzMessages gives each type anything that came over the network: what is taken can be
// written, and is the same when it is read again.
func FuzzMessages(f *testing.F) {
	for _, v := range examples() {
		b, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, like := range examples() {
			v := reflect.New(reflect.TypeOf(like).Elem()).Interface()
			if Decode(b, v) != nil {
				continue
			}
			once, err := Encode(v)
			if err != nil {
				continue // over the limit when written: bytes that are not UTF-8 grow
			}
			w := reflect.New(reflect.TypeOf(like).Elem()).Interface()
			if err := Decode(once, w); err != nil {
				t.Fatalf("%s: %q: %v", name, once, err)
			}
			if twice, err := Encode(w); err != nil || !bytes.Equal(once, twice) {
				t.Fatalf("%s: %q, then %q, %v", name, once, twice, err)
			}
		}
	})
}
