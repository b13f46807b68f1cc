package main

import (
	"net/netip"
	"testing"

	"hozen/service/deliver"
	"hozen/service/deliver/stream"
)

func TestHintsNameTheArchiveAsItCanBeRead(t *testing.T) {
	a, _, _ := testApp("collect")
	for _, c := range []struct{ to, verdict, want string }{
		{"sftp://ev@192.0.2.7/inbox", sealedOnly, "hozen show pc-1.tar.zst x"},
		{"hub", sealedOnly, "hozen show pc-1.tar.zst x"},
		{"/media/usb", sealedOnly, "hozen show there/pc-1.tar.zst x"},
		{"sftp://ev@192.0.2.7/inbox", "VALID", "hozen show there/pc-1.tar.zst x"},
	} {
		place, err := deliver.Parse(c.to)
		if err != nil {
			t.Fatal(err)
		}
		one := a.newCollection(collectOptions{})
		one.name, one.to = "pc-1", &toRun{place: place, disk: &stream.Disk{}}
		if got := one.showing(summary{Archive: "there/pc-1.tar.zst", Verdict: c.verdict}, "x"); got != c.want {
			t.Errorf("%s %s: %s", c.to, c.verdict, got)
		}
	}
}

func TestALaterDeliveryIsCalledAsThisOne(t *testing.T) {
	o := toOptions{to: "https://store.example/in box/", credentials: "a.yaml", o: deliver.Options{CAFile: "w.crt",
		Resolve: map[string]netip.Addr{"store.example": netip.MustParseAddr("192.0.2.7"), "other.example": netip.MustParseAddr("192.0.2.8")}}}
	want := ` --to 'https://store.example/in box/' --to-credentials a.yaml --to-ca w.crt --resolve other.example=192.0.2.8 --resolve store.example=192.0.2.7`
	if got := o.again(); got != want {
		t.Errorf("%s", got)
	}
}
