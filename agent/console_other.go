//go:build !windows

package main

// systemLanguage: the environment says it all, see chooseLanguage.
func systemLanguage() string { return "" }

// openConsole has nothing to do: terminals show what we write.
func openConsole() (live bool, restore func()) { return true, func() {} }

// showsBlocks: terminals show UTF-8.
func showsBlocks() bool { return true }

// ownConsole: no other system makes a terminal for a program that was clicked on.
func ownConsole() bool { return false }
