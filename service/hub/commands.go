package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hozen/service/hub/admin"
	"hozen/service/hub/broker"
	"hozen/service/hub/view"
	"hozen/service/protocol"
)

// tokenCommand makes a token and prints it, and nothing else, on standard output.
func (a *app) tokenCommand() *cobra.Command {
	var req admin.TokenRequest
	var life time.Duration
	c := &cobra.Command{
		Use: "token", Short: a.text(mTokenShort), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			req.Seconds = int64(life / time.Second)
			var answer admin.TokenAnswer
			if err := admin.Do(cmd.Context(), a.dir, admin.CallToken, req, &answer); err != nil {
				return err
			}
			fmt.Fprintln(a.out, answer.Token)
			return nil
		},
	}
	c.Flags().StringVar(&req.Role, "role", broker.Endpoint, a.text(mFlagRole))
	c.Flags().DurationVar(&life, "for", 24*time.Hour, a.text(mFlagFor))
	c.Flags().StringVar(&req.Device, "device", "", a.text(mFlagDevice))
	c.Flags().StringVar(&req.Name, "name", "", a.text(mFlagToName))
	return c
}

// revokeCommand ends an enrolment.
func (a *app) revokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke DEVICE|OPERATOR-ID", Short: a.text(mRevokeShort), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := admin.Do(cmd.Context(), a.dir, admin.CallRevoke, admin.RevokeRequest{Who: args[0]}, nil); err != nil {
				return err
			}
			a.say(mRevoked, args[0])
			return nil
		},
	}
}

// userCommand is for the users of the console.
func (a *app) userCommand() *cobra.Command {
	c := &cobra.Command{Use: "user", Short: a.text(mUserShort)}
	var role string
	add := &cobra.Command{
		Use: "add NAME", Short: a.text(mUserAddShort), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u := admin.UserRequest{Name: args[0], Role: role, Password: rand.Text()}
			if err := admin.Do(cmd.Context(), a.dir, admin.CallUserAdd, u, nil); err != nil {
				return err
			}
			a.say(mPassword, u.Name, u.Password)
			return nil
		},
	}
	add.Flags().StringVar(&role, "role", view.Viewer, a.text(mFlagUserRole))
	list := &cobra.Command{
		Use: "list", Short: a.text(mUserLsShort), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []view.User
			if err := admin.Do(cmd.Context(), a.dir, admin.CallUsers, struct{}{}, &all); err != nil {
				return err
			}
			for _, u := range all {
				fmt.Fprintf(a.out, "%s\t%s\n", u.Name, u.Role)
			}
			return nil
		},
	}
	set := &cobra.Command{
		Use: "passwd NAME", Short: a.text(mUserSetShort), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := a.readPassword()
			if err != nil {
				return err
			}
			return admin.Do(cmd.Context(), a.dir, admin.CallUserSet, admin.UserRequest{Name: args[0], Password: password}, nil)
		},
	}
	remove := &cobra.Command{
		Use: "remove NAME", Short: a.text(mUserDelShort), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return admin.Do(cmd.Context(), a.dir, admin.CallUserDel, admin.UserRequest{Name: args[0]}, nil)
		},
	}
	c.AddCommand(add, list, set, remove)
	return c
}

// readPassword reads one line, without showing it where it is typed.
func (a *app) readPassword() (string, error) {
	if f, ok := a.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(a.err, a.text(mNewPassword))
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.err)
		return string(b), err
	}
	line, err := bufio.NewReader(io.LimitReader(a.in, 4096)).ReadString('\n')
	if err == io.EOF {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

// configCommand needs no running hub: it makes the keys where there are none.
func (a *app) configCommand() *cobra.Command {
	return &cobra.Command{
		Use: "nats-config", Short: a.text(mConfigShort), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			id, err := broker.OpenIdentity(a.dir)
			if err == nil {
				fmt.Fprint(a.out, id.Config())
			}
			return err
		},
	}
}

func (a *app) endpointsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "endpoints", Short: a.text(mListShort), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []protocol.Endpoint
			if err := admin.Do(cmd.Context(), a.dir, admin.CallEndpoints, struct{}{}, &all); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(a.out).Encode(all)
			}
			return a.table(all)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, a.text(mFlagJSON))
	return c
}

// table prints the endpoints; what they say of themselves is quoted where it is not plain.
func (a *app) table(all []protocol.Endpoint) error {
	if len(all) == 0 {
		a.say(mNoEndpoints)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, a.text(mHeader))
	for _, e := range all {
		online := mNo
		if e.Online {
			online = mYes
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", e.Device, a.text(online), e.LastSeen, plain(e.Hello.Version), e.Hello.Outbox, plain(e.Hello.Isolated))
	}
	return w.Flush()
}

func plain(s string) string {
	if q := fmt.Sprintf("%+q", s); q != `"`+s+`"` || len(s) > 80 {
		return fmt.Sprintf("%+.80q", s)
	}
	return s
}
