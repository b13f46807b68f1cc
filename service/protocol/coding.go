package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// ErrMessage is wrapped by every refusal of a message for its form.
var ErrMessage = errors.New("message")

// Encode gives a message as one line of JSON, without the newline. An error says that
// it is longer than MaxMessage.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	if b.Len()-1 > MaxMessage {
		return nil, fmt.Errorf("%w of %d bytes: over %d", ErrMessage, b.Len()-1, MaxMessage)
	}
	return b.Bytes()[:b.Len()-1], nil
}

// Decode reads one message into v, a pointer. It refuses what is over MaxMessage, has an
// unknown field, or has anything behind the object.
func Decode(b []byte, v any) error {
	if len(b) > MaxMessage {
		return fmt.Errorf("%w of %d bytes: over %d", ErrMessage, len(b), MaxMessage)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: more than one object", ErrMessage)
	}
	return nil
}

// Files of a collection, as a part's subject and a ResumeRequest name them.
const (
	FileArchive = "archive"
	FileLog     = "log"
)

var collectionID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{3,62}$`)

// CheckCollection says why a text is not the id of a collection. An id is one token of a
// subject, and a file name everywhere.
func CheckCollection(id string) error {
	if !collectionID.MatchString(id) {
		return fmt.Errorf("collection %.80q: want 4 to 63 of a-z, 0-9 and dashes", id)
	}
	return nil
}

// FileOf gives the collection that a file belongs to by its name, and which of its files it is:
// <id>.tar.zst and <id>.tar.zst.age are its archive, <id>.incomplete.tar.zst one that was
// interrupted, <id>.custody.jsonl is its log.
func FileOf(name string) (collection, file string, err error) {
	id, rest, _ := strings.Cut(name, ".")
	if err := CheckCollection(id); err != nil {
		return "", "", fmt.Errorf("file %.80q: %w", name, err)
	}
	switch rest {
	case "tar.zst", "tar.zst.age", "incomplete.tar.zst", "incomplete.tar.zst.age":
		return id, FileArchive, nil
	case "custody.jsonl":
		return id, FileLog, nil
	}
	return "", "", fmt.Errorf("file %.80q: neither an archive nor a custody log", name)
}

// Lasting says whether an event of `collect --json` tells if the machine may be switched
// off, or how the collection ended: it is not passed over for a newer one.
func Lasting(event string) bool {
	name := eventName(event)
	return Safety(event) || name == "result" || name == "error"
}

// Safety says whether an event of `collect --json` tells if the machine may be switched off.
func Safety(event string) bool {
	switch eventName(event) {
	case "volatile_safe", "incomplete", "unlocked_disk", "output_in_memory":
		return true
	}
	return false
}

func eventName(event string) string {
	var e struct {
		Event string `json:"event"`
	}
	if json.Unmarshal([]byte(event), &e) != nil {
		return ""
	}
	return e.Event
}
