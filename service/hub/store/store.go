// Package store is where the hub keeps archives for good: JetStream's object store, or a
// destination of package deliver (a directory, SFTP, S3). Nothing here deletes or
// replaces a file. Begin with Store.
package store

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"hozen/service/deliver"
	"hozen/service/hub/broker"
)

// ErrNotHere is wrapped where a file can be read only at the place that keeps it.
var ErrNotHere = errors.New("kept elsewhere")

// A Store keeps files.
type Store interface {
	// Keep stores a file of a device, durably, and gives where, in words. What is there
	// already with the same content is kept; with another it is deliver.ErrDiffers.
	Keep(ctx context.Context, device string, f deliver.File) (where string, err error)
	// Open reads a file; ErrNotHere if that cannot be done from here.
	Open(ctx context.Context, device, name string) (io.ReadCloser, int64, error)
	// Where is the place, in words.
	Where() string
}

// Bucket is the object store in JetStream.
const Bucket = "HOZEN_FILES"

const chunk = 512 << 10

type objects struct {
	o  jetstream.ObjectStore
	js jetstream.JetStream
}

// Objects is the store in JetStream. What an interrupted Keep left is removed.
func Objects(ctx context.Context, js jetstream.JetStream, replicas int) (Store, error) {
	config := jetstream.ObjectStoreConfig{Bucket: Bucket, Replicas: replicas, Description: "evidence archives and custody logs"}
	o, err := broker.Made(ctx, func(ctx context.Context) (jetstream.ObjectStore, error) {
		return js.CreateOrUpdateObjectStore(ctx, config)
	})
	if err != nil {
		return nil, fmt.Errorf("object store %s: %w", Bucket, err)
	}
	return objects{o, js}, sweep(ctx, js, o)
}

// sweep purges chunks that no object names: a put that did not come to its end. Where the
// list of objects is not whole, it purges nothing.
func sweep(ctx context.Context, js jetstream.JetStream, o jetstream.ObjectStore) error {
	s, err := js.Stream(ctx, "OBJ_"+Bucket)
	if err != nil {
		return err
	}
	var info *jetstream.StreamInfo
	var list []*jetstream.ObjectInfo
	err = broker.Again(ctx, func(ctx context.Context, _ int) (err error) {
		if info, err = s.Info(ctx, jetstream.WithSubjectFilter("$O."+Bucket+".>")); err != nil {
			return err
		}
		// The client waits without end for the end of a list of which a server lost a word.
		if list, err = o.List(ctx, jetstream.ListObjectsShowDeleted()); errors.Is(err, jetstream.ErrNoObjectsFound) {
			err = nil
		}
		return err
	})
	if err != nil {
		return err
	}
	chunks, names := "$O."+Bucket+".C.", 0
	used := map[string]bool{}
	for _, i := range list {
		used[chunks+i.NUID] = true
	}
	for subject := range info.State.Subjects {
		if !strings.HasPrefix(subject, chunks) {
			names++
		}
	}
	if len(list) != names {
		return nil // a replica that is behind told the list: whose chunks these are is not known
	}
	for subject := range info.State.Subjects {
		if strings.HasPrefix(subject, chunks) && !used[subject] {
			if err := s.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Where implements Store.
func (s objects) Where() string { return "object store " + Bucket }

// Keep implements Store.
func (s objects) Keep(ctx context.Context, device string, f deliver.File) (string, error) {
	name := device + "/" + f.Name
	old, err := s.look(ctx, name)
	switch {
	case err == nil && old.Size == uint64(f.Size) && digest(old.Digest) == f.SHA256:
		return s.Where() + ": " + name, nil
	case err == nil:
		return "", fmt.Errorf("%s: %w", name, deliver.ErrDiffers)
	case !errors.Is(err, jetstream.ErrObjectNotFound):
		return "", fmt.Errorf("%s: %w", name, err)
	}
	meta := jetstream.ObjectMeta{Name: name, Opts: &jetstream.ObjectMetaOptions{ChunkSize: chunk}, Metadata: map[string]string{"device": device, "sha256": f.SHA256}}
	got, err := s.o.Put(ctx, meta, newPaced(ctx, s.js, io.NewSectionReader(f, 0, f.Size)))
	if err == nil && f.Size > paceEvery {
		err = purgeMarks(ctx, s.js)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if got.Size != uint64(f.Size) || digest(got.Digest) != f.SHA256 {
		return "", fmt.Errorf("%s: %w", name, deliver.ErrChanged)
	}
	return s.Where() + ": " + name, nil
}

// look asks what is kept under a name, once the stream has a leader: what is put into one
// that has none is lost, a whole file of it.
func (s objects) look(ctx context.Context, name string) (info *jetstream.ObjectInfo, err error) {
	err = broker.Again(ctx, func(ctx context.Context, _ int) error {
		if _, err := s.js.Stream(ctx, "OBJ_"+Bucket); err != nil { // only a leader says what its stream is
			return err
		}
		info, err = s.o.GetInfo(ctx, name)
		return err
	})
	return info, err
}

// digest turns "SHA-256=<base64url>" into hex; "" if it is something else.
func digest(s string) string {
	text, ok := strings.CutPrefix(s, "SHA-256=")
	b, err := base64.URLEncoding.DecodeString(text)
	if !ok || err != nil {
		return ""
	}
	return hex.EncodeToString(b)
}

// Open implements Store.
func (s objects) Open(ctx context.Context, device, name string) (io.ReadCloser, int64, error) {
	r, err := s.o.Get(ctx, device+"/"+name)
	if err != nil {
		return nil, 0, err
	}
	i, err := r.Info()
	if err != nil {
		return nil, 0, errors.Join(err, r.Close())
	}
	return r, int64(i.Size), nil
}

type elsewhere struct {
	place deliver.Place
	make  func(deliver.Place) (deliver.Destination, error)
}

// Elsewhere keeps files at a place of package deliver: those of each device in a
// directory of its name, where the place is a directory of this machine; else with its
// name before theirs.
func Elsewhere(p deliver.Place, o deliver.Options) Store {
	return elsewhere{place: p, make: func(p deliver.Place) (deliver.Destination, error) { return deliver.New(p, o) }}
}

// Where implements Store.
func (s elsewhere) Where() string { return s.place.String() }

// at is the place and the name of a device's file.
func (s elsewhere) at(device, name string) (deliver.Place, string) {
	p := s.place
	if p.Kind == deliver.Directory {
		p.Path = filepath.Join(p.Path, device)
		return p, name
	}
	return p, device + "_" + name
}

// Keep implements Store.
func (s elsewhere) Keep(ctx context.Context, device string, f deliver.File) (string, error) {
	p, name := s.at(device, f.Name)
	if p.Kind == deliver.Directory {
		if err := os.MkdirAll(p.Path, 0o700); err != nil {
			return "", err
		}
	}
	d, err := s.make(p)
	if err != nil {
		return "", err
	}
	f.Name = name
	if _, err := deliver.Send(ctx, d, f, nil); err != nil {
		return "", err
	}
	return p.String() + ": " + name, nil
}

// Open implements Store.
func (s elsewhere) Open(_ context.Context, device, name string) (io.ReadCloser, int64, error) {
	p, name := s.at(device, name)
	if p.Kind != deliver.Directory {
		return nil, 0, fmt.Errorf("%s: %w: %s", name, ErrNotHere, p)
	}
	f, err := os.OpenInRoot(p.Path, name)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, st.Size(), nil
}
