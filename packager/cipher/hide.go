package cipher

import "regexp"

// Hide takes the private keys out of a text that is to be shown: who was asked for a
// recipient may have given his identity.
func Hide(text string) string {
	return regexp.MustCompile(`(?is)(AGE-SECRET-KEY-)[0-9A-Z-]*|(-----BEGIN [A-Z ]*PRIVATE KEY-----).*`).ReplaceAllString(text, "$1$2(not shown)")
}
