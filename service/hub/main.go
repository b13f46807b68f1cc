// Command hub is the receiving server: endpoints connect to it, operators hand jobs to
// it, archives arrive at it. It relays, stores and verifies; it holds no key that can
// start anything, and none that decrypts.
//
// run.go starts it; commands.go has what is done beside a running hub; what people read
// is in messages.go, in English and Japanese. The parts are in the packages below:
// server puts them together.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

const version = "0.1.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	a := &app{out: os.Stdout, err: os.Stderr, in: os.Stdin, lang: languageOf(os.Getenv)}
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
