package ioc

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
)

// columns says where a CSV file has what.
type columns struct {
	comma       rune
	kind, value int
}

// header reads the first line of a list; nil if it is not the header of a CSV file.
func header(line string) *columns {
	for _, comma := range []rune{',', ';', '\t'} {
		names, err := fields(line, comma)
		if err != nil {
			continue
		}
		for i, name := range names {
			names[i] = strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(strings.TrimSpace(name)))
		}
		c := &columns{comma,
			find(names, "type", "kind", "indicatortype", "ioctype", "observabletype", "attributetype"),
			find(names, "value", "indicator", "ioc", "indicatorvalue", "iocvalue", "observable", "observablevalue", "attributevalue", "pattern")}
		if c.kind >= 0 && c.value >= 0 && c.kind != c.value {
			return c
		}
	}
	return nil
}

// find gives the index of the first of the wanted names that is there.
func find(names []string, wanted ...string) int {
	for _, w := range wanted {
		if i := slices.Index(names, w); i >= 0 {
			return i
		}
	}
	return -1
}

func fields(record string, comma rune) ([]string, error) {
	r := csv.NewReader(strings.NewReader(record))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.TrimLeadingSpace = comma, true, -1, comma != '\t'
	return r.Read()
}

// joinQuoted gives the record that begins with line: with the lines after it, as
// long as a quote is open. Where none closes it, it is the line alone.
func joinQuoted(line, rest string) (record string, used int) {
	const most = 100
	open := strings.Count(line, `"`)%2 == 1
	record = line
	for used = 0; open && used < most && rest != "" && len(record) < maxLine; used++ {
		next, after, _ := strings.Cut(rest, "\n")
		record += "\n" + strings.TrimSuffix(next, "\r")
		open = strings.Count(next, `"`)%2 == 0
		rest = after
	}
	if open {
		return line, 0
	}
	return record, used
}

// record takes one record of a CSV file.
func (p *parser) record(number int, text string) {
	if strings.Count(text, `"`)%2 == 1 {
		p.bad(number, text, fmt.Errorf("a quote that nothing closes"))
		return
	}
	all, err := fields(text, p.csv.comma)
	if err != nil || max(p.csv.kind, p.csv.value) >= len(all) {
		p.bad(number, text, fmt.Errorf("%d columns, too few for type and value", len(all)))
		return
	}
	name, value := strings.TrimSpace(all[p.csv.kind]), all[p.csv.value]
	if strings.TrimSpace(value) == "" {
		p.bad(number, text, errEmpty)
		return
	}
	names, values := strings.Split(name, "|"), []string{value}
	if len(names) > 1 { // MISP: ip-dst|port, filename|md5
		values = strings.SplitN(value, "|", len(names))
	}
	var found []Indicator
	for i := range min(len(names), len(values)) {
		if names[i] == "port" {
			continue
		}
		kind := kindNamed(names[i])
		if kind == "" {
			p.bad(number, text, fmt.Errorf("type %.40q: not one of ip, cidr, domain, url, md5, sha1, sha256, filename, path, hex, text, utf16 or another name of these", names[i]))
			return
		}
		in, err := build(kind, trimValue(kind, values[i]))
		if err != nil {
			p.bad(number, text, err)
			return
		}
		found = append(found, in)
	}
	p.add(number, text, found, nil)
}
