package s3

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// answers is a server: it gets each request as it goes over the wire.
type answers func(r *http.Request, body []byte) (status int, header http.Header, answer string)

// RoundTrip implements http.RoundTripper.
func (f answers) RoundTrip(r *http.Request) (*http.Response, error) {
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		return nil, err
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, err
	}
	status, h, text := f(got, body)
	if h == nil {
		h = http.Header{}
	}
	length := int64(len(text))
	if h.Get("Content-Length") != "" {
		fmt.Sscan(h.Get("Content-Length"), &length)
	}
	return &http.Response{StatusCode: status, Header: h, ContentLength: length, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func client(f answers) *Client {
	return &Client{Host: "store.example:443", Bucket: "evidence", Region: "eu-west-3", AccessKey: "AKIDEXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", HTTP: f}
}

// calls makes each call once.
func calls(ctx context.Context, c *Client, key string) map[string]error {
	_, size := c.Size(ctx, key)
	body, get := c.Get(ctx, key)
	if get == nil {
		body.Close()
	}
	_, begin := c.Begin(ctx, key)
	_, part := c.PutPart(ctx, key, "up+/=&", 7, []byte("part"))
	_, list := c.Uploads(ctx, key)
	return map[string]error{
		"size": size, "get": get, "begin": begin, "part": part, "uploads": list,
		"put": c.Put(ctx, key, []byte("all")), "abort": c.Abort(ctx, key, "up+/=&"),
		"complete": c.Complete(ctx, key, "up+/=&", []Part{{1, 5, "a<b>"}}),
		"parts":    c.Parts(ctx, key, "up+/=&", func(Part) bool { return true }),
	}
}

// signature checks a request against "Signature Calculations for the Authorization
// Header" of the Amazon S3 API Reference, on what came over the wire.
func signature(r *http.Request, body []byte, c *Client) error {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	fields := strings.Split(text, ", ")
	if !ok || len(fields) != 3 {
		return fmt.Errorf("authorization %q", r.Header.Get("Authorization"))
	}
	id, scope, _ := strings.Cut(strings.TrimPrefix(fields[0], "Credential="), "/")
	signed := strings.TrimPrefix(fields[1], "SignedHeaders=")
	sum := sha256.Sum256(body)
	if r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]) || id != c.AccessKey {
		return errors.New("another body or another key")
	}
	path, query, _ := strings.Cut(r.RequestURI, "?")
	pairs := strings.Split(query, "&")
	if !slices.IsSorted(pairs) || strings.Contains(query, "+") {
		return fmt.Errorf("query %q", query)
	}
	canonical := r.Method + "\n" + path + "\n" + query + "\n"
	for name := range strings.SplitSeq(signed, ";") {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = r.Host
		}
		canonical += name + ":" + value + "\n"
	}
	canonical += "\n" + signed + "\n" + hex.EncodeToString(sum[:])
	for name := range r.Header {
		if lower := strings.ToLower(name); (strings.HasPrefix(lower, "x-amz-") || lower == "content-md5" || lower == "if-none-match") && !slices.Contains(strings.Split(signed, ";"), lower) {
			return fmt.Errorf("%s is not signed", name)
		}
	}
	mac := func(key []byte, s string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(s))
		return h.Sum(nil)
	}
	date := r.Header.Get("X-Amz-Date")
	if want := date[:8] + "/" + c.Region + "/s3/aws4_request"; scope != want {
		return fmt.Errorf("scope %s, want %s", scope, want)
	}
	hash := sha256.Sum256([]byte(canonical))
	key := mac(mac(mac(mac([]byte("AWS4"+c.SecretKey), date[:8]), c.Region), "s3"), "aws4_request")
	want := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(hash[:])))
	if fields[2] != "Signature="+want {
		return fmt.Errorf("signature %s, want %s of\n%s", fields[2], want, canonical)
	}
	return nil
}

// encoded is the URI encoding of the same reference ("UriEncode").
func encoded(path string) (s string) {
	for _, b := range []byte(path) {
		if b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || strings.ContainsRune("-_.~/", rune(b)) {
			s += string(rune(b))
		} else {
			s += fmt.Sprintf("%%%02X", b)
		}
	}
	return s
}

func oddKeys() []string {
	return []string{"in/whole.tar.zst", "a b", "a+b=c&d", "証拠/名前.tar", "100%41", "*'()!$,;:@?#[]", "~-_.", "\x7f\x1b", "a//b", "\"<>\\^`{|}"}
}

