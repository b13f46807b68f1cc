// Package service is the resident agent: it waits for triggers, checks them, has the
// collection made, and hands the archive over. It can do one thing only: what a job from
// the fixed vocabulary of package job says, signed by operators that this endpoint's own
// trust file names. It runs no program, opens no port, and takes no file from the hub.
//
// PROTOCOL.md is the normative text of all that crosses the network. The parts:
//
//   - job: the request that operators sign; policy: what this endpoint does of it, and why not
//   - ledger: which jobs were seen and how far they got, across crashes; audit: the signed local log
//   - config: the one YAML file; install: the system's service manager; shutdown: the last seconds
//   - remote: the connection to the hub, outwards only; protocol: subjects and messages
//   - outbox, deliver: archives that wait, and where they go
//   - isolate: cut from every network but the hub
//   - hub: the receiving server (package main)
package service
