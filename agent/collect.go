package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hozen/collector"
	"hozen/collector/disk/image"
	"hozen/collector/disk/known"
	"hozen/collector/disk/timeline"
	"hozen/collector/memory"
	"hozen/collector/memory/ioc"
	"hozen/collector/volatile"
	"hozen/packager"
	"hozen/packager/evidence"
	"hozen/packager/evidence/fault"
	"hozen/packager/report/model"
	"hozen/service/remote"
	"hozen/service/remote/witness"
)

// collectOptions are the flags of collect.
type collectOptions struct {
	out, root, profile string
	only, skip         []string
	limit              time.Duration
	caseNo, evidenceNo string
	operator, reason   string
	place              string
	witness            []string
	key                string
	sign               signing
	job                *packager.Job // that a signed request asks for; nil otherwise
	ram, swap          bool
	dump               []int
	freeze             bool
	dryRun             bool
	json, quiet        bool
	ioc                iocOptions
	disk               diskOptions
	packets            packetOptions
	moments            moments
	to                 toOptions
	stamp              stampOptions
	ntp                []string
	hubClock           func() (remote.Clock, bool) // what is known of the hub's clock; nil: there is none
	encrypt            encryptOptions
	form               formOptions
}

func (a *app) collectCommand() *cobra.Command {
	var o collectOptions
	c := &cobra.Command{
		Use: "collect", Short: a.text(mShortCollect), Long: a.text(mLongCollect), Args: noArgs,
		Example: "  hozen collect --out /media/usb --case 2026-017 --operator \"A. Sato\"\n  hozen collect --profile volatile --time-limit 3m\n  hozen collect --only sockets,processes\n  hozen collect --dry-run",
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("only") && len(o.only) == 0 {
				return usage(errors.New("--only: no collector is named"), a.text(mHintDryRun))
			}
			if err := fault.Join(a.checkQuotes(&o.out), a.checkDump(o), a.checkPackets(&o), a.checkDisk(o), o.checkClocks(a)); err != nil {
				return err
			}
			if o.to.given() && !c.Flags().Changed("out") {
				o.out = "" // nothing is written here
			}
			return a.collect(c.Context(), o)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.out, "out", ".", a.text(mFlagOut))
	a.toFlags(c, &o.to, mFlagCollectTo)
	f.Func("to-retry", a.text(mFlagToRetry), durationInto(&o.to.retry))
	f.StringVar(&o.root, "root", "/", a.text(mFlagRoot))
	f.StringVar(&o.profile, "profile", "standard", a.text(mFlagProfile))
	f.StringSliceVar(&o.only, "only", nil, a.text(mFlagOnly))
	f.StringSliceVar(&o.skip, "skip", nil, a.text(mFlagSkip))
	f.IntSliceVar(&o.dump, "dump", nil, a.text(mFlagDump))
	f.BoolVar(&o.freeze, "freeze", false, a.text(mFlagFreeze))
	f.BoolVar(&o.ram, "ram", false, a.text(mFlagRAM))
	f.BoolVar(&o.swap, "swap", false, a.text(mFlagSwap))
	f.Func("time-limit", a.text(mFlagLimit), durationInto(&o.limit))
	a.peopleFlags(c, &o)
	f.Func("form", a.text(mFlagForm), o.form.read)
	a.encryptFlags(c, &o.encrypt)
	a.iocFlags(c, &o.ioc)
	a.packetFlags(c, &o.packets)
	a.diskFlags(c, &o.disk)
	a.stampFlags(c, &o.stamp)
	f.StringArrayVar(&o.ntp, "ntp", nil, a.text(mFlagNTP))
	f.BoolVar(&o.dryRun, "dry-run", false, a.text(mFlagDryRun))
	f.BoolVar(&o.json, "json", false, a.text(mFlagJSONEvents))
	f.BoolVar(&o.quiet, "quiet", false, a.text(mFlagQuiet))
	return c
}

// checkDump refuses a dump of what can be no process.
func (a *app) checkDump(o collectOptions) error {
	for _, pid := range o.dump {
		if pid <= 0 {
			return usage(fmt.Errorf("--dump %d: not the number of a process", pid), a.text(mHintDump))
		}
	}
	if o.freeze && len(o.dump) == 0 {
		return usage(errors.New(a.text(mFreezeAlone)), a.text(mHintDump))
	}
	return nil
}

