package onwindows

import (
	"context"
	"strings"
	"time"

	"hozen/collector/jsonl"
	"hozen/collector/memory"
	"hozen/collector/pe/authenticode"
	"hozen/packager/evidence"
)

// A SignatureCheck gives what Windows says of the signature of a file, by the name that
// programs know: authenticode.TrustOf.
type SignatureCheck func(name string) (authenticode.Trust, error)

// patienceSignatures is how long looking at signatures may take altogether; no new one is
// begun later.
const patienceSignatures = time.Minute

// maxCatalog is the largest catalogue of signatures that is read, in bytes.
const maxCatalog = 16 << 20

// signatures looks at each file once.
type signatures struct {
	checker authenticode.Checker
	known   map[string]signedFile // by folded name
	used    time.Duration
	over    bool
}

// A signedFile is what is known of how a file is signed.
type signedFile struct{ authenticode.Facts }

// views say how a file is signed.
func (f signedFile) views() (out []memory.View) {
	own := string(f.Status)
	if f.Signer != "" {
		own += ", signer " + string(f.Signer) + ", issuer " + string(f.Issuer)
	}
	if f.Note != "" {
		own += ", " + string(f.Note)
	}
	out = append(out, memory.View{Source: "signature of the file", Says: jsonl.Text(own)})
	if f.Verdict != "" {
		says := f.Verdict
		for _, more := range []jsonl.Text{f.Catalog, f.Error} {
			if more != "" {
				says += ", " + string(more)
			}
		}
		out = append(out, memory.View{Source: "WinVerifyTrust", Says: jsonl.Text(says)})
	}
	return out
}

// signed tells how a program is signed; not where that is not known, or not looked at.
func (s *survey) signed(name string) (f signedFile, known bool) {
	if s.signature == nil || len(name) < 3 || name[1] != ':' {
		return f, false
	}
	g := &s.signs
	if f, ok := g.known[fold(name)]; ok {
		return f, f != signedFile{}
	}
	if err := context.Cause(s.ctx); err != nil || g.used > patienceSignatures {
		if err == nil {
			err = evidence.Cut("looked at for %v, and no longer", patienceSignatures)
		}
		if !g.over {
			g.over = true
			s.note("signatures", err)
		}
		return f, false
	}
	if g.known == nil {
		g.known = map[string]signedFile{}
		g.checker.Ask = s.signature
		g.checker.Catalog = func(name string) ([]byte, error) { return s.host.ReadFile(hostName(name), maxCatalog) }
	}
	began := time.Now()
	var err error
	if f.Facts, err = s.facts(name); err != nil {
		s.note("signature of "+name, err)
	}
	g.used += time.Since(began)
	g.known[fold(name)] = f
	return f, f != signedFile{}
}

func (s *survey) facts(name string) (authenticode.Facts, error) {
	st, err := s.host.Lstat(hostName(name))
	if err != nil {
		return authenticode.Facts{}, err
	}
	r, err := s.host.Reader(hostName(name))
	if err != nil {
		return authenticode.Facts{}, err
	}
	defer r.Close()
	return s.signs.checker.Facts(r, st.Size, name)
}

// signatureViews say how a program is signed, as far as that is known.
func (s *survey) signatureViews(name string) []memory.View {
	if f, known := s.signed(name); known {
		return f.views()
	}
	return nil
}

// vouched says why code of a file may be where it is: the file is installed, and not
// changed since somebody signed it, or Windows trusts it to be Microsoft's (Defender's lies
// in ProgramData). That others have signed it explains nothing: certificates can be bought.
func (s *survey) vouched(path string) string {
	f, known := s.signed(path)
	plain := strings.NewReplacer(`\\`, "", `\,`, "").Replace(string(f.Signer))
	switch {
	case known && f.Changed():
		return ""
	case s.places.installed(path):
		return "which is installed where only administrators write"
	case known && f.Verdict == authenticode.Trusted && strings.Contains(plain, ",O=Microsoft Corporation,"):
		return "which Windows trusts to be signed by " + clipped(string(f.Signer))
	}
	return ""
}
