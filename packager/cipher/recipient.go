package cipher

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"hozen/packager/text"
)

// MaxRecipients is to how many an archive can be encrypted; with the longest of them
// (post-quantum, 1,960 bytes) the genesis statement that names them still has room.
const MaxRecipients = 16

// ErrMixed says that post-quantum recipients stand beside others: whoever breaks the
// others would read what the post-quantum ones were to protect, so age refuses it.
var ErrMixed = errors.New("post-quantum recipients (age1pq1…) cannot be mixed with others")

// ParseRecipient reads one recipient: age1… (X25519), age1pq1… (ML-KEM-768 with X25519),
// or the text of an SSH public key (ssh-ed25519, ssh-rsa).
func ParseRecipient(text string) (age.Recipient, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "ssh-") {
		r, err := agessh.ParseRecipient(text)
		if err != nil {
			return nil, fmt.Errorf("recipient %.40q: %s", Hide(text), Hide(err.Error()))
		}
		return r, nil
	}
	if strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("recipient %.40q: more than one line", Hide(text))
	}
	list, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil || len(list) != 1 {
		return nil, fmt.Errorf("recipient %.40q: want age1…, age1pq1… or the text of an SSH key (ssh-ed25519, ssh-rsa)", Hide(text))
	}
	return list[0], nil
}

// Canonical gives the one text of a recipient, as it stands in genesis: without comment.
func Canonical(text string) (string, error) {
	r, err := ParseRecipient(text)
	if err != nil {
		return "", err
	}
	if s, ok := r.(fmt.Stringer); ok {
		return s.String(), nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(text)))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), nil
}

// maxFile bounds a file of recipients or identities, in bytes.
const maxFile = 1 << 20

var errLong = fmt.Errorf("over %d bytes", maxFile)

// ReadRecipients reads a file of recipients: one a line, empty lines and those that begin
// with # are passed over. It gives their canonical texts.
func ReadRecipients(r io.Reader) (list []string, err error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile { // what lies behind may be somebody who must be able to read it
		return nil, errLong
	}
	in := bufio.NewScanner(bytes.NewReader(text.UTF8(b)))
	in.Buffer(nil, 64<<10)
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		one, err := Canonical(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, one)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("no recipient in it")
	}
	return list, nil
}

// Recipients reads a list of canonical texts, and says why nothing can be encrypted to
// all of them: too many, one twice, or ErrMixed.
func Recipients(texts []string) (list []age.Recipient, err error) {
	if len(texts) == 0 || len(texts) > MaxRecipients {
		return nil, fmt.Errorf("%d recipients: want 1 to %d", len(texts), MaxRecipients)
	}
	quantum := 0
	for i, text := range texts {
		one, err := Canonical(text)
		switch {
		case err != nil:
			return nil, err
		case one != text:
			return nil, fmt.Errorf("recipient %.40q: not in its one form", text)
		case slices.Contains(texts[:i], text):
			return nil, fmt.Errorf("recipient %.40q: given twice", text)
		}
		r, err := ParseRecipient(text)
		if err != nil {
			return nil, err
		}
		if _, ok := r.(*age.HybridRecipient); ok {
			quantum++
		}
		list = append(list, r)
	}
	if quantum > 0 && quantum < len(list) {
		return nil, ErrMixed
	}
	return list, nil
}
