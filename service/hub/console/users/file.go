package users

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hozen/packager/evidence/sorting"
	"hozen/service/hub/view"
)

// maxFile bounds the file of users, in bytes.
const maxFile = 1 << 20

// A record is one line of the file.
type record struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	Password string `json:"password"` // Argon2id in the PHC string format
	Created  string `json:"created"`
	Serial   uint64 `json:"serial"`
}

func (r record) user() view.User {
	return view.User{Name: r.Name, Role: r.Role, Created: r.Created, Serial: r.Serial}
}

// A stamp tells whether the file is still the one that was read. Each change is a new
// file under the old name, and a clock of the file system that stands still is no
// reason to miss one: its size or identity differs.
type stamp struct {
	size int64
	at   time.Time
	file fs.FileInfo
}

func (s stamp) same(now fs.FileInfo) bool {
	return s.file != nil && os.SameFile(s.file, now) && s.size == now.Size() && s.at.Equal(now.ModTime())
}

// current gives the users, by name, read again if the file changed.
func (s *Store) current() ([]record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read()
}

func (s *Store) read() ([]record, error) {
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		s.stamp, s.users = stamp{}, nil
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if s.stamp.same(info) {
		return s.users, nil
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %d bytes: over %d", s.path, info.Size(), maxFile)
	}
	b, err := os.ReadFile(s.path)
	if err != nil {
		return nil, err
	}
	all, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	s.stamp, s.users = stamp{info.Size(), info.ModTime(), info}, all
	return all, nil
}

// parse reads the lines of the file. Errors name the line.
func parse(b []byte) (all []record, err error) {
	n := 0
	for line := range bytes.Lines(b) {
		n++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var r record
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		_, err := parseHash(r.Password)
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", n, err)
		case !nameForm.MatchString(r.Name) || !slices.Contains(roles(), r.Role):
			return nil, fmt.Errorf("line %d: user %.40q with role %.40q", n, r.Name, r.Role)
		case indexOf(all, r.Name) >= 0:
			return nil, fmt.Errorf("line %d: user %q is there twice", n, r.Name)
		}
		all = append(all, r)
	}
	sorting.By(all, func(a, b record) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// change writes what f makes of the users: a new file, flushed, under the old name.
func (s *Store) change(f func([]record) ([]record, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.read()
	if err != nil {
		return err
	}
	if all, err = f(slices.Clone(all)); err != nil {
		return err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, r := range all {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	s.stamp = stamp{}
	return replace(s.path, b.Bytes())
}

func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
