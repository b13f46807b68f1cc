// Package registry is who the hub knows: endpoints, operators, and the tokens by which
// they come in. All of it is in one key-value bucket of JetStream and mirrored in memory,
// because every connection asks. Begin with Open; enrol.go is how somebody comes in,
// presence.go who was seen when.
package registry
