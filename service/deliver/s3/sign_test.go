package s3

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// Another signer gives the same signature to the same request at the same time.
func TestSignedAsOthersDo(t *testing.T) {
	for _, key := range oddKeys() {
		for _, token := range []string{"", "a/session+token=="} {
			c := client(nil)
			c.SessionToken = token
			k := call{method: http.MethodPut, key: key, header: http.Header{"If-None-Match": {"*"}, "Content-Type": {" two  words "}},
				query: url.Values{"uploadId": {"a+b c&d=é"}, "partNumber": {"7"}}, body: []byte("part")}
			r, err := c.request(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			other := r.Clone(t.Context())
			other = signer.SignV4(*other, c.AccessKey, c.SecretKey, token, c.Region)
			now, err := time.Parse("20060102T150405Z", other.Header.Get("X-Amz-Date"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Del("Authorization")
			c.sign(r, sha256.Sum256(k.body), now)
			if got, want := r.Header.Get("Authorization"), other.Header.Get("Authorization"); got != want {
				t.Errorf("%q: %s, want %s", key, got, want)
			}
		}
	}
}
