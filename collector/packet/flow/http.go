package flow

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"

	"hozen/collector/jsonl"
)

// An HTTPRow is one request with its response, or one of them alone. Bodies are not kept.
type HTTPRow struct {
	Ends
	Depth          int        `json:"depth"`                    // 1 for the first request of the flow
	Method         jsonl.Text `json:"method,omitempty"`         // as sent
	Host           jsonl.Text `json:"host,omitempty"`           // the Host header
	URI            jsonl.Text `json:"uri,omitempty"`            // as in the request line: path and query, or a whole address for a proxy
	Version        string     `json:"version,omitempty"`        // of the request; "0.9" if it named none
	UserAgent      jsonl.Text `json:"user_agent,omitempty"`     //
	Referrer       jsonl.Text `json:"referrer,omitempty"`       //
	Origin         jsonl.Text `json:"origin,omitempty"`         //
	RequestType    jsonl.Text `json:"request_type,omitempty"`   // Content-Type of the request
	RequestLength  *uint64    `json:"request_length,omitempty"` // Content-Length of the request
	RequestBody    uint64     `json:"request_body"`             // bytes of the request's body that were seen, without the framing of chunks
	Status         int        `json:"status,omitempty"`         // of the response; left out: no response was seen
	AnswerVersion  string     `json:"answer_version,omitempty"` // of the response
	StatusMessage  jsonl.Text `json:"status_message,omitempty"` //
	ResponseTime   string     `json:"response_time,omitempty"`  // when the status line came
	Server         jsonl.Text `json:"server,omitempty"`         //
	ResponseType   jsonl.Text `json:"response_type,omitempty"`  // Content-Type of the response
	Encoding       jsonl.Text `json:"encoding,omitempty"`       // Content-Encoding of the response
	Location       jsonl.Text `json:"location,omitempty"`       //
	Disposition    jsonl.Text `json:"disposition,omitempty"`    // Content-Disposition of either
	ResponseLength *uint64    `json:"response_length,omitempty"`
	ResponseBody   uint64     `json:"response_body"` // bytes of the response's body that were seen, as sent (compressed)
	Cut            bool       `json:"cut,omitempty"` // a line or a head was over the bounds, or bytes are missing
}

// Bounds of HTTP.
const (
	maxHTTPLine    = 16 << 10
	maxHTTPHead    = 128 << 10
	maxHTTPPending = 256
)

// The parts of a message that a direction may be in.
const (
	httpStart = iota
	httpHeader
	httpBody // of known length
	httpChunk
	httpChunkData
	httpChunkEnd
	httpTrailer
	httpRest // all until the end
	httpLost // bytes are missing: the next start is looked for
	httpStop
)

// An httpFlow follows the requests and responses of one flow.
type httpFlow struct {
	dirs    [2]httpDir
	waiting []*httpPair // whose response has not ended, in order
	depth   int
	held    int // bytes of the pairs that wait
	connect bool
}

type httpDir struct {
	part    int
	line    []byte
	long    bool // the line is over the bound
	head    int  // bytes of the head so far
	left    uint64
	pair    *httpPair
	length  *uint64
	chunked bool
}

// A httpPair is a request and its response.
type httpPair struct {
	row     HTTPRow
	at      int64
	method  string
	held    int
	emitted bool
}

var httpMethods = []string{"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE", "PROPFIND", "PROPPATCH",
	"MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "SUBSCRIBE", "NOTIFY", "RPC_IN_DATA", "RPC_OUT_DATA",
	"BITS_POST", "CCM_POST", "SMS_POST", "M-SEARCH", "PURGE", "MKACTIVITY", "CHECKOUT", "MERGE", "POLL", "BMOVE", "BDELETE",
	"BPROPFIND", "BCOPY", "ACL", "LINK", "UNLINK", "BIND", "REBIND", "UNBIND", "MKCALENDAR", "VERSION-CONTROL", "UNSUBSCRIBE"}

// requestLine says whether a flow begins as HTTP does.
func requestLine(b []byte) bool {
	word, rest, ok := bytes.Cut(b, []byte(" "))
	if !ok || len(rest) == 0 || rest[0] == ' ' {
		return false
	}
	for _, m := range httpMethods {
		if string(word) == m {
			return rest[0] == '/' || rest[0] == '*' || bytes.HasPrefix(rest, []byte("http")) || m == "CONNECT" ||
				bytes.Contains(rest, []byte(" HTTP/1."))
		}
	}
	return false
}

