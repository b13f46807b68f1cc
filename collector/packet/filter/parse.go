package filter

import "slices"

// A Filter is a parsed filter; Program compiles it for a kind of link.
type Filter struct{ root node }

// A node is a part of a filter: an operation on nodes, or one test.
type node interface{}

type (
	and struct{ a, b node }
	or  struct{ a, b node }
	not struct{ a node }
)

// qualifiers are the keywords before an address or number, as pcap-filter(7) names them.
type qualifiers struct {
	proto, dir, kind string
	set              bool
}

type parser struct {
	tokens []token
	end    int // offset of the end of the text
	last   qualifiers
	depth  int
}

// Parse reads a filter. Its error is an *Error. A text of blanks gives a filter
// that everything passes.
func Parse(text string) (*Filter, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 {
		return &Filter{constant(true)}, nil
	}
	p := &parser{tokens: tokens, end: len(text)}
	root, err := p.expression(p.term)
	if err != nil {
		return nil, err
	}
	if len(p.tokens) > 0 {
		return nil, p.errorf("expected and, or, or the end")
	}
	f := &Filter{root}
	for _, link := range Links() { // so that no link fails later
		if _, err := f.Program(link, 1); err != nil {
			return nil, &Error{len(text) + 1, "", err.Error()}
		}
	}
	return f, nil
}

func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0].text
}

func (p *parser) next() token {
	if len(p.tokens) == 0 {
		return token{p.end, ""}
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *parser) errorf(why string) error { return p.errorAt(p.next(), why) }

// Not inlined, for the size of the program.
//
//go:noinline
func (p *parser) errorAt(t token, why string) error { return &Error{t.at + 1, t.text, why} }

// expression reads terms joined by and and or, which bind equally strongly.
func (p *parser) expression(term func() (node, error)) (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.errorf("nested too deeply")
	}
	defer func() { p.depth-- }()
	n, err := term()
	for err == nil {
		var m node
		switch p.peek() {
		case "and":
			p.next()
			m, err = term()
			n = and{n, m}
		case "or":
			p.next()
			m, err = term()
			n = or{n, m}
		default:
			return n, nil
		}
	}
	return nil, err
}

// term reads one test, or several in parentheses, or their negation.
func (p *parser) term() (node, error) {
	switch p.peek() {
	case "":
		return nil, p.errorf("a test is missing here; " + allowed)
	case "not", "!":
		return p.negated(p.term)
	case "(":
		return p.parenthesis(p.term)
	}
	if !keyword(p.peek()) && p.last.set {
		return p.value(p.last)
	}
	return p.primitive()
}

// valueTerm is term behind keywords: "port (80 or 443)".
func (p *parser) valueTerm(q qualifiers) func() (node, error) {
	var f func() (node, error)
	f = func() (node, error) {
		switch p.peek() {
		case "not", "!":
			return p.negated(f)
		case "(":
			return p.parenthesis(f)
		}
		return p.value(q)
	}
	return f
}

func (p *parser) negated(term func() (node, error)) (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.errorf("nested too deeply")
	}
	defer func() { p.depth-- }()
	p.next()
	n, err := term()
	return not{n}, err
}

func (p *parser) parenthesis(term func() (node, error)) (node, error) {
	p.next()
	n, err := p.expression(term)
	if err == nil && p.peek() != ")" {
		err = p.errorf("expected )")
	}
	p.next()
	return n, err
}

func keyword(w string) bool {
	return slices.Contains([]string{
		"host", "net", "port", "portrange", "proto", "src", "dst", "ether", "ip", "ip6", "arp", "rarp",
		"less", "greater", "broadcast", "multicast", "and", "or", "not", "(", ")", "!",
	}, w) || protocolNumber(w) >= 0
}

// protocolNumber is the number of an IP protocol that has a keyword; -1 for others.
// Not inlined, for the size of the program.
//
//go:noinline
func protocolNumber(w string) int {
	switch w {
	case "icmp":
		return 1
	case "igmp":
		return 2
	case "tcp":
		return 6
	case "udp":
		return 17
	case "esp":
		return 50
	case "ah":
		return 51
	case "icmp6":
		return 58
	case "pim":
		return 103
	case "vrrp":
		return 112
	case "sctp":
		return 132
	}
	return -1
}

// primitive reads [protocol] [direction] [kind] value, or a protocol alone.
func (p *parser) primitive() (node, error) {
	first := p.next()
	switch first.text {
	case "less", "greater":
		return p.length(first)
	case "broadcast", "multicast":
		p.last = qualifiers{}
		return etherGroup(first.text), nil
	}
	q := qualifiers{set: true}
	at := first
	if w := first.text; w == "ether" || etherType(w) > 0 || protocolNumber(w) >= 0 {
		q.proto = w
		if q.proto == "ether" && (p.peek() == "broadcast" || p.peek() == "multicast") {
			p.last = qualifiers{}
			return etherGroup(p.next().text), nil
		}
		at = token{p.end, ""}
		if len(p.tokens) > 0 {
			at = p.tokens[0]
		}
	} else {
		p.tokens = slices.Insert(p.tokens, 0, first)
	}
	p.direction(&q)
	switch w := p.peek(); w {
	case "host", "net", "port", "portrange", "proto":
		q.kind = w
		p.next()
	}
	if q.proto != "" && q.dir == "" && q.kind == "" && !p.valueFollows() {
		p.last = q
		return p.protocolAlone(first)
	}
	if q.proto == "" && q.dir == "" && q.kind == "" {
		return nil, p.errorAt(at, "not a test; "+allowed+"; names are not resolved")
	}
	if err := p.fits(at, &q); err != nil {
		return nil, err
	}
	p.last = q
	return p.valueTerm(q)()
}

// valueFollows says whether a value stands next: an address behind "ip", for instance.
func (p *parser) valueFollows() bool {
	w := p.peek()
	return w != "" && w != "(" && !keyword(w)
}

// direction reads src, dst, "src or dst", "src and dst".
func (p *parser) direction(q *qualifiers) {
	w := p.peek()
	if w != "src" && w != "dst" {
		return
	}
	q.dir = w
	p.next()
	if w == "src" && len(p.tokens) > 1 && p.tokens[1].text == "dst" && (p.tokens[0].text == "or" || p.tokens[0].text == "and") {
		q.dir = "src " + p.tokens[0].text + " dst"
		p.next()
		p.next()
	}
}
