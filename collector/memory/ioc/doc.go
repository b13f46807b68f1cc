// Package ioc looks for the indicators of compromise that a responder brings:
// addresses, domains, URLs, hashes, names, paths and byte strings, in all that a
// collection takes and in the memory of all processes.
//
// The way of an indicator:
//
//	list.go, csv.go        Parse reads a list; what is not understood is named by its line
//	recognise.go           which kind a line without one is; defanged forms
//	hexbytes.go, domain.go byte strings with wildcards; internationalised domains
//	pattern.go             what bytes each indicator looks like, and what must stand beside them
//	searcher.go, fragment.go  the search for very many patterns in one pass
//	token.go               addresses and hashes in text, however they are spelt
//	matcher.go             Matcher, behind which all of that is; other languages of rules come here
//	stream.go              bytes that come in pieces
//	watch.go, walk.go      a sink between the collectors and the archive, which looks at what passes
//	images.go              hashes of the files that processes run
//	processes.go, regions.go  the memory of processes
//	hits.go, collector.go  what was found: memory/ioc.jsonl
//
// Begin with Search, which holds the lists and the hits of one collection.
package ioc