// feed takes the next bytes of one direction.
func (h *httpFlow) feed(t *Tables, c *conn, dir int, b []byte) {
	d := &h.dirs[dir]
	for len(b) > 0 {
		switch d.part {
		case httpStop:
			return
		case httpBody, httpChunkData:
			n := min(d.left, uint64(len(b)))
			h.body(d, dir, n)
			b = b[n:]
			if d.left -= n; d.left == 0 {
				if d.part == httpChunkData {
					d.part = httpChunkEnd
				} else {
					h.over(t, c, dir)
				}
			}
		case httpRest:
			h.body(d, dir, uint64(len(b)))
			return
		default:
			rest, whole := d.take(b)
			if b = rest; whole {
				h.lineEnds(t, c, dir)
				d.line, d.long = d.line[:0], false
				if h.connect && dir == 1 {
					h.connect = false
					t.beginInside(c, dir, b)
					return
				}
			}
		}
	}
}

// take moves bytes into the line; it says whether the line is whole.
func (d *httpDir) take(b []byte) (rest []byte, whole bool) {
	end := bytes.IndexByte(b, '\n')
	part := b
	if end >= 0 {
		part, rest, whole = b[:end], b[end+1:], true
	}
	d.head += len(part) + 1
	if room := maxHTTPLine - len(d.line); len(part) > room {
		part, d.long = part[:max(room, 0)], true
	}
	d.line = append(d.line, part...)
	return rest, whole
}

func (h *httpFlow) body(d *httpDir, dir int, n uint64) {
	if d.pair == nil {
		return
	}
	if dir == 0 {
		d.pair.row.RequestBody += n
	} else {
		d.pair.row.ResponseBody += n
	}
}

// lineEnds takes a whole line.
func (h *httpFlow) lineEnds(t *Tables, c *conn, dir int) {
	d := &h.dirs[dir]
	line := strings.TrimRight(string(d.line), "\r")
	if d.long && d.pair != nil {
		d.pair.row.Cut = true
	}
	switch d.part {
	case httpStart, httpLost:
		d.head = len(line)
		if line == "" {
			return
		}
		ok := dir == 0 && h.request(t, c, line) || dir == 1 && h.response(t, c, line)
		if !ok && d.part == httpStart {
			d.part = httpLost
		}
	case httpHeader:
		if line == "" {
			h.headEnds(t, c, dir)
			return
		}
		if d.head > maxHTTPHead {
			d.pair.row.Cut = true
			return
		}
		h.header(dir, line)
	case httpChunk:
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 63)
		switch {
		case err != nil:
			d.part = httpLost
		case n == 0:
			d.part = httpTrailer
		default:
			d.part, d.left = httpChunkData, n
		}
	case httpChunkEnd:
		d.part = httpChunk
	case httpTrailer:
		if line == "" {
			h.over(t, c, dir)
		}
	}
}

// request takes a request line; it says whether it is one.
func (h *httpFlow) request(t *Tables, c *conn, line string) bool {
	if !requestLine([]byte(line)) && !strings.Contains(line, " HTTP/1.") {
		return false
	}
	method, rest, _ := strings.Cut(line, " ")
	uri, version := rest, "0.9"
	if i := strings.LastIndex(rest, " HTTP/"); i >= 0 {
		uri, version = rest[:i], rest[i+6:]
	}
	h.depth++
	pair := &httpPair{at: t.now, method: method}
	pair.row.Ends = t.ends(c, t.now)
	pair.row.Depth, pair.row.Method, pair.row.URI = h.depth, jsonl.Text(method), jsonl.Text(strings.TrimSpace(uri))
	pair.row.Version = shortVersion(version)
	if len(h.waiting) >= maxHTTPPending {
		h.emit(t, c, h.waiting[0])
	}
	h.wait(pair, line)
	d := &h.dirs[0]
	*d = httpDir{part: httpHeader, pair: pair, line: d.line, long: d.long, head: d.head}
	if d.long {
		pair.row.Cut = true
	}
	if version == "0.9" {
		d.part = httpStart
		h.dirs[1].part, h.dirs[1].pair = httpRest, pair
	}
	return true
}

// wait puts a pair among those that wait.
func (h *httpFlow) wait(pair *httpPair, line string) {
	const row = 1 << 10 // what a row takes without its texts
	pair.held = row + len(line)
	h.held += pair.held
	h.waiting = append(h.waiting, pair)
}

// shortVersion bounds what stands where a version should.
func shortVersion(v string) string { return strings.ToValidUTF8(v[:min(len(v), 8)], "?") }

// response takes a status line; it says whether it is one.
func (h *httpFlow) response(t *Tables, c *conn, line string) bool {
	if !strings.HasPrefix(line, "HTTP/") {
		return false
	}
	version, rest, _ := strings.Cut(line[len("HTTP/"):], " ")
	code, message, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	status, err := strconv.Atoi(code)
	if err != nil || status < 100 || status > 999 {
		return false
	}
	var pair *httpPair
	if len(h.waiting) > 0 {
		pair = h.waiting[0]
	} else {
		pair = &httpPair{at: t.now}
		pair.row.Ends = t.ends(c, t.now)
		h.wait(pair, line)
	}
	pair.row.AnswerVersion = shortVersion(version)
	pair.row.Status, pair.row.StatusMessage, pair.row.ResponseTime = status, jsonl.Text(message), timeText(t.now)
	d := &h.dirs[1]
	*d = httpDir{part: httpHeader, pair: pair, line: d.line, long: d.long, head: d.head}
	return true
}

