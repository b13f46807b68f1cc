package keys

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/sys/windows"

	"hozen/packager/keys/keystest"
)

// TestNoPipe: nobody listens, which is told at once.
func TestNoPipe(t *testing.T) {
	for _, socket := range []string{"", `\\.\pipe\hozen-nobody`, "//./pipe/hozen-nobody"} {
		if _, err := Open("agent", Options{Socket: socket}); !errors.Is(err, ErrKey) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "no agent runs") {
			t.Errorf("%q: %v", socket, err)
		}
	}
}

// TestManyAtOnce: who comes while another is being served waits.
func TestManyAtOnce(t *testing.T) {
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: privateKeys(t)["ed25519"], Comment: "operator:sato"}); err != nil {
		t.Fatal(err)
	}
	o := Options{Socket: strings.ReplaceAll(served(t, ring), `\`, "/")}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if _, err := Open("agent", o); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestNotInOurName: whoever serves the pipe learns who calls, and cannot act as him.
func TestNotInOurName(t *testing.T) {
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		t.Skip("only on windows itself: Wine lets every server act as its client")
	}
	impersonate := windows.NewLazySystemDLL("advapi32.dll").NewProc("ImpersonateNamedPipeClient")
	level := make(chan uint32, 1)
	name := keystest.Name(t.TempDir())
	stop, err := keystest.Listen(name, func(c io.ReadWriteCloser) {
		defer c.Close()
		if _, err := c.Read(make([]byte, 5)); err != nil { // only who was read from can be impersonated
			t.Error(err)
		}
		level <- levelOf(t, impersonate, windows.Handle(c.(*os.File).Fd()))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open("agent", Options{Socket: name}); err == nil {
		t.Error("an agent that hangs up has keys")
	}
	if got := <-level; got > windows.SecurityIdentification {
		t.Errorf("the server may act as its caller: level %d", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// levelOf is the level at which a pipe's server has the token of its client.
func levelOf(t *testing.T, impersonate *windows.LazyProc, h windows.Handle) (level uint32) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if ok, _, err := impersonate.Call(uintptr(h)); ok == 0 {
		t.Errorf("ImpersonateNamedPipeClient: %v", err)
		return 0
	}
	defer windows.RevertToSelf()
	var token windows.Token
	if err := windows.OpenThreadToken(windows.CurrentThread(), windows.TOKEN_QUERY, true, &token); err != nil {
		t.Error(err)
		return 0
	}
	defer token.Close()
	var n uint32
	if err := windows.GetTokenInformation(token, windows.TokenImpersonationLevel, (*byte)(unsafe.Pointer(&level)), 4, &n); err != nil {
		t.Error(err)
	}
	return level
}
