package ioc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func parsed(t *testing.T, text string) (got []string, l *List) {
	t.Helper()
	l, err := Parse("list", []byte(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range l.Indicators {
		got = append(got, fmt.Sprint(in.Line, " ", in.Kind, " ", in.Value))
	}
	return got, l
}

func TestPlainList(t *testing.T) {
	got, l := parsed(t, "\xef\xbb\xbf# a comment\r\n\r\n"+strings.Join([]string{
		"1.2.3[.]4", "10.0.0.0/8 # a network", "2001:DB8::1", "2001:db8::/32", "::ffff:9.8.7.6", "1.1.1.1/32", "5.6.7.8:443", // 3-9
		"Evil[.]Example.", "*.bad.example.org", "bücher.example", "hxxps://Evil[.]example/Gate.php?Q=1", "evil.example.net/x", // 10-14
		"D41D8CD98F00B204E9800998ECF8427E", "da39a3ee5e6b4b0d3255bfef95601890afd80709", // 15, 16
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", // 17
		"dropper.exe", "run.sh", "/tmp/.x/evil", `C:\Users\x\evil.dll`, "{ 4D 5A ?? 00 01 0? 07 08 09 0a }", // 18-22
		"hex:4d5a900003", "text: a b#c", "utf16:wide text", "mimikatz", "1.2.3.4", "domain:run.sh", "path:/a/b/c/", // 23-29
	}, "\r\n"))
	want := []string{
		"3 address 1.2.3.4", "4 network 10.0.0.0/8", "5 address 2001:db8::1", "6 network 2001:db8::/32", "7 address 9.8.7.6", "8 address 1.1.1.1", "9 address 5.6.7.8",
		"10 domain evil.example", "11 domain bad.example.org", "12 domain xn--bcher-kva.example", "13 url https://evil.example/Gate.php?Q=1", "14 url evil.example.net/x",
		"15 md5 d41d8cd98f00b204e9800998ecf8427e", "16 sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"17 sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"18 file_name dropper.exe", "19 file_name run.sh", "19 domain run.sh", "20 path /tmp/.x/evil", `21 path C:\Users\x\evil.dll`, "22 bytes 4d5a??00010?0708090a",
		"23 bytes 4d5a900003", "24 text  a b#c", "25 utf16 wide text", "26 file_name mimikatz", "29 path /a/b/c",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(l.Bad) != 0 {
		t.Errorf("%+v", l.Bad)
	}
}

func TestBadLinesAreNamedAndTheRestIsUsed(t *testing.T) {
	got, l := parsed(t, "good.example\n0.0.0.0/0\nhex:4d5\nhex:4d ?? 5a ?? 00\ntext:abc\nfe80::1%eth0\na@b.example\nwhat is this\n{ 00 11 22 33\nmd5:1234\nlast.example\n")
	if want := []string{"1 domain good.example", "11 domain last.example"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	var lines []int
	for _, b := range l.Bad {
		lines = append(lines, b.Line)
		if b.Reason == "" || b.Text == "" {
			t.Errorf("%+v", b)
		}
	}
	if want := []int{2, 3, 4, 5, 6, 7, 8, 9, 10}; !slices.Equal(lines, want) {
		t.Errorf("bad lines %v, want %v: %+v", lines, want, l.Bad)
	}
	for _, text := range []string{"", "# nothing\n", "???\n", "\xff\xfea\x00"} {
		if _, err := Parse("list", []byte(text), 0); err == nil {
			t.Errorf("%q: passes", text)
		}
	}
}

func TestCSVList(t *testing.T) {
	got, l := parsed(t, "# export\nuuid,Indicator_Type,value,comment\r\n"+`1,ipv4-addr,1.2.3[.]4,"a, b"
2,Domain,evil.example,"over
two lines"
3,filename|md5,x.exe|d41d8cd98f00b204e9800998ecf8427e,
4,ip-dst|port,5.6.7.8|80,
5,SHA-256,e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,
6,mutex,abc,
7,domain
8,url,"http://evil.example/a,b",
9,hex,4d 5a ?? 00 01 02 03,
10,file path,/tmp/.y/z,"open
11,utf-16,wide text,
`)
	want := []string{
		"3 address 1.2.3.4", "4 domain evil.example", "6 file_name x.exe", "6 md5 d41d8cd98f00b204e9800998ecf8427e", "7 address 5.6.7.8",
		"8 sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "11 url http://evil.example/a,b", "12 bytes 4d5a??00010203", "14 utf16 wide text",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var lines []int
	for _, b := range l.Bad {
		lines = append(lines, b.Line)
	}
	if want := []int{9, 10, 13}; !slices.Equal(lines, want) {
		t.Errorf("bad lines %v, want %v: %+v", lines, want, l.Bad)
	}
	if got, _ := parsed(t, "type;value\nip;1.2.3.4\n"); !slices.Equal(got, []string{"2 address 1.2.3.4"}) {
		t.Errorf("semicolons: %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("type,value\nip,1.2.3.4\ndomain,\"a\nb\"\n")
	f.Add("1.2.3[.]4\nhxxp://a[.]b/c\n{ 4d ?? 5a 00 01 02 }\ntext:abcd\nx.sh\n/a/b/c\nbücher.example\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Parse("list", []byte(text), 0)
		if err != nil {
			return
		}
		lines := strings.Count(text, "\n") + 1
		for _, in := range l.Indicators {
			if in.Line < 1 || in.Line > lines || in.Kind == "" || in.Value == "" {
				t.Fatalf("%+v of %d lines", in, lines)
			}
		}
		for _, memory := range []bool{false, true} {
			for _, p := range newMatcher(l.Indicators, memory).search.patterns {
				if p.literal() < minLiteral || len(p.mask) != len(p.value) || len(p.value) > 2*maxPattern {
					t.Fatalf("%+v", p)
				}
			}
		}
	})
}