// header takes one line of a head.
func (h *httpFlow) header(dir int, line string) {
	d := &h.dirs[dir]
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return
	}
	if d.pair.emitted {
		return
	}
	d.pair.held += len(line)
	h.held += len(line)
	value = strings.TrimSpace(value)
	row, text := &d.pair.row, jsonl.Text(value)
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "content-length":
		if n, err := strconv.ParseUint(value, 10, 63); err == nil {
			d.length = &n
		}
	case "transfer-encoding":
		d.chunked = strings.Contains(strings.ToLower(value), "chunked")
	case "content-type":
		if dir == 0 {
			row.RequestType = text
		} else {
			row.ResponseType = text
		}
	case "content-disposition":
		row.Disposition = text
	case "host":
		if dir == 0 {
			row.Host = text
		}
	case "user-agent":
		row.UserAgent = text
	case "referer":
		row.Referrer = text
	case "origin":
		row.Origin = text
	case "server":
		row.Server = text
	case "content-encoding":
		if dir == 1 {
			row.Encoding = text
		}
	case "location":
		row.Location = text
	}
}

// headEnds decides how the body goes on (RFC 9112 section 6.3).
func (h *httpFlow) headEnds(t *Tables, c *conn, dir int) {
	d := &h.dirs[dir]
	row := &d.pair.row
	if dir == 0 {
		row.RequestLength = d.length
	} else {
		row.ResponseLength = d.length
		switch s := row.Status; {
		case s == 101 || d.pair.method == "CONNECT" && s/100 == 2:
			h.emit(t, c, d.pair)
			h.connect = true
			return
		case s/100 == 1:
			d.part = httpStart
			return
		case s == 204 || s == 304 || d.pair.method == "HEAD":
			h.over(t, c, dir)
			return
		}
	}
	switch {
	case d.chunked:
		d.part = httpChunk
	case d.length != nil && *d.length > 0:
		d.part, d.left = httpBody, *d.length
	case d.length != nil || dir == 0:
		h.over(t, c, dir)
	default:
		d.part = httpRest
	}
}

// over ends a message.
func (h *httpFlow) over(t *Tables, c *conn, dir int) {
	d := &h.dirs[dir]
	pair := d.pair
	*d = httpDir{part: httpStart, line: d.line, long: d.long}
	if dir == 1 && pair != nil {
		h.emit(t, c, pair)
	}
}

// miss takes note of bytes that will not come.
func (h *httpFlow) miss(t *Tables, c *conn, dir int, n uint64) {
	d := &h.dirs[dir]
	if d.pair != nil {
		d.pair.row.Cut = true
	}
	switch {
	case (d.part == httpBody || d.part == httpChunkData) && n < d.left:
		d.left -= n
	case d.part == httpBody && n == d.left:
		h.over(t, c, dir)
	case d.part != httpRest && d.part != httpStop:
		if dir == 1 && d.pair != nil {
			h.emit(t, c, d.pair)
		}
		*d = httpDir{part: httpLost, line: d.line[:0]}
	}
}

// emit writes a pair and forgets it.
func (h *httpFlow) emit(t *Tables, c *conn, pair *httpPair) {
	for i, w := range h.waiting {
		if w == pair {
			h.waiting = append(h.waiting[:i], h.waiting[i+1:]...)
			h.held -= pair.held
			pair.emitted = true
			break
		}
	}
	pair.row.setOwner(c)
	t.http.add(pair.at, &pair.row)
	if host := hostName(string(pair.row.Host)); host != "" && pair.method != "CONNECT" && !strings.HasPrefix(string(pair.row.URI), "http") && !c.app.proxy {
		t.nameOf(c.sum.resp, host)
	}
}

// end writes what has no response.
func (h *httpFlow) end(t *Tables, c *conn) {
	for len(h.waiting) > 0 {
		h.emit(t, c, h.waiting[0])
	}
}

// beginInside starts anew inside a connection that CONNECT has opened.
func (t *Tables) beginInside(c *conn, dir int, b []byte) {
	c.app.http, c.app.proxy = nil, true
	c.app.open, c.app.seen, c.app.heads = true, [2]int{}, [2][]byte{}
	if len(b) > 0 {
		t.says(c, dir, b)
	}
}

// hostName takes the port off a Host header.
func hostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || len(host) > 255 {
		return "" // an address is no name
	}
	return strings.ToLower(host)
}
