package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// sign puts the signature of version 4 on a request ("Signature Calculations for the
// Authorization Header" of the Amazon S3 API Reference). It covers the host and every
// header that is set by now but User-Agent, which a proxy may change. sum is the body's SHA-256.
func (c *Client) sign(r *http.Request, sum [sha256.Size]byte, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	day := stamp[:8]
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	if c.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}
	names := []string{"host"}
	for name := range r.Header {
		if name != "User-Agent" {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	text := r.Method + "\n" + r.URL.EscapedPath() + "\n" + r.URL.RawQuery + "\n"
	for _, name := range names {
		value := r.URL.Host
		if name != "host" {
			value = strings.Join(strings.Fields(r.Header.Get(name)), " ")
		}
		text += name + ":" + value + "\n"
	}
	signed := strings.Join(names, ";")
	hash := sha256.Sum256([]byte(text + "\n" + signed + "\n" + hex.EncodeToString(sum[:])))
	scope := day + "/" + c.Region + "/s3/aws4_request"
	key := []byte("AWS4" + c.SecretKey)
	for _, part := range []string{day, c.Region, "s3", "aws4_request", "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(hash[:])} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x", c.AccessKey, scope, signed, key))
}

// encode is UriEncode of the same reference, for a path: each byte that is no letter, digit
// or one of - _ . ~ / is %XX.
func encode(path string) string {
	var out strings.Builder
	for _, b := range []byte(path) {
		if b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || strings.IndexByte("-_.~/", b) >= 0 {
			out.WriteByte(b)
		} else {
			fmt.Fprintf(&out, "%%%02X", b)
		}
	}
	return out.String()
}
