package config

import "hozen/packager/private"

// OnlyOurs says why somebody else than SYSTEM, Administrators, Windows' own installer and
// whoever runs this could change a file, or put another in its place: the file and the
// folders above it. Nil: nobody can.
func OnlyOurs(file string) error { return private.OnlyOurs(file) }

// Private says why somebody else than those could read a file or folder; nil: nobody can.
func Private(file string) error { return private.Secret(file) }

// OnlyOursBelow says why somebody else could replace a folder that is made in this one: that
// they can make things beside it, as in %ProgramData%, does no harm.
func OnlyOursBelow(dir string) error { return private.OnlyOursBelow(dir) }
