// Package packages reads the databases of package managers: which files a package
// installed, and what they were like then. It takes bytes and gives facts; it looks at
// no file of the host, and knows nothing of archives.
//
// Begin with Package and File (model.go); then a parser: dpkg.go (dpkg(1), Debian), apk.go
// (Alpine), pacman.go (Arch). The database of rpm is package rpmdb.
//
// A database is the word of whoever can write it: root, and so an attacker who has root.
package packages
