package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hozen/packager"
	"hozen/service/deliver"
	"hozen/service/hub/admin"
	"hozen/service/hub/console"
	"hozen/service/hub/console/users"
	"hozen/service/hub/intake"
	"hozen/service/hub/server"
	"hozen/service/hub/store"
	"hozen/service/hub/view"
)

// app is the command, with what it writes to.
type app struct {
	out, err io.Writer
	in       io.Reader
	lang     language
	dir      string
}

func (a *app) text(m message, args ...any) string { return a.lang.text(m, args...) }

func (a *app) say(m message, args ...any) { fmt.Fprintln(a.out, a.text(m, args...)) }

// settings are the flags of the hub itself.
type settings struct {
	server.Options
	http              string
	plain, verbose    bool
	store, storeCreds string
	storePin, trust   string
	resolve           []string
}

// run executes a command line and gives the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(a.err, a.text(mError, a.why(err)))
		return 1
	}
	return 0
}

func (a *app) root() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use: "hub", Short: a.text(mShort), Version: version, Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.hub(cmd.Context(), s) },
	}
	c.PersistentFlags().StringVar(&a.dir, "dir", "hozen-hub", a.text(mFlagDir))
	f := c.Flags()
	f.StringVar(&s.Listen, "listen", "0.0.0.0:4222", a.text(mFlagListen))
	f.StringSliceVar(&s.Advertise, "advertise", nil, a.text(mFlagAdvertise))
	f.StringVar(&s.http, "http", "0.0.0.0:8443", a.text(mFlagHTTP))
	f.BoolVar(&s.plain, "http-plain", false, a.text(mFlagPlain))
	f.StringSliceVar(&s.NATS, "nats", nil, a.text(mFlagNATS))
	f.StringVar(&s.NATSCreds, "nats-creds", "", a.text(mFlagCreds))
	f.StringVar(&s.NATSCA, "nats-ca", "", a.text(mFlagNATSCA))
	f.StringVar(&s.store, "store", "", a.text(mFlagStore))
	f.StringVar(&s.storeCreds, "store-credentials", "", a.text(mFlagStoreCred))
	f.StringVar(&s.storePin, "store-pin", "", a.text(mFlagStorePin))
	f.StringSliceVar(&s.resolve, "store-resolve", nil, a.text(mFlagResolve))
	f.StringVar(&s.Name, "name", ownName(), a.text(mFlagName))
	f.StringVar(&s.trust, "trust", "", a.text(mFlagTrust))
	f.Int64Var(&s.Reserve, "reserve", 1<<30, a.text(mFlagReserve))
	f.Int64Var(&s.Limits.Transit, "endpoint-bytes", 256<<30, a.text(mFlagTransit))
	f.Float64Var(&s.Limits.Share, "endpoint-share", intake.DefaultShare, a.text(mFlagShare))
	f.Float64Var(&s.Limits.Rate, "endpoint-rate", 200, a.text(mFlagRate))
	f.BoolVar(&s.verbose, "verbose", false, a.text(mFlagVerbose))
	c.AddCommand(a.tokenCommand(), a.revokeCommand(), a.userCommand(), a.configCommand(), a.endpointsCommand())
	a.inLanguage(c)
	return c
}

// ownName is this machine's.
func ownName() string {
	name, err := os.Hostname()
	if err != nil {
		return "hub"
	}
	return packager.DeviceName(name)
}

// hub runs until ctx ends.
func (a *app) hub(ctx context.Context, s settings) (err error) {
	level := slog.LevelInfo
	if s.verbose {
		level = slog.LevelDebug
	}
	s.Log = slog.New(slog.NewJSONHandler(a.err, &slog.HandlerOptions{Level: level}))
	if s.Dir, err = filepath.Abs(a.dir); err != nil {
		return err
	}
	s.Version = version
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	control, err := admin.Listen(s.Dir)
	if err != nil {
		return err
	}
	defer control.Close()
	people, err := users.Open(filepath.Join(s.Dir, "users.jsonl"))
	if err != nil {
		return err
	}
	s.Users = people
	if s.Operators, err = readTrust(s.trust); err != nil {
		return err
	}
	if s.Options.Store, err = storeOf(s); err != nil {
		return err
	}
	h, err := server.Start(ctx, s.Options)
	if err != nil {
		return err
	}
	err = a.serve(ctx, s, h, people, control)
	end, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err = errors.Join(err, h.Stop(end)); err == nil {
		a.say(mStopped)
	}
	return err
}

