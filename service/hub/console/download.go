package console

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"hozen/packager"
	"hozen/service/hub/view"
	"hozen/service/protocol"
)

// downloadWait is how long a reader may take for the next piece, and downloadPiece how
// large that is.
const (
	downloadWait  = time.Minute
	downloadPiece = 256 << 10
)

// download gives a file of a collection: the archive, its custody log, or the hub's
// receipt with its signature. The hub's names for them are in the path; nothing of the
// path is a path here.
func (c *console) download(q *request) error {
	a, err := c.Hub.Archive(q.ctx(), q.r.PathValue("device"), q.r.PathValue("collection"))
	if err != nil {
		return err
	}
	id := fileName(a.Collection)
	switch q.r.PathValue("file") {
	case "archive":
		name := a.Archive.Name // one that was never sealed, or is encrypted, says so in its name
		if f, ok := packager.ParseFileName(name); !ok || f.ID != a.Collection || f.Partial {
			name = id + ".tar.zst"
		}
		return c.send(q, a, "archive", name, a.Archive, "application/octet-stream")
	case "log":
		return c.send(q, a, "log", id+".custody.jsonl", a.Log, "application/jsonl")
	case "receipt.json":
		return c.sendText(q, id+".receipt.json", a.Signed.Payload)
	case "receipt.json.sig":
		return c.sendText(q, id+".receipt.json.sig", a.Signed.Sig)
	}
	return view.ErrNotFound
}

func (c *console) sendText(q *request, name, text string) error {
	if text == "" {
		return view.ErrNotFound
	}
	c.note(q, "console: download", "file", name)
	attach(q.w, name, "application/octet-stream")
	_, _ = io.WriteString(q.w, text)
	return nil
}

// send streams a stored file, hashing what it sends. If that is not what the receipt
// says, the connection is broken before the last piece: the browser has no whole file.
func (c *console) send(q *request, a view.Archive, file, name string, want protocol.Whole, kind string) error {
	if a.State != "receipted" {
		return fmt.Errorf("%s of %s: %w", file, a.Collection, view.ErrNotFound)
	}
	f, size, err := c.Hub.Open(q.ctx(), a.Device, a.Collection, file)
	if err != nil {
		return err
	}
	defer f.Close()
	if size != want.Bytes {
		return fmt.Errorf("%s of %s: %d bytes are stored, the receipt says %d", file, a.Collection, size, want.Bytes)
	}
	attach(q.w, name, kind)
	h := q.w.Header()
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	if sum, err := hex.DecodeString(want.SHA256); err == nil {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":")
	}
	c.note(q, "console: download", "file", name, "bytes", size, "sha256", want.SHA256)
	if q.r.Method == http.MethodHead {
		return nil
	}
	if err := copyChecked(q, f, size, want.SHA256); err != nil {
		c.note(q, "console: download broken", "file", name, "error", err.Error())
		panic(http.ErrAbortHandler) // the one way to break an answer; the server keeps quiet about it
	}
	return nil
}

// copyChecked holds the last piece back until the hash is known.
func copyChecked(q *request, from io.Reader, size int64, want string) error {
	rc := http.NewResponseController(q.w)
	_ = rc.SetReadDeadline(time.Time{}) // nothing more is read; a deadline that passes would end the request
	sum, buf := sha256.New(), make([]byte, downloadPiece)
	for left := size; left > 0; {
		n, err := io.ReadFull(from, buf[:min(left, downloadPiece)])
		if err != nil {
			return err
		}
		sum.Write(buf[:n])
		if left -= int64(n); left == 0 && hex.EncodeToString(sum.Sum(nil)) != want {
			return errors.New("what is stored is not what the receipt says")
		}
		_ = rc.SetWriteDeadline(time.Now().Add(downloadWait))
		if _, err := q.w.Write(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}
