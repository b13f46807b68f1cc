package authenticode

import (
	"cmp"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/smallstep/pkcs7"

	"hozen/collector/jsonl"
)

// Facts are what a table says of a file's signature, beside its hash. Signer and issuer
// are names that are written in a certificate: only where Verdict is "trusted" has
// somebody looked at who may have that name.
type Facts struct {
	Status     Status     `json:"status,omitempty"` // of its own signature, by the file alone; "" where it is no program
	Note       jsonl.Text `json:"note,omitempty"`   // why it is not good
	Signer     jsonl.Text `json:"signer,omitempty"` // of its own signature, else of the catalogue
	Issuer     jsonl.Text `json:"issuer,omitempty"`
	Thumbprint string     `json:"thumbprint,omitempty"` // SHA-1 of the signer's certificate, as Windows shows it
	Stamped    string     `json:"stamped,omitempty"`    // RFC 3339, UTC
	Verdict    string     `json:"verdict,omitempty"`    // what Windows says; "" where it was not asked
	Catalog    jsonl.Text `json:"catalog,omitempty"`    // the catalogue that has the file's hash
	Error      jsonl.Text `json:"error,omitempty"`      // why something of this is not known
}

// A Checker makes Facts.
type Checker struct {
	// Ask gives Windows' verdict, as TrustOf does; nil where Windows cannot be asked.
	Ask func(name string) (Trust, error)
	// Catalog reads a catalogue, by the name that Windows gives it; nil: none is read.
	Catalog func(name string) ([]byte, error)

	lock    sync.Mutex
	signers map[string]*Certificate // by catalogue; nil where it has none that can be read
}

// Facts looks at a file that lies at name (C:\…) for Windows. The error is of what is not
// known, Facts.Error says it, too; of a file that is no program there are no facts, and
// Windows is not asked: only for programs is it known what reads them (others are given
// to whatever provider the registry names).
func (c *Checker) Facts(r io.ReaderAt, size int64, name string) (Facts, error) {
	var mz [2]byte
	if n, _ := r.ReadAt(mz[:], 0); n < 2 || string(mz[:]) != "MZ" {
		return Facts{}, nil
	}
	var f Facts
	own, err := Read(r, size)
	if err != nil {
		f.Note = jsonl.Text(err.Error())
	}
	f.Status, f.Note = own.Status, cmp.Or(f.Note, jsonl.Text(own.Note))
	if len(own.Signatures) > 0 {
		s := &own.Signatures[0]
		if f.sign(s.Signer); s.Stamped != nil {
			f.Stamped = s.Stamped.Format(time.RFC3339)
		}
	}
	if c.Ask == nil {
		return f, nil
	}
	t, err := c.Ask(verbatim(name))
	f.Verdict, f.Catalog = t.Verdict, jsonl.Text(t.Catalog)
	if err != nil {
		f.Error = jsonl.Text(err.Error())
	}
	if t.Catalog != "" && f.Signer == "" {
		f.sign(c.signer(t.Catalog))
	}
	return f, err
}

func (f *Facts) sign(by *Certificate) {
	if by != nil {
		f.Signer, f.Issuer, f.Thumbprint = by.Subject, by.Issuer, by.SHA1
	}
}

// Changed says that the file is not what was signed: by Windows, or by the file alone
// where Windows was not asked.
func (f *Facts) Changed() bool {
	return f.Verdict == badDigest || f.Verdict == "" && f.Status == Changed
}

// Nobodys says that nobody signed the file, as Windows found, which looked into its
// catalogues, too. Where it could not, nobody can tell.
func (f *Facts) Nobodys() bool {
	return f.Verdict == noSignature && f.Catalog == "" && f.Error == "" && f.Status != Good
}

// signer names who signed a catalogue, once for each.
func (c *Checker) signer(catalog string) *Certificate {
	c.lock.Lock()
	defer c.lock.Unlock()
	if known, ok := c.signers[catalog]; ok || c.Catalog == nil {
		return known
	}
	var by *Certificate
	if b, err := c.Catalog(catalog); err == nil {
		by, _ = CatalogSigner(b)
	}
	if c.signers == nil {
		c.signers = map[string]*Certificate{}
	}
	c.signers[catalog] = by
	return by
}

// CatalogSigner gives whose signature a catalogue has, a PKCS #7 message. It verifies
// nothing.
func CatalogSigner(der []byte) (c *Certificate, err error) {
	defer func() {
		if recover() != nil {
			c, err = nil, errors.New("catalogue: it cannot be read")
		}
	}()
	p7, err := pkcs7.Parse(trimmed(der))
	if err != nil {
		return nil, err
	}
	signer := p7.GetOnlySigner()
	if signer == nil {
		return nil, errors.New("catalogue: it has no signer")
	}
	own := certificate(signer)
	return &own, nil
}

// verbatim is a name that Windows takes as it is: it cuts dots and blanks from the ends
// of others, and those of 260 characters it refuses.
func verbatim(name string) string {
	if len(name) < 3 || name[1] != ':' || name[2] != '\\' {
		return name
	}
	odd := len(name) > 240
	for _, part := range strings.Split(name, `\`) {
		odd = odd || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ")
	}
	if odd {
		return `\\?\` + name
	}
	return name
}
