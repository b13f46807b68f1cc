package config

import (
	"errors"

	"go.yaml.in/yaml/v3"

	"hozen/service/remote/witness"
)

// Timestamp says who signs, once an archive is sealed, that it was there (RFC 3161).
type Timestamp struct {
	TSA []string // addresses of authorities, asked in this order until one answers; none: nobody is asked
	CA  string   // file of certificates (PEM) that are believed on the way there; "": this machine's
}

// maxAuthorities bounds Timestamp.TSA.
const maxAuthorities = 8

// authorities are addresses as `collect --tsa` takes them; http only to this machine itself.
func authorities(to *[]string) func(*reader, *yaml.Node) {
	return checked(to, maxAuthorities, hintTSA, func(v string) error {
		return witness.CheckURL(v, witness.Options{PlainLoopback: true})
	})
}

// timeServers are as `collect --ntp` takes them.
func timeServers(to *[]string) func(*reader, *yaml.Node) {
	return checked(to, witness.MaxServers, hintNTP, witness.CheckServer)
}

// checked is a list of what check finds right, each once, at most so many.
func checked(to *[]string, most int, hint Hint, check func(string) error) func(*reader, *yaml.Node) {
	return func(r *reader, n *yaml.Node) {
		*to = nil
		r.list(n, func(n *yaml.Node, v string) {
			err := check(v)
			if err == nil && len(*to) == most {
				err = errors.New("too many of them")
			}
			if err != nil {
				r.wrong(n, hint, "%v", err)
				return
			}
			*to = append(*to, v)
		})
	}
}
