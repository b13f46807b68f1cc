package deliver

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"path"
	"unicode/utf8"

	"hozen/service/deliver/s3"
)

// bucket is the destination that is a bucket of an S3 server. A small file is one PUT;
// a larger one is a multipart upload, which is seen in the bucket only when it is whole.
type bucket struct {
	place   Place
	options Options
	core    *s3.Client
	http    *http.Transport
}

func newBucket(p Place, o Options) (*bucket, error) {
	c := o.Credentials
	if c.AccessKey == "" || c.SecretKey == "" {
		return nil, fmt.Errorf("%w: the credentials file needs access_key and secret_key", ErrCredentials)
	}
	t, err := transport(p, o)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(p.Path) {
		return nil, errors.New("the path is not UTF-8: S3 has no such names")
	}
	core := &s3.Client{
		Host: p.address(), Bucket: p.Bucket, Region: cmp.Or(c.Region, "us-east-1"),
		AccessKey: c.AccessKey, SecretKey: c.SecretKey, SessionToken: c.SessionToken, HTTP: t,
	}
	return &bucket{p, o, core, t}, nil
}

// Close implements io.Closer.
func (d *bucket) Close() error {
	d.http.CloseIdleConnections()
	return nil
}

func (d *bucket) key(name string) string { return path.Join(d.place.Path, name) }

// s3Error gives an error of the server in our words; its own may show the access key.
func s3Error(what string, err error) error {
	var answer *s3.Error
	if err == nil || !errors.As(err, &answer) {
		if err != nil {
			err = fmt.Errorf("%s: %w", what, err)
		}
		return err
	}
	switch {
	case answer.Status == http.StatusForbidden || answer.Status == http.StatusUnauthorized || answer.Code == s3.AccessDenied:
		return fmt.Errorf("%s: %s: %w", what, answer.Code, ErrCredentials)
	case answer.Status == http.StatusPreconditionFailed || answer.Code == s3.PreconditionFailed:
		return fmt.Errorf("%s: %s: %w", what, answer.Code, ErrDiffers)
	}
	return fmt.Errorf("%s: %w", what, answer)
}

func notThere(err error) bool { return s3.Has(err, s3.NoSuchKey, s3.NoSuchUpload, "NotFound") }

// Try implements Destination: it begins a multipart upload and takes it back.
func (d *bucket) Try(ctx context.Context) error {
	key := d.key(".hozen-try-" + rand.Text())
	id, err := d.core.Begin(ctx, key)
	if err != nil {
		return s3Error("beginning an upload", err)
	}
	return s3Error("taking back an upload", d.core.Abort(ctx, key, id))
}

// Open implements Destination.
func (d *bucket) Open(ctx context.Context, name string) (Upload, error) {
	if err := validName(name); err != nil {
		return nil, err
	}
	u := &object{d: d, name: name, key: d.key(name), size: -1}
	size, err := d.core.Size(ctx, u.key)
	switch {
	case err == nil:
		u.whole, u.at = true, size
		return u, nil
	case !notThere(err) && !errors.Is(s3Error("", err), ErrCredentials): // who may only put is told 403
		return nil, s3Error(name, err)
	}
	if err := u.find(ctx); err != nil {
		return nil, err
	}
	u.begin()
	return u, nil
}

// find looks for the upload of an earlier run. The name has the collection's random
// id in it: an upload of that name is ours. Of several the one with most bytes is taken;
// the others are left as they are.
func (u *object) find(ctx context.Context) error {
	ids, err := u.d.core.Uploads(ctx, u.key)
	if errors.Is(s3Error("", err), ErrCredentials) {
		return nil // who may not list begins anew
	} else if err != nil {
		return s3Error("listing uploads", err)
	}
	for _, id := range ids {
		parts, at, err := u.d.partsOf(ctx, u.key, id)
		if err != nil {
			return err
		}
		if u.upload == "" || at > u.at {
			u.upload, u.parts, u.at = id, parts, at
		}
	}
	return nil
}

// partsOf gives the parts from the first on, up to one that is missing or too short to
// have others behind it.
func (d *bucket) partsOf(ctx context.Context, key, upload string) (parts []s3.Part, at int64, err error) {
	err = d.core.Parts(ctx, key, upload, func(p s3.Part) bool {
		if p.Number != len(parts)+1 || p.Number > mostParts || p.Size < leastPart || p.Size > largePart {
			return false
		}
		parts, at = append(parts, p), at+p.Size
		return true
	})
	if err != nil && !notThere(err) {
		return nil, 0, s3Error("listing parts", err)
	}
	return parts, at, nil
}
