package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"
)

// Bounds of what a server may answer, in bytes: a page of 1,000 parts has about 500 KiB
// with all the checksums that a server can add.
const (
	maxAnswer  = 4 << 20
	maxRefusal = 64 << 10
	maxText    = 300  // runes of the server's own words
	maxToken   = 2048 // bytes of an upload's id or of an ETag
)

// refusal makes an error of an answer that is no success. The body may be anything.
func refusal(a *http.Response) error {
	e := &Error{Status: a.StatusCode, Code: codeOf(a.StatusCode), Message: http.StatusText(a.StatusCode)}
	b, err := io.ReadAll(io.LimitReader(a.Body, maxRefusal))
	if err != nil && len(b) == 0 {
		return e
	}
	var said *Error
	if err := decode(b, "", nil); errors.As(err, &said) {
		e.Code, e.Message = said.Code, said.Message
	}
	return e
}

// codeOf is the code that S3 gives most often with a status; a HEAD has no body to say it.
func codeOf(status int) string {
	switch status {
	case http.StatusNotFound:
		return NoSuchKey
	case http.StatusUnauthorized, http.StatusForbidden:
		return AccessDenied
	case http.StatusPreconditionFailed:
		return PreconditionFailed
	case http.StatusConflict:
		return "Conflict"
	}
	return "Status"
}

// read reads the whole answer of a call that began well, and closes it. The root element
// must be the named one; an <Error> in its place is an *Error: a server that works long
// sends 200 first (CompleteMultipartUpload).
func read(a *http.Response, root string, v any) error {
	defer a.Body.Close()
	b, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("the answer: %w", err)
	case len(b) > maxAnswer:
		return fmt.Errorf("the answer is over %d bytes", maxAnswer)
	}
	err = decode(b, root, v)
	var said *Error
	if errors.As(err, &said) {
		said.Status = a.StatusCode
	}
	return err
}

// decode reads one XML document.
func decode(b []byte, root string, v any) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		t, err := d.Token()
		if err != nil {
			return fmt.Errorf("the answer is not the XML of S3: %s", clean(err.Error()))
		}
		start, ok := t.(xml.StartElement)
		switch {
		case !ok:
			continue
		case start.Name.Local == "Error":
			var e struct{ Code, Message string }
			if err := d.DecodeElement(&e, &start); err != nil {
				return fmt.Errorf("the answer is a broken refusal: %s", clean(err.Error()))
			}
			if e.Code == "" {
				e.Code = "Error"
			}
			return &Error{Code: clean(e.Code), Message: clean(e.Message)}
		case start.Name.Local != root:
			return fmt.Errorf("the answer is <%s>, want <%s>", clean(start.Name.Local), root)
		}
		if err := d.DecodeElement(v, &start); err != nil {
			return fmt.Errorf("the answer <%s>: %s", root, clean(err.Error()))
		}
		return nil
	}
}

// clean cuts words of the server and takes out what a terminal would obey.
func clean(s string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > maxText {
			return -1
		}
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}