func durationInto(to *time.Duration) func(string) error {
	return func(s string) (err error) {
		if *to, err = time.ParseDuration(s); err != nil || *to <= 0 {
			return errors.New("want a positive duration such as 3m")
		}
		return nil
	}
}

// collection is one run of collect.
type collection struct {
	a      *app
	o      collectOptions
	host   *collector.Host
	id     volatile.Identity
	plan   *collector.Plan
	file   planFile
	device packager.Device
	name   string // the collection's id
	// recipients are who alone may read the archive; none: everybody.
	recipients []string
	began      time.Time
	tally      tally
	ui         *progress
	writer     *packager.Writer
	ioc        *ioc.Search    // nil if no list was given
	known      *known.Lists   // nil if no list was given
	image      *image.Options // of --image; nil without it
	close      func()         // lets go of the examined machine
	// definitions are those of artefacts, ours and those that were brought.
	definitions *definitionSet
	// suspects is what the search for indicators found.
	suspects memory.Suspects
	taken    takenFiles
	model    *model.Model // what the report within the archive tells
	// seen is what the walk of the file systems found notable.
	seen timeline.Seen
	to   *toRun // of --to; nil without it
	// place is where the output lies; the zero place if that is not known.
	place   volatile.OutputPlace
	witness witness.Options // how time stamping authorities are asked
	stamped *stamped        // what came of that; nil if none was asked
	// noWitness is why none can be asked.
	noWitness error
	// afterSeal may tell the log what happens behind the seal.
	afterSeal func(packager.Sealed, func(packager.Event) error)
	// stopped is why the collection ended before its plan; empty if it did not.
	stopped string
	// result is there once the archive is sealed.
	result *summary
}

// collect is a collection with nobody waiting for it but who started it.
func (a *app) collect(ctx context.Context, o collectOptions) error {
	return a.newCollection(o).run(ctx)
}

func (a *app) newCollection(o collectOptions) *collection {
	began := a.now()
	return &collection{a: a, o: o, began: began, model: model.New(began), close: func() {}}
}

// run is the whole way of a collection, in order.
func (c *collection) run(ctx context.Context) error {
	a, o := c.a, c.o
	defer func() { c.letGo() }()
	if err := c.prepare(); err != nil {
		return err
	}
	if o.dryRun {
		return c.showPlan()
	}
	c.ui = a.progressFor(o, c.plan, c.host, &c.tally)
	c.ui.suspects = &c.suspects
	if err := c.openOutput(ctx); err != nil {
		return c.notBegun(err)
	}
	c.greet()
	if err := c.create(); err != nil {
		return c.notBegun(err)
	}
	keepErr := c.take(ctx)
	sealed, err := c.seal(ctx, keepErr)
	if err != nil {
		return c.broken(err)
	}
	if c.o.moments.sealed != nil {
		c.o.moments.sealed()
	}
	return c.finish(sealed)
}

// prepare makes host, identity, plan and device, and writes nothing.
func (c *collection) prepare() (err error) {
	if c.witness, err = c.o.stamp.witness(c.a); err != nil && !c.o.stamp.anyway {
		return err
	}
	c.noWitness = err
	if c.recipients, err = c.o.encrypt.recipients(); err != nil {
		return usage(err, c.a.text(mHintEncrypt))
	}
	if err := c.openHost(); err != nil {
		return err
	}
	var told *exitError
	if err := c.makePlan(); errors.As(err, &told) {
		return err
	} else if err != nil {
		return usage(err, c.a.text(mHintCommandHelp, "hozen collect"))
	}
	if len(c.plan.Running()) == 0 {
		return usage(errors.New("the plan is empty: nothing would be taken"), c.a.text(mHintDryRun))
	}
	c.file = c.a.planFileOf(c.plan, c.host, c.o)
	c.file.Definitions = c.definitions.plan()
	c.file.Lists, c.file.Known = planLists(c.ioc), planKnowns(c.known)
	c.id = volatile.ReadIdentity(c.host)
	if c.o.key == "" {
		if c.o.key, err = c.a.hubKey(c.o.to); err != nil {
			return err
		}
	}
	if c.device, err = c.a.deviceFor(c.o.key, string(c.id.HostName)); err != nil {
		return err
	}
	return c.openSigner()
}

