// Package protocol is what endpoint, operator and hub say to each other: subjects and
// messages, one Go type for each. PROTOCOL.md in the folder above is the normative text.
//
// Everything goes over NATS. An endpoint speaks core NATS only: it asks the hub by
// request below its own subjects and listens below its own subjects. What it publishes
// with a reply subject (parts, status lines) is answered with an Ack when it is durable
// in JetStream; the hub alone uses JetStream.
//
// E is the id of an endpoint or an operator: the public nkey (U…) of its connection,
// which the server has checked; nobody can speak in the name of another.
package protocol
