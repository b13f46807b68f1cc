// Package deliver hands files over to where archives are kept: a directory, SFTP,
// HTTPS, S3; package remote has the hub. Every destination is tried before a collection
// starts, takes a file in parts, and goes on at the last part that it acknowledged, also
// after this program or the other side was killed. Begin with Destination; place.go
// reads what people write, send.go sends a whole file.
package deliver

import (
	"context"
	"errors"
	"io"
)

// A Destination keeps files under their names. Its methods may be called concurrently
// for different files. One that holds a connection is an io.Closer, too.
type Destination interface {
	// Try says why a file cannot be delivered now; nil if it can. It leaves nothing behind.
	Try(ctx context.Context) error
	// Open begins a file, or finds it where it stopped.
	Open(ctx context.Context, name string) (Upload, error)
}

// An Upload is a file on its way. It is used by one goroutine.
type Upload interface {
	// Offset is how many bytes, from the beginning, are acknowledged: on the medium of the
	// other side, as far as it says so. Of a file that was just opened it says where the
	// first Write goes on; that may be less than what was acknowledged before.
	Offset() int64
	// Write sends the bytes that follow Offset and returns when they are acknowledged or
	// kept for the next part; Flush sends what was kept. After an error the file is opened anew.
	Write(ctx context.Context, p []byte) error
	Flush(ctx context.Context) error
	// Commit ends the file, which has the given size and SHA-256 (hex), and checks what can
	// be checked there. Nothing is written over: a file of that name and another content is an error.
	Commit(ctx context.Context, size int64, sha256 string) error
}

// A Resumer is an Upload that can compare what is stored with what the caller has, and
// go back. Somebody who goes on in a file that an earlier run began calls one of its
// methods before the first Write.
type Resumer interface {
	// Check reads the first Offset bytes of the caller's file. Where other ones are stored
	// in a file that is not ended, Offset goes back to where they differ.
	Check(ctx context.Context, own io.Reader) error
	// Rewind makes Offset at most to: what is stored behind it is not believed.
	Rewind(to int64)
}

// A Sizer is an Upload that does better, or works at all, if it is told before the
// first Write how long the file will be.
type Sizer interface {
	SetSize(size int64)
}

// A Prover is an Upload that says, after Commit, what its word rests on.
type Prover interface {
	Proof() Proof
}

// Proof is why a file is believed to be whole at the other side.
type Proof string

// Proofs, the weaker one first.
const (
	Acknowledged Proof = "acknowledged" // the other side took every byte
	ReadBack     Proof = "read back"    // every byte was read there again, and its SHA-256 is ours
)

// ProofOf gives the proof of an upload that was committed.
func ProofOf(u Upload) Proof {
	if p, ok := u.(Prover); ok {
		return p.Proof()
	}
	return Acknowledged
}

var (
	// ErrDiffers says that another content has the name already. Trying again does not help.
	ErrDiffers = errors.New("another content has this name at the destination")
	// ErrNeedsSize says that a destination takes whole files only: nothing can be
	// streamed to it while it grows.
	ErrNeedsSize = errors.New("the destination takes whole files only")
	// ErrCredentials says that the destination refused who we are, or that we refused it.
	ErrCredentials = errors.New("not allowed")
)
