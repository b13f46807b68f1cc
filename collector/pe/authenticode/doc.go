// Package authenticode tells how a Windows program is signed: whether the hash in its
// signature is that of the file, whether the signature is good, whose it is, and when a
// time-stamping authority saw it. Read does so on every system, from the file's bytes
// alone; whether the signer is trusted on this PC, and signatures that lie in catalogues
// instead of the file, only Windows can say: Trust in trust_windows.go asks it, without
// network.
//
// Begin with Read. Formats: "Windows Authenticode Portable Executable Signature Format"
// (Microsoft, 2008), RFC 2315 (PKCS #7), RFC 3161; the CMS itself is read by
// smallstep/pkcs7.
package authenticode