// serve answers the console and the commands beside, until ctx ends.
func (a *app) serve(ctx context.Context, s settings, h *server.Hub, people *users.Store, control net.Listener) error {
	local := &http.Server{Handler: admin.Handler(h, people), ReadHeaderTimeout: 10 * time.Second}
	go local.Serve(control) //nolint:errcheck // it ends when it is closed
	defer local.Close()
	first, err := firstUser(people)
	if err != nil {
		s.Log.Error("no first user of the console", "error", err.Error())
		err = nil
	}
	var web *http.Server
	failed := make(chan error, 1)
	address := ""
	if s.http != "" {
		l, err := listenWeb(s, h)
		if err != nil {
			return err
		}
		if web, err = webServer(ctx, s, h); err != nil {
			return errors.Join(err, l.Close())
		}
		address = webAddress(s, l.Addr())
		go func() { failed <- web.Serve(l) }()
	}
	a.greet(s, h, address, first)
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	if web != nil {
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if web.Shutdown(end) != nil {
			web.Close()
		}
	}
	return err
}

// firstUser makes the user admin where there is nobody, and gives the password.
func firstUser(people *users.Store) (string, error) {
	list, err := people.List()
	if err != nil || len(list) > 0 {
		return "", err
	}
	password := rand.Text()
	if err := people.Add("admin", view.Admin, password); err != nil {
		return "", err
	}
	return password, nil
}

func listenWeb(s settings, h *server.Hub) (net.Listener, error) {
	l, err := net.Listen("tcp", s.http)
	if err != nil {
		return nil, err
	}
	if s.plain {
		if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
			return nil, errors.Join(fmt.Errorf("--http-plain: %s is not a loopback address", s.http), l.Close())
		}
		return l, nil
	}
	return h.ListenTLS(l), nil
}

func webServer(ctx context.Context, s settings, h *server.Hub) (*http.Server, error) {
	operators, err := packager.ParseTrust(strings.NewReader(s.Operators))
	if err != nil {
		return nil, err
	}
	if s.trust == "" {
		operators = nil
	}
	c, err := console.New(console.Config{Hub: h, Trust: func() *packager.Trust { return operators }, Log: s.Log})
	if err != nil {
		return nil, err
	}
	return &http.Server{
		Handler: h.Web(c), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}, nil
}

func webAddress(s settings, a net.Addr) string {
	scheme := "https://"
	if s.plain {
		scheme = "http://"
	}
	host, port, err := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + net.JoinHostPort(host, port) + "/"
}

func (a *app) greet(s settings, h *server.Hub, address, password string) {
	about := h.About()
	a.say(mReady, about.Name)
	a.say(mEndpoints, strings.Join(about.Addresses, ", "))
	if address != "" {
		a.say(mConsole, address)
		if !s.plain {
			a.say(mCA, filepath.Join(s.Dir, "ca.crt"))
		}
	}
	a.say(mKey, about.Fingerprint)
	a.say(mFiles, s.Dir)
	a.say(mArchives, about.Store)
	if password != "" {
		a.say(mAdmin, "admin", password)
	}
	dir := ""
	if a.dir != "hozen-hub" {
		dir = " --dir " + a.dir
	}
	a.say(mToken, dir)
}

func readTrust(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if _, err := packager.ParseTrust(strings.NewReader(string(b))); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return strings.TrimRight(string(b), "\n") + "\n", nil
}

// storeOf makes the store that was asked for; nil is JetStream's.
func storeOf(s settings) (store.Store, error) {
	if s.store == "" {
		return nil, nil
	}
	p, err := deliver.Parse(s.store)
	if err != nil {
		return nil, err
	}
	o := deliver.Options{Pin: s.storePin}
	if s.storeCreds != "" {
		if o.Credentials, err = deliver.ReadCredentials(s.storeCreds); err != nil {
			return nil, err
		}
	}
	for _, text := range s.resolve {
		name, addr, err := deliver.ParseResolve(text)
		if err != nil {
			return nil, err
		}
		if o.Resolve == nil {
			o.Resolve = map[string]netip.Addr{}
		}
		o.Resolve[name] = addr
	}
	if _, err := deliver.New(p, o); err != nil {
		return nil, err
	}
	return store.Elsewhere(p, o), nil
}
