// Package flow turns packets into tables: who talked to whom, when, how much and
// about what. The packets are those of a live capture (Tables.Packet) or of any
// capture file that a responder brings (ReadFile).
//
// Begin with Tables in tables.go. SCHEMA.md lists the tables and their fields.
//
// Everything in a packet is hostile: every decoder is bounded and checks every
// length, and what was cut for want of room is counted and said.
package flow
