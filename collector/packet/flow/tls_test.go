package flow

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// clientHello makes the hello of the worked example of JA4's documentation
// (technical_details/JA4.md of FoxIO-LLC/ja4), with GREASE as Chrome sends it.
func clientHello(t testing.TB) []byte {
	u16 := func(n int) string { return fmt.Sprintf("%04x", n) }
	ext := ""
	add := func(kind, body string) {
		body = strings.ReplaceAll(body, " ", "")
		ext += kind + u16(len(body)/2) + body
	}
	add("0a0a", "")
	name := hex.EncodeToString([]byte("www.example.com"))
	add("0000", u16(len(name)/2+3)+"00"+u16(len(name)/2)+name)
	add("0005", "0100000000")
	add("000a", "0008 1a1a 001d 0017 0018")
	add("000b", "0100")
	add("000d", "0010 0403 0804 0401 0503 0805 0501 0806 0601")
	add("0010", "000c 02 6832 08 687474702f312e31")
	for _, empty := range []string{"0012", "0015", "0017", "001b", "0023"} {
		add(empty, "")
	}
	add("002b", "06 2a2a 0304 0303")
	add("002d", "0101")
	add("0033", "0000")
	add("4469", "0000")
	add("ff01", "00")
	ciphers := "3a3a 1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035"
	ciphers = strings.ReplaceAll(ciphers, " ", "")
	return unhex(t, "0303"+strings.Repeat("11", 32)+"00"+u16(len(ciphers)/2)+ciphers+"0100"+u16(len(ext)/2)+ext)
}

func TestJA4OfTheWorkedExample(t *testing.T) {
	h, ok := parseHello(clientHello(t), true)
	if !ok {
		t.Fatal("not read")
	}
	if got := h.ja4(false); got != "t13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Errorf("%s; ciphers %x, extensions %x, algorithms %x", got, h.ciphers, h.extensions, h.algorithms)
	}
	if string(h.name) != "www.example.com" || len(h.alpn) != 2 || string(h.alpn[1]) != "http/1.1" {
		t.Errorf("%q %q", h.name, h.alpn)
	}
}

// TestQUICInitial seals a hello with the keys that RFC 9001 appendix A.1 gives for its
// connection identifier, in two pieces that stand in the wrong order.
func TestQUICInitial(t *testing.T) {
	hello := clientHello(t)
	message := append([]byte{1, 0, byte(len(hello) >> 8), byte(len(hello))}, hello...)
	frame := func(offset int, data []byte) []byte {
		return append([]byte{6, 0x40 | byte(offset>>8), byte(offset), 0x40 | byte(len(data)>>8), byte(len(data))}, data...)
	}
	clear := append(frame(100, message[100:]), frame(0, message[:100])...)
	clear = append(clear, make([]byte, 1162-len(clear))...)
	head := unhex(t, "c300000001088394c8f03e5157080000449e00000002")
	block, err := aes.NewCipher(unhex(t, "1f369613dd76d5467730efcbe3b1a22d"))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := unhex(t, "fa044b2f42a3fd3b46fb255c")
	nonce[11] ^= 2
	packet := append(head, gcm.Seal(nil, nonce, clear, head)...)
	mask, err := aes.NewCipher(unhex(t, "9f50449e04a0e810283a1e9933adedd2"))
	if err != nil {
		t.Fatal(err)
	}
	var stream [16]byte
	mask.Encrypt(stream[:], packet[22:38])
	packet[0] ^= stream[0] & 15
	for i := range 4 {
		packet[18+i] ^= stream[1+i]
	}
	r := newRun(Options{})
	r.send(udp4(netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("192.0.2.7:8443"), packet))
	s := r.put(t)
	rows := rowsOf[TLSRow](t, s, "tls")
	if len(rows) != 1 || rows[0].ServerName != "www.example.com" || !rows[0].QUIC || rows[0].JA4 != "q13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Errorf("%+v", rows)
	}
	if f := rowsOf[FlowRow](t, s, "flows"); f[0].Service != "quic" || f[0].ServiceBy != "content" {
		t.Errorf("%+v", f)
	}
	if remotes := rowsOf[RemoteRow](t, s, "remotes"); len(remotes) != 1 || fmt.Sprint(remotes[0].Names) != "[www.example.com]" {
		t.Errorf("%+v", remotes)
	}
}

func TestTLSInPieces(t *testing.T) {
	hello := clientHello(t)
	message := append([]byte{1, 0, byte(len(hello) >> 8), byte(len(hello))}, hello...)
	record := func(b []byte) string { return string(append([]byte{22, 3, 1, byte(len(b) >> 8), byte(len(b))}, b...)) }
	whole := record(message[:50]) + record(message[50:])
	r, m := newRun(Options{}), newMaker("10.0.0.1:40000", "192.0.2.1:4433")
	m.open(r.send)
	for len(whole) > 0 {
		n := min(7, len(whole))
		m.say(0, whole[:n], r.send)
		whole = whole[n:]
	}
	// The server chooses TLS 1.3 by its extension, and all that follows is encrypted.
	server := unhex(t, "0200002e0303"+strings.Repeat("22", 32)+"00130200"+"0006002b00020304")
	m.say(1, record(server)+"\x17\x03\x03\x00\x05abcde", r.send)
	m.say(0, "\x17\x03\x03\x00\x02ab", r.send)
	rows := rowsOf[TLSRow](t, r.put(t), "tls")
	if len(rows) != 1 || rows[0].ServerName != "www.example.com" || rows[0].Version != "TLSv13" || rows[0].Cipher != "TLS_AES_256_GCM_SHA384" ||
		!rows[0].Established || rows[0].History != "Cs" || rows[0].Ciphers != 15 || rows[0].StartTLS {
		t.Errorf("%+v", rows)
	}
}

// TestJA3AgreesWithTshark holds what tshark 4.0.17 gives as tls.handshake.ja3 and ja3s.
func TestJA3AgreesWithTshark(t *testing.T) {
	for trace, want := range map[string]string{
		"tls-pop3-starttls": "13020a4ccb11b2d3c9c0e6c285c3c415 ee644a8a34c434abca4b737ec1d9efad",
		"tls-xmpp-starttls": "c369db2c355ad05c76f5660af3179b01 873bc234a06e363e550fcfe0dd382a6c",
	} {
		rows := rowsOf[TLSRow](t, tablesOf(t, "testdata/zeek/"+trace+".pcap", Options{}), "tls")
		if len(rows) != 1 || rows[0].JA3+" "+rows[0].JA3S != want || !rows[0].StartTLS || rows[0].Certificates[0].Subject == "" {
			t.Errorf("%s: %+v", trace, rows)
		}
	}
	// Behind CONNECT there is a handshake too.
	rows := rowsOf[TLSRow](t, tablesOf(t, "testdata/zeek/http-connect-with-header.pcap", Options{}), "tls")
	if len(rows) != 1 || rows[0].ServerName != "secure.newegg.com" {
		t.Errorf("%+v", rows)
	}
}
