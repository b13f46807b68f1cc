package secret

import "runtime"

const (
	// padding is more than a quarter of the stack that holds it, so that the garbage
	// collector never makes that stack smaller, which would copy it.
	padding = 64 << 10
	// working is the most stack that work may use: less than what is left of the
	// 128 KiB to which padding makes the stack grow.
	working = 48 << 10
)

// Deep runs work on a stack that is neither moved while work runs nor left with
// anything of it: of its own goroutine, grown before, wiped after. The thread takes
// no signals meanwhile, for the kernel would lay the registers on the signal stack.
func Deep(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		onDeepStack(work)
	}()
	<-done
}

//go:noinline
func onDeepStack(work func()) {
	var pad [padding]byte
	loud := quiet()
	work()
	cover()
	wipe()
	loud()
	runtime.KeepAlive(&pad)
}

// cover does work of the same kind with a key that everybody knows, so that
// the registers hold nothing of the other.
//
//go:noinline
func cover() {
	var sig [signatureSize]byte
	var known [seedSize]byte
	sign(sig[:], known[:], known[:], known[:])
}

//go:noinline
func wipe() {
	var stack [working]byte
	clear(stack[:])
	runtime.KeepAlive(&stack)
}
