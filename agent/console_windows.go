package main

import (
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// systemLanguage is what the user reads in: the first language of
// GetUserPreferredUILanguages, as "ja-JP".
func systemLanguage() string {
	names, err := windows.GetUserPreferredUILanguages(windows.MUI_LANGUAGE_NAME)
	if err != nil || len(names) == 0 {
		return ""
	}
	return names[0]
}

// openConsole makes a console show what we write and lets nothing of it hold us up:
// escape sequences are understood (where that is refused, live is false and there is no
// live line), and a click into the window selects nothing, for a selection stops every
// program that writes there. restore puts all back.
// See "High-Level Console Modes" (learn.microsoft.com/windows/console).
func openConsole() (live bool, restore func()) {
	var undo []func()
	set := func(f *os.File, change func(uint32) uint32) error {
		var old uint32
		h := windows.Handle(f.Fd())
		if err := windows.GetConsoleMode(h, &old); err != nil {
			return nil // no console: a file, a pipe
		}
		if change(old) == old {
			return nil
		}
		err := windows.SetConsoleMode(h, change(old))
		if err == nil {
			undo = append(undo, func() { windows.SetConsoleMode(h, old) })
		}
		return err
	}
	live = true
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		err := set(f, func(m uint32) uint32 {
			return m | windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
		})
		live = live && err == nil
	}
	set(os.Stdin, func(m uint32) uint32 {
		return m&^windows.ENABLE_QUICK_EDIT_MODE | windows.ENABLE_EXTENDED_FLAGS
	})
	return live, func() {
		for _, f := range undo {
			f()
		}
	}
}

// showsBlocks says whether the console shows the block elements of a QR code, each in one
// column; what is no console is for whoever reads it.
func showsBlocks() bool {
	page, err := windows.GetConsoleOutputCP()
	return err != nil || hasBlocks(page)
}

// ownConsole says whether nobody but us is at the console: Windows made it for this
// program, because somebody double-clicked it, and closes it when we end
// (GetConsoleProcessList).
func ownConsole() bool {
	var list [2]uint32
	n, err := consoleProcesses(list[:])
	return err == nil && n == 1
}

// flushInput throws away what was typed while nobody asked (FlushConsoleInputBuffer).
func flushInput(r io.Reader) {
	if f, ok := r.(*os.File); ok {
		windows.FlushConsoleInputBuffer(windows.Handle(f.Fd()))
	}
}

// consoleProcesses fills list with the processes at our console, and says how many there
// are (https://learn.microsoft.com/windows/console/getconsoleprocesslist).
func consoleProcesses(list []uint32) (int, error) {
	proc := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetConsoleProcessList")
	if err := proc.Find(); err != nil {
		return 0, err
	}
	n, _, err := proc.Call(uintptr(unsafe.Pointer(&list[0])), uintptr(len(list)))
	if n == 0 {
		return 0, err
	}
	return int(n), nil
}
