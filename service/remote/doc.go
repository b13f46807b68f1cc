// Package remote is the connection to the hub, as PROTOCOL.md in the folder above
// describes it. It only dials out, to the addresses that the token of the enrolment
// gave, and believes only a server whose certificate comes from the pinned authority.
// It asks no name server and uses no proxy.
//
//   - enrol.go makes the files that home.go keeps; client.go is the endpoint's
//     connection (Connect), operator.go the operator's
//   - jobs.go brings what is to be done; status.go tells what was done
//   - upload.go is the hub as a deliver.Destination; receipt.go ends a delivery
//   - link.go, dialer.go and pin.go are the connection itself; bounds.go is how much of it
//     is believed, clock.go the hub's clock, which is evidence and sets nothing
//
// Nothing here believes the hub: jobs are checked by their operators' signatures
// elsewhere, a receipt by the hub's pinned key and by the hashes that are ours.
package remote
