package config

import (
	"fmt"
	"net/netip"

	"go.yaml.in/yaml/v3"

	"hozen/service/deliver"
)

// Place reads where the destination is.
func (d Destination) Place() (deliver.Place, error) { return deliver.Parse(d.To) }

// Open makes the destination, with what its credentials file says; rate is in bytes a
// second, 0 no limit. It connects to nothing yet.
func (d Destination) Open(rate int64) (deliver.Destination, error) {
	p, err := d.Place()
	if err != nil {
		return nil, fmt.Errorf("destination %s: %w", d.Name, err)
	}
	o := deliver.Options{Pin: d.Pin, CAFile: d.CA, ReadBack: d.ReadBack, Rate: rate, Resolve: map[string]netip.Addr{}}
	if d.Address.IsValid() {
		o.Resolve[p.Host] = d.Address
	}
	if d.Credentials != "" {
		if o.Credentials, err = deliver.ReadCredentials(d.Credentials); err != nil {
			return nil, fmt.Errorf("destination %s: %w", d.Name, err)
		}
	}
	return deliver.New(p, o)
}

// destination holds a destination to its kind.
func (r *reader) destination(key, value *yaml.Node, d Destination) {
	to := at(value, "to")
	if to == nil {
		r.wrong(key, hintTo, "destination %s: where to? `to` is not there", d.Name)
		return
	}
	p, err := d.Place()
	if err != nil {
		r.wrong(to, hintTo, "destination %s: %v", d.Name, err)
		return
	}
	if p.Kind == deliver.Hub {
		r.wrong(to, hintHub, "destination %s: the hub needs no entry here", d.Name)
		return
	}
	only := func(kinds ...deliver.Kind) func(string) bool {
		return func(field string) bool {
			for _, k := range kinds {
				if p.Kind == k {
					return true
				}
			}
			n := at(value, field)
			if n != nil {
				r.wrong(n, hintNotOfKind, "destination %s: %s is of no use for %s", d.Name, field, p.Kind)
			}
			return false
		}
	}
	only(deliver.SFTP, deliver.HTTPS, deliver.S3)("pin")
	only(deliver.SFTP, deliver.HTTPS, deliver.S3)("address")
	only(deliver.SFTP, deliver.HTTPS, deliver.S3)("credentials")
	only(deliver.HTTPS, deliver.S3)("ca")
	only(deliver.HTTPS, deliver.S3)("read_back")
	if p.Kind == deliver.SFTP && d.Pin == "" {
		r.wrong(key, hintPin, "destination %s: sftp needs pin, the fingerprint of the server's key", d.Name)
	}
	if p.Kind != deliver.Directory && !d.Address.IsValid() {
		if _, err := netip.ParseAddr(p.Host); err != nil {
			r.wrong(to, hintByName, "destination %s: %s is a name, and has no address", d.Name, p.Host)
		}
	}
	if p.Kind == deliver.Directory && !absolute(d.To) {
		r.wrong(to, hintPath, "destination %s: %.80q is not absolute", d.Name, d.To)
	}
}