func TestSigned(t *testing.T) {
	for _, key := range oddKeys() {
		for _, token := range []string{"", "a/session+token=="} {
			var c *Client
			n := 0
			c = client(func(r *http.Request, body []byte) (int, http.Header, string) {
				n++
				if err := signature(r, body, c); err != nil {
					t.Errorf("%q: %s: %v", key, r.Method, err)
				}
				path, _, _ := strings.Cut(r.RequestURI, "?")
				if _, list := r.URL.Query()["prefix"]; !list && path != encoded("/evidence/"+key) {
					t.Errorf("%q: the path is %s", key, path)
				}
				if r.Header.Get("X-Amz-Security-Token") != token {
					t.Errorf("token %q", r.Header.Get("X-Amz-Security-Token"))
				}
				if r.Host != "store.example" {
					t.Errorf("host %q", r.Host)
				}
				return 404, nil, ""
			})
			c.SessionToken = token
			for name, err := range calls(t.Context(), c, key) {
				if !Has(err, NoSuchKey) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if n != 9 {
				t.Errorf("%d calls", n)
			}
		}
	}
	if _, err := client(nil).Size(t.Context(), "a\xff"); err == nil {
		t.Error("a name that is not UTF-8 was asked for")
	}
}

func TestHost(t *testing.T) {
	for host, want := range map[string]string{"a.example:443": "a.example", "a.example:9000": "a.example:9000", "[::1]:443": "[::1]", "[::1]:9000": "[::1]:9000", "192.0.2.1:443": "192.0.2.1"} {
		if got := (&Client{Host: host}).host(); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

// One answer to all nine calls, and which of them may take it for a success.
func TestOddAnswers(t *testing.T) {
	huge := "<ListPartsResult>" + strings.Repeat("<Part></Part>", maxAnswer/10) + "</ListPartsResult>"
	refused := `<?xml version="1.0"?>` + "\n  \n" + `<Error><Code>InternalError</Code><Message>We` + "\u009b31m\u202e" + ` failed</Message></Error>`
	etag := http.Header{"Etag": {`"e"`}}
	short := []string{"get", "put", "abort", "size", "part"} // their answers have no XML
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		ok     []string
		want   string // in the error of CompleteMultipartUpload
	}{
		"nothing":          {200, etag, "", short, "not the XML of S3"},
		"no content":       {204, etag, "", []string{"put", "abort", "part"}, "not the XML of S3"},
		"no ETag":          {200, nil, "", []string{"get", "put", "abort", "size"}, "not the XML of S3"},
		"empty ETag":       {200, http.Header{"Etag": {`""`}}, "", []string{"get", "put", "abort", "size"}, "not the XML of S3"},
		"long ETag":        {200, http.Header{"Etag": {strings.Repeat("e", maxToken+1)}}, "", []string{"get", "put", "abort", "size"}, "not the XML of S3"},
		"no length":        {200, http.Header{"Content-Length": {"-1"}, "Etag": {"e"}}, "", []string{"get", "put", "abort", "part"}, "not the XML of S3"},
		"late refusal":     {200, etag, refused, short, "InternalError (200): We"},
		"refusal cut":      {200, etag, refused[:len(refused)-9], short, "broken refusal"},
		"XML cut":          {200, etag, "<CompleteMultipartUploadResult><ETag>x</ETag>", short, "unexpected EOF"},
		"another answer":   {200, etag, "<html><body>Welcome</body></html>", short, "<html>"},
		"no XML":           {200, etag, "\x00\x01 OK", short, "not the XML of S3"},
		"another charset":  {200, etag, `<?xml version="1.0" encoding="utf-7"?><CompleteMultipartUploadResult/>`, short, "not the XML of S3"},
		"huge":             {200, etag, huge, short, "over 4194304 bytes"},
		"redirect":         {301, http.Header{"Location": {"https://elsewhere.example/"}, "Etag": {"e"}}, "", nil, "nothing is followed"},
		"silent redirect":  {307, etag, refused, nil, "nothing is followed"},
		"partial content":  {206, etag, "half", nil, "(206)"},
		"refused":          {403, etag, "", nil, "AccessDenied (403)"},
		"refused in words": {403, etag, `<Error><Code>SignatureDoesNotMatch</Code></Error>`, nil, "SignatureDoesNotMatch (403)"},
		"busy":             {503, etag, `<Error><Code>SlowDown</Code><Message>later</Message></Error>`, nil, "SlowDown (503): later"},
		"broken busy":      {503, etag, `<Error><Code>Slow`, nil, "Status (503): Service Unavailable"},
		"huge busy":        {503, etag, "<Error><Message>" + strings.Repeat("x", maxRefusal) + "</Message></Error>", nil, "Status (503)"},
		"there already":    {412, etag, "", nil, "PreconditionFailed (412)"},
		"begun":            {200, etag, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>", append([]string{"begin"}, short...), "<InitiateMultipartUploadResult>"},
		"begun without id": {200, etag, "<InitiateMultipartUploadResult/>", short, "<InitiateMultipartUploadResult>"},
	} {
		t.Run(name, func(t *testing.T) {
			cl := client(func(*http.Request, []byte) (int, http.Header, string) { return c.status, c.header.Clone(), c.body })
			for call, err := range calls(t.Context(), cl, "in/a.tar.zst") {
				if slices.Contains(c.ok, call) != (err == nil) {
					t.Errorf("%s: %v", call, err)
				}
				if err != nil && (strings.ContainsAny(err.Error(), "\u009b\u202e\x1b") || len(err.Error()) > 1000) {
					t.Errorf("%s: the server's words came raw: %q", call, err)
				}
				if call == "complete" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("complete: %v, want %s", err, c.want)
				}
			}
		})
	}
}

// Lists whose end never comes, or that name other objects, end.
func TestLists(t *testing.T) {
	pages := 0
	c := client(func(r *http.Request, _ []byte) (int, http.Header, string) {
		pages++
		if q := r.URL.Query(); q.Has("uploads") {
			return 200, nil, fmt.Sprintf(`<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>k%d</NextKeyMarker>
				<Upload><Key>in%%2Fa+b</Key><UploadId>id%d</UploadId></Upload><Upload><Key>in%%2Fa+b2</Key><UploadId>other</UploadId></Upload>
				<Upload><Key>in%%2Fa+b</Key></Upload></ListMultipartUploadsResult>`, pages, pages)
		}
		return 200, nil, fmt.Sprintf(`<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>%d</NextPartNumberMarker>
			<Part><PartNumber>%d</PartNumber><Size>5</Size><ETag>&quot;b&quot;</ETag></Part><Part><PartNumber>%d</PartNumber><Size>6</Size><ETag>"a"</ETag></Part></ListPartsResult>`, pages*2, pages*2, pages*2-1)
	})
	ids, err := c.Uploads(t.Context(), "in/a b")
	if err != nil || len(ids) != maxPages || pages != maxPages || ids[0] != "id1" {
		t.Errorf("%d uploads of %d pages, %v", len(ids), pages, err)
	}
	pages = 0
	var parts []Part
	err = c.Parts(t.Context(), "in/a b", "id", func(p Part) bool { parts = append(parts, p); return true })
	if err != nil || pages != maxPages || len(parts) != 2*maxPages || parts[0] != (Part{1, 6, "a"}) || parts[1] != (Part{2, 5, "b"}) {
		t.Errorf("%d parts of %d pages, %v", len(parts), pages, err)
	}
	pages = 0
	if err := c.Parts(t.Context(), "in/a b", "id", func(p Part) bool { return false }); err != nil || pages != 1 {
		t.Errorf("%d pages, %v", pages, err)
	}
	// The same page for ever.
	pages = 0
	c.HTTP = answers(func(r *http.Request, _ []byte) (int, http.Header, string) {
		pages++
		return 200, nil, "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>"
	})
	if ids, err := c.Uploads(t.Context(), "k"); err != nil || len(ids) != 0 || pages != 1 {
		t.Errorf("%d uploads of %d pages, %v", len(ids), pages, err)
	}
}

// What is put together is what was put: parts in order, tags as they were given.
func TestComplete(t *testing.T) {
	c := client(func(r *http.Request, body []byte) (int, http.Header, string) {
		want := `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber><ETag>a&lt;b</ETag></Part><Part><PartNumber>2</PartNumber><ETag>c-1</ETag></Part></CompleteMultipartUpload>`
		if string(body) != want || r.Header.Get("If-None-Match") != "*" || r.Header.Get("Content-Md5") == "" {
			t.Errorf("%s\n%v", body, r.Header)
		}
		return 200, nil, strings.Repeat(" \n", 1000) + `<?xml version="1.0"?><CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ETag>"x"</ETag></CompleteMultipartUploadResult>`
	})
	if err := c.Complete(t.Context(), "k", "id", []Part{{1, 5, "a<b"}, {2, 7, "c-1"}}); err != nil {
		t.Error(err)
	}
}

// FuzzAnswer: whatever is answered, a call ends, with words that a terminal can show.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte("<Error><Code>a</Code></Error>"), "e")
	f.Add(200, []byte("<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>9</NextPartNumberMarker><Part><PartNumber>1</PartNumber></Part></ListPartsResult>"), "e")
	f.Add(200, []byte("<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u</UploadId></Upload></ListMultipartUploadsResult>"), "e")
	f.Add(200, []byte("<CompleteMultipartUploadResult/>"), "e")
	f.Add(404, []byte("<!DOCTYPE a [<!ENTITY b 'c'>]><Error>&b;</Error>"), "")
	f.Fuzz(func(t *testing.T, status int, body []byte, etag string) {
		c := client(func(*http.Request, []byte) (int, http.Header, string) {
			return status, http.Header{"Etag": {etag}}, string(body)
		})
		for call, err := range calls(t.Context(), c, "k") {
			if err == nil {
				if status != 200 && status != 204 {
					t.Errorf("%s: %d is a success", call, status)
				}
				continue
			}
			if u := (*url.Error)(nil); errors.As(err, &u) {
				t.Errorf("%s: the address is in %v", call, err)
			}
			if s := err.Error(); !utf8.ValidString(s) || strings.ContainsAny(s, "\x1b\x00\r") {
				t.Errorf("%s: %q", call, s)
			}
		}
	})
}
