// Package timestamp asks for and proves time stamps of RFC 3161: an authority (TSA)
// signs that somebody showed it a hash at a time. It uses no network; whoever asks is
// elsewhere.
//
//   - request.go makes the question; Request.Check holds an answer against it
//   - response.go reads answers (TimeStampResp), or the token in them alone
//   - cms.go reads the signed message (RFC 5652) that a token is, info.go what it says
//   - verify.go proves it: the signature, the certificate, and its chain to roots that
//     the auditor has (roots.go), as of the time that the token says
//   - head.go is the text by which a head hash goes from one machine to another
//
// Begin with Parse and Token.Verify. Only strict DER is read, without recursion, and all
// is bounded. Beside this, "openssl ts -verify" says the same of the same files.
package timestamp