// makePlan reads the lists of indicators and plans.
func (c *collection) makePlan() error {
	profile, err := collector.ProfileNamed(c.o.profile)
	if err != nil {
		return err
	}
	if c.ioc, err = c.o.ioc.search(profile); err != nil {
		return err
	}
	if c.known, err = c.o.disk.knownLists(); err != nil {
		return err
	}
	choice := collector.Choice{Profile: c.o.profile, Only: c.o.chosen(), Skip: c.o.skip, Asked: c.o.asked(), TimeLimit: c.o.limit}
	want := c.o.request(c.a.args)
	want.ioc, want.suspects = c.ioc, &c.suspects
	c.definitions = &definitionSet{}
	if c.o.takesArtefacts() { // reading the definitions takes time, which what is volatile does not have
		if c.definitions, err = c.o.disk.definitionSet(); err != nil {
			return usage(err, c.a.text(mHintDefinitions))
		}
		if want.disk, err = c.a.artefacts(&c.o, c.definitions); err != nil {
			return err
		}
	}
	want.timeline.Seen = &c.seen
	want.notable = min(cmp.Or(want.disk.MaxSize, c.o.disk.maxSize, 512<<20), 512<<20)
	want.image, want.known, want.taken = c.image, c.known, c.taken.mark
	c.plan, err = collector.NewPlan(c.a.collectors(want), choice, c.host)
	return err
}

// rootFolders are those of which every machine has one, whatever its system.
func rootFolders() []string { return []string{"etc", "proc", "usr", "var", "bin", "Windows"} }

func rootOfMachine(h *collector.Host) bool {
	return slices.ContainsFunc(rootFolders(), func(name string) bool {
		_, err := h.Lstat("/" + name)
		return err == nil
	})
}

// deviceFor loads the device key, or makes one for this collection only.
func (a *app) deviceFor(file, host string) (packager.Device, error) {
	name := packager.DeviceName(host)
	if file == "" {
		d, err := packager.NewDevice(name, a.random)
		d.Throwaway = true
		return d, err
	}
	d, err := packager.LoadDevice(file, name)
	if err != nil {
		return d, fail(err, a.text(mHintKey))
	}
	return d, nil
}

func (c *collection) showPlan() error {
	if c.o.json {
		return writeJSON(c.a.stdout, c.file)
	}
	c.a.showPlan(c.a.stdout, c.plan, c.file, c.o.out)
	return nil
}

// create begins the archive with the plan in its first segment, and tells the
// collectors which files are our own.
func (c *collection) create() (err error) {
	if c.name, err = packager.NewID(string(c.id.HostName), c.began); err != nil {
		return err
	}
	if c.o.moments.began != nil {
		if err := c.o.moments.began(c.name); err != nil {
			return err
		}
	}
	if c.device.Throwaway && c.o.out != "" {
		c.device.File = filepath.Join(c.o.out, packager.KeyName(c.name))
	}
	c.writer, err = packager.Create(packager.Options{
		ID: c.name, Disk: c.output(), Device: c.device, Genesis: c.genesis(),
		Command: c.a.signed(), Now: c.a.now, Observe: c.observe, Random: c.a.random, Job: c.o.job, Operator: c.o.sign.by,
		Sealed: c.behindSeal,
	})
	if err != nil {
		return err
	}
	c.a.begun.Store(true)
	for _, name := range []string{c.partial(), packager.LogName(c.name)} {
		if abs, err := filepath.Abs(filepath.Join(c.o.out, name)); err == nil {
			here := collector.ThisHost()
			here.Avoid = nil // whoever writes there may look there
			if m, err := here.Lstat(abs); err == nil {
				c.host.Own = append(c.host.Own, collector.FileID{Dev: m.Dev, Inode: m.Inode})
			}
		}
	}
	return nil
}

// observe is told each record as it is made.
func (c *collection) observe(r evidence.Record) {
	c.tally.observe(r)
	c.known.Observe(r)
	c.taken.observe(r)
	c.model.Observe(r)
}

