package cipher

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// A vector is one file of age's test kit.
type vector struct {
	expect, payload string
	ids             []age.Identity
	armored         bool
	file            []byte
}

func readVector(t *testing.T, file string) (v vector) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	packed := false
	for {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		if !ok {
			t.Fatalf("%s: no payload", file)
		}
		if b = rest; len(line) == 0 {
			break
		}
		key, value, _ := bytes.Cut(line, []byte(": "))
		switch text := string(value); string(key) {
		case "expect":
			v.expect = text
		case "payload":
			v.payload = text
		case "identity":
			ids, err := Identities(append(value, '\n'), nil)
			if err != nil {
				t.Fatal(err)
			}
			v.ids = append(v.ids, ids...)
		case "passphrase":
			id, err := age.NewScryptIdentity(text)
			if err != nil {
				t.Fatal(err)
			}
			v.ids = append(v.ids, id)
		case "armored":
			v.armored = true
		case "compressed":
			packed = true
		case "file key", "comment":
		default:
			t.Fatalf("%s: %q is unknown", file, key)
		}
	}
	if v.file = b; packed {
		z, err := zlib.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if v.file, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// strictly reads a file as age does: up to the first chunk that is not right.
func strictly(file []byte, ids []age.Identity) (plain []byte, err error) {
	r, err := Open(bytes.NewReader(file), int64(len(file)), ids)
	if err != nil {
		return nil, err
	}
	if plain, err = io.ReadAll(io.NewSectionReader(r, 0, r.Size())); err != nil {
		return nil, err
	}
	if at := r.FailedAt(); at >= 0 {
		return plain[:at], r.Err()
	}
	if r.End() != int64(len(file)) {
		return plain, ErrPayload
	}
	if !r.Whole() {
		return plain[:len(plain)/ChunkSize*ChunkSize], r.Err()
	}
	return plain, nil
}

// Age's own test kit is accepted and refused as it says.
func TestAgeTestKit(t *testing.T) {
	files, err := filepath.Glob("testdata/age-testkit/*")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			v := readVector(t, file)
			if v.armored {
				b, err := io.ReadAll(armor.NewReader(bytes.NewReader(v.file)))
				if err != nil {
					if v.expect != "armor failure" {
						t.Fatalf("expect %s, got %v", v.expect, err)
					}
					return
				}
				v.file = b
			}
			plain, err := strictly(v.file, v.ids)
			want := map[string]error{
				"success": nil, "no match": ErrIdentity, "HMAC failure": ErrHeader, "header failure": ErrHeader, "payload failure": ErrPayload,
			}
			w, known := want[v.expect]
			if !known || !errors.Is(err, w) {
				t.Fatalf("expect %s, got %v", v.expect, err)
			}
			if sum := sha256.Sum256(plain); v.payload != "" && err == nil && hex.EncodeToString(sum[:]) != v.payload {
				t.Errorf("payload of %d bytes has another hash", len(plain))
			}
		})
	}
}
