package s3

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"hozen/packager/evidence/fault"
	"hozen/packager/evidence/sorting"
)

// Part is a part of a multipart upload.
type Part struct {
	Number int // from 1
	Size   int64
	ETag   string // without quotation marks; as a rule the part's MD5 in hex
}

// maxPages bounds a list that never ends.
const maxPages = 200

// Size asks how long an object is, in bytes (HeadObject).
func (c *Client) Size(ctx context.Context, key string) (int64, error) {
	a, err := c.do(ctx, call{method: http.MethodHead, key: key})
	if err != nil {
		return 0, err
	}
	a.Body.Close()
	if a.StatusCode != http.StatusOK || a.ContentLength < 0 {
		return 0, errors.New("HEAD: the server does not say how long it is")
	}
	return a.ContentLength, nil
}

// Get reads an object (GetObject). The caller closes it.
func (c *Client) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	a, err := c.do(ctx, call{method: http.MethodGet, key: key})
	if err != nil {
		return nil, err
	}
	if a.StatusCode != http.StatusOK {
		a.Body.Close()
		return nil, fmt.Errorf("GET: %d: no content", a.StatusCode)
	}
	return a.Body, nil
}

// Put makes an object of at most 5 GiB, if none has the key (PutObject).
func (c *Client) Put(ctx context.Context, key string, body []byte) error {
	h := binary()
	h.Set("If-None-Match", "*")
	a, err := c.do(ctx, call{method: http.MethodPut, key: key, header: h, body: body})
	if err != nil {
		return err
	}
	return drained(a)
}

// Begin begins a multipart upload and gives its id (CreateMultipartUpload).
func (c *Client) Begin(ctx context.Context, key string) (upload string, err error) {
	a, err := c.do(ctx, call{method: http.MethodPost, key: key, query: url.Values{"uploads": {""}}, header: binary()})
	if err != nil {
		return "", err
	}
	var r struct {
		UploadID string `xml:"UploadId"`
	}
	if err := read(a, "InitiateMultipartUploadResult", &r); err != nil {
		return "", err
	}
	if r.UploadID == "" || len(r.UploadID) > maxToken {
		return "", errors.New("the server began an upload without an id")
	}
	return r.UploadID, nil
}

// Abort takes a multipart upload back (AbortMultipartUpload).
func (c *Client) Abort(ctx context.Context, key, upload string) error {
	a, err := c.do(ctx, call{method: http.MethodDelete, key: key, query: url.Values{"uploadId": {upload}}})
	if err != nil {
		return err
	}
	return drained(a)
}

// PutPart puts a part, or puts it anew (UploadPart).
func (c *Client) PutPart(ctx context.Context, key, upload string, n int, body []byte) (Part, error) {
	q := url.Values{"uploadId": {upload}, "partNumber": {strconv.Itoa(n)}}
	a, err := c.do(ctx, call{method: http.MethodPut, key: key, query: q, body: body})
	if err != nil {
		return Part{}, err
	}
	p := Part{n, int64(len(body)), strings.Trim(a.Header.Get("Etag"), `"`)}
	if err := drained(a); err != nil {
		return Part{}, err
	}
	if p.ETag == "" || len(p.ETag) > maxToken {
		return Part{}, errors.New("the server took a part without giving its ETag")
	}
	return p, nil
}

// Complete makes the object of its parts, if none has the key (CompleteMultipartUpload).
// After an error that is no *Error the object may be there.
func (c *Client) Complete(ctx context.Context, key, upload string, parts []Part) error {
	type one struct {
		PartNumber int
		ETag       string
	}
	list := struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUpload"`
		Part    []one
	}{}
	for _, p := range parts {
		list.Part = append(list.Part, one{p.Number, p.ETag})
	}
	body, err := xml.Marshal(list)
	if err != nil {
		return err
	}
	h := http.Header{"Content-Type": {"application/xml"}, "If-None-Match": {"*"}}
	a, err := c.do(ctx, call{method: http.MethodPost, key: key, query: url.Values{"uploadId": {upload}}, header: h, body: body})
	if err != nil {
		return err
	}
	return read(a, "CompleteMultipartUploadResult", &struct{}{})
}

// Uploads gives the ids of the unfinished multipart uploads of a key (ListMultipartUploads).
func (c *Client) Uploads(ctx context.Context, key string) (ids []string, err error) {
	var after, id string
	for range maxPages {
		var r struct {
			EncodingType  string
			IsTruncated   bool
			NextKeyMarker string
			NextUploadID  string `xml:"NextUploadIdMarker"`
			Upload        []struct {
				Key string
				ID  string `xml:"UploadId"`
			}
		}
		q := url.Values{"uploads": {""}, "prefix": {key}, "max-uploads": {"100"}, "encoding-type": {"url"}, "delimiter": {""}}
		if after != "" || id != "" {
			q.Set("key-marker", after)
			q.Set("upload-id-marker", id)
		}
		a, err := c.do(ctx, call{method: http.MethodGet, query: q})
		if err != nil {
			return nil, err
		}
		if err := read(a, "ListMultipartUploadsResult", &r); err != nil {
			return nil, err
		}
		name := func(s string) string {
			if plain, err := url.QueryUnescape(s); err == nil && r.EncodingType == "url" {
				return plain
			}
			return s
		}
		for _, u := range r.Upload {
			if name(u.Key) == key && u.ID != "" && len(u.ID) <= maxToken {
				ids = append(ids, u.ID)
			}
		}
		next := name(r.NextKeyMarker)
		if !r.IsTruncated || next == after && r.NextUploadID == id {
			break
		}
		after, id = next, r.NextUploadID
	}
	return ids, nil
}

// Parts gives the parts of a multipart upload, in order, from the first one on, as far as
// take says yes (ListParts).
func (c *Client) Parts(ctx context.Context, key, upload string, take func(Part) bool) error {
	marker := 0
	for range maxPages {
		var r struct {
			IsTruncated bool
			Next        int `xml:"NextPartNumberMarker"`
			Part        []struct {
				PartNumber int
				Size       int64
				ETag       string
			}
		}
		q := url.Values{"uploadId": {upload}, "max-parts": {"1000"}, "part-number-marker": {strconv.Itoa(marker)}}
		a, err := c.do(ctx, call{method: http.MethodGet, key: key, query: q})
		if err != nil {
			return err
		}
		if err := read(a, "ListPartsResult", &r); err != nil {
			return err
		}
		parts := make([]Part, len(r.Part))
		for i, p := range r.Part {
			parts[i] = Part{p.PartNumber, p.Size, strings.Trim(p.ETag, `"`)}
		}
		sorting.By(parts, func(a, b Part) int { return cmp.Compare(a.Number, b.Number) })
		for _, p := range parts {
			if len(p.ETag) > maxToken || !take(p) {
				return nil
			}
		}
		if !r.IsTruncated || r.Next <= marker {
			return nil
		}
		marker = r.Next
	}
	return nil
}

func binary() http.Header { return http.Header{"Content-Type": {"application/octet-stream"}} }

// drained reads what is left of a short answer, so that the connection can be used again.
func drained(a *http.Response) error {
	_, err := io.Copy(io.Discard, io.LimitReader(a.Body, maxRefusal))
	return fault.Join(err, a.Body.Close())
}