// notBegun says that nothing was taken. Files that were made and are empty are
// ours, and of no use to anybody.
func (c *collection) notBegun(err error) error {
	c.ui.events.send(event{Event: "error", Text: err.Error()})
	if c.name != "" {
		files := []string{filepath.Join(c.o.out, c.partial()), filepath.Join(c.o.out, packager.LogName(c.name))}
		if !slices.ContainsFunc(files, holdsSomething) {
			for _, f := range files {
				os.Remove(f)
			}
		}
	}
	if e := (*exitError)(nil); errors.As(err, &e) {
		return err
	}
	return fail(err, c.a.text(mHintOut))
}

func holdsSomething(file string) bool {
	st, err := os.Lstat(file)
	return err == nil && (!st.Mode().IsRegular() || st.Size() > 0) || err != nil && !errors.Is(err, os.ErrNotExist)
}

// take puts the plan, runs it, and puts the clocks of the end. An error is why
// nothing more can be kept.
func (c *collection) take(ctx context.Context) error {
	item := evidence.Item{Path: "plan.json", Source: "the plan of this collection", Collector: "plan"}
	always := context.WithoutCancel(ctx)
	own := tapped(c.writer, c.model)
	if err := own.Put(always, item, c.file.write); err != nil {
		return err
	}
	if err := c.putLists(always); err != nil {
		return err
	}
	if err := c.definitions.put(always, c.writer); err != nil {
		return err
	}
	if err := c.putForm(always); err != nil {
		return err
	}
	if _, err := c.writer.Checkpoint(); err != nil {
		return err
	}
	if err := c.tellForm(); err != nil {
		return err
	}
	c.ui.start()
	stop := context.AfterFunc(ctx, c.ui.stopping)
	limited, cancelLimit := c.withLimit(ctx)
	err := collector.Run(limited, c.plan, c.host, tapped(c.keeper(), c.model), c.watcher())
	c.stopped = c.whyStopped(ctx, limited)
	cancelLimit()
	stop()
	c.ui.stop()
	if err != nil {
		return err
	}
	keepClocks := c.askClocks(ctx)
	if err := c.putHits(always); err != nil {
		return err
	}
	if err := c.putKnown(always); err != nil {
		return err
	}
	if err := keepClocks(); err != nil {
		return err
	}
	end, cancel := context.WithTimeout(always, 5*time.Second)
	defer cancel()
	if err := volatile.PutClock(end, c.host, own, "end"); err != nil {
		return err
	}
	return c.putReport(always)
}

// withLimit ends ctx when the time of the collection is over.
func (c *collection) withLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.o.limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.o.limit, fmt.Errorf("%s: %w", c.limitOver(), context.DeadlineExceeded))
}

func (c *collection) limitOver() string {
	return fmt.Sprintf("the time limit of the collection (%v) is over", c.o.limit)
}

// whyStopped says why the run ended before its plan. A limit that ran out when
// all was taken has stopped nothing.
func (c *collection) whyStopped(ctx, limited context.Context) string {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx).Error()
	case limited.Err() != nil && c.tally.now().short > 0:
		return c.limitOver()
	}
	return ""
}

// seal completes the archive, with the reason why it ended early, if it did.
func (c *collection) seal(ctx context.Context, keepErr error) (packager.Sealed, error) {
	if keepErr != nil {
		return packager.Sealed{}, fault.Join(keepErr, ignoreClosed(c.writer.Abort()))
	}
	if ctx.Err() != nil {
		c.stopped = context.Cause(ctx).Error()
	}
	c.ui.sealing()
	if len(c.o.stamp.urls) > 0 {
		c.afterSeal = func(s packager.Sealed, tell func(packager.Event) error) { c.stampSeal(ctx, s, tell) }
	}
	if c.o.sign.by != nil {
		c.o.sign.by.Stop = ctx.Done()
	}
	sealed, err := c.writer.Seal(c.stopped)
	if err != nil {
		return sealed, fault.Join(err, ignoreClosed(c.writer.Abort()))
	}
	c.a.begun.Store(false) // it has its final name
	c.coSigned(sealed)
	return sealed, nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// genesis is what is known of the case, the people and the host.
func (c *collection) genesis() packager.Genesis {
	return packager.Genesis{
		Case: plain(c.o.caseNo), Evidence: plain(c.o.evidenceNo), Operator: plain(c.o.operator),
		Reason: plain(c.o.reason), Place: plain(c.o.place), Witness: plainAll(c.o.witness, maxListed),
		Tool: c.a.tool(), Host: hostID(c.id), Require: c.o.sign.require,
		Recipients: c.recipients,
	}
}
