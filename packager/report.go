package packager

import "fmt"

// A Verdict is the one word that a verification ends with.
type Verdict string

// The verdicts (FORMAT.md, "Verdicts").
const (
	Valid           Verdict = "VALID"            // sealed, all verified, signers trusted
	Invalid         Verdict = "INVALID"          // something contradicts something signed
	ValidPartial    Verdict = "VALID-PARTIAL"    // not sealed; authentic up to a checkpoint
	UntrustedSigner Verdict = "UNTRUSTED-SIGNER" // consistent, but a key is not believed
	ValidOuter      Verdict = "VALID-OUTER"      // cipher text authentic by the log, contents not seen
	NotEvidence     Verdict = "NOT-EVIDENCE"     // nothing in it is authenticated
)

// ExitCode is the exit status of a command that ends with this verdict.
// Not inlined, for the size of the program.
//
//go:noinline
func (v Verdict) ExitCode() int {
	switch v {
	case Valid:
		return 0
	case ValidPartial:
		return 5
	case UntrustedSigner:
		return 6
	case ValidOuter:
		return 7
	case NotEvidence:
		return 8
	}
	return 4
}

// Axes are the questions behind the verdict, each answered apart.
type Axes struct {
	Integrity       string   `json:"integrity"`       // verified | contradicted | none, or what of it was verified
	Completeness    string   `json:"completeness"`    // sealed | sealed, stopped:<reason> | interrupted at checkpoint k | none
	Signer          string   `json:"signer"`          // trusted | trusted by fingerprint | untrusted | revoked | none
	Time            string   `json:"time"`            // by the host's own clock[; time stamp present, <why it is not believed>] | time-stamped <time> by <TSA> (roots given): …
	Custody         string   `json:"custody"`         // no log | n events, n gaps, n open | contradicted
	Confidentiality string   `json:"confidentiality"` // not encrypted | encrypted, contents not seen | encrypted to n recipients, opened
	Anchors         []string `json:"anchors"`         // what outside this file binds it
}

// A Report is what a verification found.
type Report struct {
	Verdict Verdict `json:"verdict"`
	Exit    int     `json:"exit"`
	// OnlyItems says that the verdict is of some items, and of the seal that names them:
	// the rest was not read (VerifyOptions.OnlyFrom).
	OnlyItems bool `json:"only_items,omitempty"`
	// Findings say what contradicts what, or why a signer is not believed.
	Findings []string `json:"findings"`
	// Notes are facts that do not change the verdict.
	Notes      []string `json:"notes"`
	Collection string   `json:"collection"`
	Bytes      int64    `json:"bytes"`
	// Encrypted says that the file is; Plain is how many bytes it has deciphered, if it was opened.
	Encrypted bool  `json:"encrypted,omitempty"`
	Plain     int64 `json:"plain_bytes,omitempty"`
	// AuthenticBytes is the length of the prefix that verified: `head -c` of it
	// is what may be salvaged whatever the verdict is.
	AuthenticBytes  int64    `json:"authentic_prefix"`
	Unauthenticated int64    `json:"unauthenticated"`
	Checkpoint      int      `json:"checkpoint"`
	Members         int64    `json:"members"` // payload members behind the last checkpoint
	Payload         int64    `json:"payload"` // their bytes
	Head            string   `json:"head"`    // SHA-256 of the last authentic statement
	Device          string   `json:"device"`
	Fingerprint     string   `json:"fingerprint"`
	Genesis         *Genesis `json:"genesis,omitempty"`
	Seal            *Seal    `json:"seal,omitempty"`
	Sealed          bool     `json:"sealed"`        // by what is in it, or, of an encrypted file that was not opened, by the log
	Job             *AskedBy `json:"job,omitempty"` // who asked for it, if a job did
	Events          []Event  `json:"events,omitempty"`
	Gaps            []Gap    `json:"gaps,omitempty"` // where they do not fit together
	// Believed are the numbers of the events whose signers are believed here to be who they say
	// they are, the collection's own device as far as its archive is; a receipt only if its hub is.
	Believed []int `json:"-"`
	// CoSignatures are those of people over the seal, in the archive and in its log.
	CoSignatures []CoSignature `json:"co_signatures,omitempty"`
	// TimeStamps are those of the log and those given beside it, believed or not.
	TimeStamps []TimeStamp `json:"time_stamps,omitempty"`
	Axes       Axes        `json:"axes"`
}

// Not inlined, for the size of the program.
//
//go:noinline
func (r *Report) finding(format string, a ...any) {
	r.Findings = append(r.Findings, fmt.Sprintf(format, a...))
}

// Not inlined, for the size of the program.
//
//go:noinline
func (r *Report) note(format string, a ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, a...))
}
