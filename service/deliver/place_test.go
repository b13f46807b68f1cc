package deliver

import (
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Place
		text string
	}{
		{"/media/usb", Place{Kind: Directory, Path: "/media/usb"}, "/media/usb"},
		{"dir:/media/usb", Place{Kind: Directory, Path: "/media/usb"}, "/media/usb"},
		{"hub", Place{Kind: Hub}, "hub"},
		{"sftp://ev@192.0.2.7/in/", Place{Kind: SFTP, User: "ev", Host: "192.0.2.7", Port: 22, Path: "/in"}, "sftp://ev@192.0.2.7:22/in"},
		{"sftp://[2001:db8::7]:2222", Place{Kind: SFTP, Host: "2001:db8::7", Port: 2222, Path: "/"}, "sftp://[2001:db8::7]:2222/"},
		{"https://store.example/a%20b/", Place{Kind: HTTPS, Host: "store.example", Port: 443, Path: "/a%20b/"}, "https://store.example:443/a%20b/"},
		{"https://store.example/one", Place{Kind: HTTPS, Host: "store.example", Port: 443, Path: "/one"}, "https://store.example:443/one"},
		{"s3://192.0.2.7:9000/evidence/a/b/", Place{Kind: S3, Host: "192.0.2.7", Port: 9000, Bucket: "evidence", Path: "a/b"}, "s3://192.0.2.7:9000/evidence/a/b"},
		{"s3://192.0.2.7/evidence", Place{Kind: S3, Host: "192.0.2.7", Port: 443, Bucket: "evidence"}, "s3://192.0.2.7:443/evidence"},
	} {
		if c.want.Kind == Directory && runtime.GOOS == "windows" {
			continue
		}
		got, err := Parse(c.in)
		if err != nil || got != c.want || got.String() != c.text {
			t.Errorf("%s: %+v %q, %v", c.in, got, got.String(), err)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%s: read again: %+v, %v", c.in, again, err)
		}
	}
}

// What is refused, and that the refusal does not show what may be secret.
func TestParseRefuses(t *testing.T) {
	for _, in := range []string{
		"", "ftp://192.0.2.7/", "http://192.0.2.7/x", "sftp://:hunter2@192.0.2.7/", "sftp://ev:hunter2@192.0.2.7/",
		"https://192.0.2.7/x?X-Amz-Signature=hunter2", "https://192.0.2.7/#hunter2", "https://hunter2@192.0.2.7/",
		"s3://192.0.2.7", "s3://192.0.2.7/B", "s3://key:hunter2@192.0.2.7/evidence", "sftp://192.0.2.7:0/", "sftp://192.0.2.7:65536/",
		"sftp:///in", "https://a b/", "sftp://192.0.2.7/a%0Ab", "hunter2%zz://x", "https://ev:hunter2@192.0.2.7:x/",
	} {
		if p, err := Parse(in); err == nil {
			t.Errorf("%s: taken as %+v", in, p)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: shown: %v", in, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"/a", "sftp://ev@192.0.2.7:22/in", "https://store.example/a%20b/", "s3://192.0.2.7:9000/evidence/a", "hub", "sftp://[fe80::1%25eth0]/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err != nil || p.Kind == Directory {
			return
		}
		again, err := Parse(p.String())
		if err != nil || again != p {
			t.Fatalf("%q: %+v; %q read again: %+v, %v", s, p, p.String(), again, err)
		}
	})
}

func TestNamesAreNotAsked(t *testing.T) {
	p, _ := Parse("sftp://ev@store.example/in")
	_, err := New(p, Options{Pin: "SHA256:x"})
	if err == nil || !strings.Contains(err.Error(), "--resolve store.example=ADDRESS") {
		t.Errorf("without an address: %v", err)
	}
	o := Options{Resolve: map[string]netip.Addr{"store.example": netip.MustParseAddr("192.0.2.7")}}
	if a, err := o.resolve("STORE.example"); err != nil || a.String() != "192.0.2.7" {
		t.Errorf("with one: %v %v", a, err)
	}
	for _, s := range []string{"", "a", "a=", "=192.0.2.7", "a=b", "a=192.0.2.7:1", "a b=192.0.2.7"} {
		if _, _, err := ParseResolve(s); err == nil {
			t.Errorf("%q: taken", s)
		}
	}
	if name, a, err := ParseResolve("Store.Example=2001:db8::1"); name != "store.example" || a.String() != "2001:db8::1" || err != nil {
		t.Errorf("%v %v %v", name, a, err)
	}
}

func TestCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	put := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	put("access_key: a\nsecret_key: hunter2\n", 0o600)
	c, err := ReadCredentials(file)
	if err != nil || c.AccessKey != "a" || c.SecretKey != "hunter2" {
		t.Fatalf("%v", err)
	}
	if runtime.GOOS != "windows" {
		put("access_key: a\n", 0o644)
		if _, err := ReadCredentials(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("readable by others: %v", err)
		}
	}
	for _, text := range []string{"hunter2", "secret_key: [hunter2]\n", "secret: hunter2\n", "secret_key: \"hunter2", "bearer: {hunter2: 1}\n"} {
		put(text, 0o600)
		if _, err := ReadCredentials(file); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
