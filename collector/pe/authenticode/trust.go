package authenticode

// A Trust is what Windows itself says of a file on the machine that we run on.
type Trust struct {
	// Verdict is "trusted", or the name of what WinVerifyTrust gave instead
	// ("TRUST_E_NOSIGNATURE"), or its number.
	Verdict string `json:"verdict"`
	// Catalog is the catalogue that holds the hash, where the file has no signature of its own.
	Catalog string `json:"catalog,omitempty"`
}

// Trusted is the verdict of a file whose signer this PC trusts.
const Trusted = "trusted"

// Verdicts of which others ask: TRUST_E_NOSIGNATURE, TRUST_E_BAD_DIGEST.
const (
	noSignature = "TRUST_E_NOSIGNATURE"
	badDigest   = "TRUST_E_BAD_DIGEST"
)
