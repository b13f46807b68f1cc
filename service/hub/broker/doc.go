// Package broker is the hub's connection to NATS: a server of its own within this
// process, with certificates of its own authority, or a cluster that exists already. In
// both, NATS asks the hub about every connection (auth callout), so that one rule says
// who may do what. Begin with Start; callout.go has the question and the answer,
// grant.go the subjects, config.go what a cluster must be told, ca.go the certificates.
package broker
