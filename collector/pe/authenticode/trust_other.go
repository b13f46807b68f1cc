//go:build !windows

package authenticode

import "hozen/packager/evidence"

// TrustOf is known on Windows only.
func TrustOf(string) (Trust, error) {
	return Trust{}, evidence.Skip("only on Windows: whether a signer is trusted")
}
