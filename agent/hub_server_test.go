package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"log/slog"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"

	"hozen/service/hub/registry"
	"hozen/service/hub/server"
	"hozen/service/protocol"
)

// scriptOperator makes the key of somebody who signs jobs: FILE and FILE.pub.
func scriptOperator(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: operator FILE")
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	ts.Check(err)
	block, err := ssh.MarshalPrivateKey(key, "")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(block), 0o600))
	p, err := ssh.NewPublicKey(public)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pub"), ssh.MarshalAuthorizedKey(p), 0o600))
}

// scriptHub starts a hub and makes a token for one endpoint and one operator. Its clock is
// ahead of this machine's by AHEAD.
func scriptHub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: hub OPERATORS [AHEAD]")
	}
	var ahead time.Duration
	if len(args) == 2 {
		var err error
		ahead, err = time.ParseDuration(args[1])
		ts.Check(err)
	}
	operators, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	h, err := server.Start(ctx, server.Options{
		Dir: ts.MkAbs("hub"), Listen: "127.0.0.1:0", Operators: string(operators), Reserve: 1, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(ahead) },
	})
	ts.Check(err)
	ts.Defer(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.Stop(ctx); err != nil {
			ts.Logf("the hub ended: %v", err)
		}
	})
	for variable, role := range map[string]string{"ENDPOINT": protocol.RoleEndpoint, "OPERATOR": protocol.RoleOperator} {
		token, err := h.Token(ctx, registry.Invitation{Role: role}, time.Hour)
		ts.Check(err)
		ts.Setenv(variable, token)
	}
}

// scriptFill puts the values of variables into a file.
func scriptFill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fill FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
}
