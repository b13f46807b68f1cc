// Package witness asks third parties what time it is: a time stamping authority for a
// signature over a hash (stamp.go, over HTTPS), and time servers for the error of this
// machine's clock (clock.go, NTP), which is never set. It asks only whom the caller names,
// and nobody about the name where that is an address. Begin with Stamp and Clocks.
//
// Nothing here is believed for good: package timestamp proves a token whenever somebody
// wants it, with roots that he chooses.
package witness
