package console

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"hozen/packager"
	"hozen/packager/evidence/sorting"
	"hozen/service/hub/view"
	"hozen/service/protocol"
)

// How much one page shows.
const (
	perPage     = 100
	mostJobs    = 500
	mostLines   = 1000
	recentJobs  = 8  // of the first page
	recentRuns  = 12 // of each of its jobs
	mostArchive = 1000
)

// pager is where in a long list a page is.
type pager struct {
	Page, Pages, All int
	Query            string
}

// Prev is the page before, 0 if there is none, and Next the one after.
func (p pager) Prev() int { return p.Page - 1 }

// Next is the page after this one; 0 if there is none.
func (p pager) Next() int {
	if p.Page >= p.Pages {
		return 0
	}
	return p.Page + 1
}

// cut gives the part of a list that the query's page asks for.
func cut[T any](q *request, list []T) ([]T, pager) {
	p := pager{All: len(list), Pages: max(1, (len(list)+perPage-1)/perPage), Query: q.r.URL.Query().Get("q")}
	p.Page, _ = strconv.Atoi(q.r.URL.Query().Get("page"))
	p.Page = min(max(p.Page, 1), p.Pages)
	from := (p.Page - 1) * perPage
	return list[from:min(from+perPage, len(list))], p
}

// jobRuns is a job with its runs, those first that are not done.
type jobRuns struct {
	view.Job
	Runs  []run
	Tally map[string]int // of classes of answers
	More  int            // runs that are not shown
}

func runsOf(d view.JobDetail) jobRuns {
	out := jobRuns{Job: d.Job, Tally: map[string]int{}}
	for _, s := range d.Devices {
		r := runOf(s, d.Action)
		out.Runs = append(out.Runs, r)
		out.Tally[r.Answer.Class]++
	}
	sorting.By(out.Runs, func(a, b run) int {
		return cmp.Or(cmp.Compare(urgency(a), urgency(b)), cmp.Compare(a.Device, b.Device))
	})
	return out
}

func urgency(r run) int {
	return slices.Index([]string{"no", "care", "wait", "yes", "none"}, r.Answer.Class)
}

// overviewData is the first page: what runs, and whether it is done.
type overviewData struct {
	Jobs                        []jobRuns
	Online, Endpoints, Isolated int
	Waiting                     int // archives in outboxes
	WaitingBytes                int64
	Archives, Doubtful          int
	Refused                     []view.Line
}

func (c *console) overview(q *request) error {
	var d overviewData
	all, err := c.Hub.List(q.ctx())
	if err != nil {
		return err
	}
	for _, e := range all {
		d.Endpoints++
		d.Waiting += e.Hello.Outbox
		d.WaitingBytes += e.Hello.OutboxB
		d.Online += count(e.Online)
		d.Isolated += count(e.Hello.Isolated != "")
	}
	recent, err := c.Hub.Recent(q.ctx(), recentJobs)
	if err != nil {
		return err
	}
	for _, j := range recent {
		detail, err := c.Hub.Job(q.ctx(), j.ID)
		if err != nil {
			return err
		}
		r := runsOf(detail)
		if r.More = len(r.Runs) - recentRuns; r.More > 0 {
			r.Runs = r.Runs[:recentRuns]
		}
		d.Jobs = append(d.Jobs, r)
	}
	archives, err := c.Hub.Archives(q.ctx(), "", mostArchive)
	if err != nil {
		return err
	}
	for _, a := range archives {
		d.Archives += count(a.State == "receipted")
		class := verdictClass(a.Verdict)
		d.Doubtful += count(class == "no" || class == "care")
	}
	if d.Refused, err = c.Hub.Refusals(q.ctx(), 3); err != nil {
		return err
	}
	c.render(q, http.StatusOK, "overview", d)
	return nil
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// endpointsData is the list of endpoints.
type endpointsData struct {
	Endpoints []protocol.Endpoint
	Pager     pager
}

func (c *console) endpoints(q *request) error {
	all, err := c.Hub.List(q.ctx())
	if err != nil {
		return err
	}
	want := strings.ToLower(q.r.URL.Query().Get("q"))
	all = slices.DeleteFunc(slices.Clone(all), func(e protocol.Endpoint) bool {
		return !strings.Contains(strings.ToLower(e.Device+" "+e.Hello.Host), want)
	})
	shown, p := cut(q, all)
	c.render(q, http.StatusOK, "endpoints", endpointsData{shown, p})
	return nil
}

// endpointData is one endpoint.
type endpointData struct {
	protocol.Endpoint
	Runs     []jobRuns
	Archives []view.Archive
	Refused  []view.Line
}

func (c *console) endpoint(q *request) error {
	device := q.r.PathValue("device")
	all, err := c.Hub.List(q.ctx())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(e protocol.Endpoint) bool { return e.Device == device })
	if i < 0 {
		return view.ErrNotFound
	}
	d := endpointData{Endpoint: all[i]}
	recent, err := c.Hub.Recent(q.ctx(), 50)
	if err != nil {
		return err
	}
	for _, j := range recent {
		if !slices.Contains(j.Targets, device) && j.Group == "" {
			continue
		}
		detail, err := c.Hub.Job(q.ctx(), j.ID)
		if err != nil {
			return err
		}
		detail.Devices = slices.DeleteFunc(slices.Clone(detail.Devices), func(s protocol.DeviceStatus) bool { return s.Device != device })
		if len(detail.Devices) > 0 && len(d.Runs) < 10 {
			d.Runs = append(d.Runs, runsOf(detail))
		}
	}
	if d.Archives, err = c.Hub.Archives(q.ctx(), device, 50); err != nil {
		return err
	}
	lines, err := c.Hub.Refusals(q.ctx(), mostLines)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Device == device && len(d.Refused) < 10 {
			d.Refused = append(d.Refused, l)
		}
	}
	c.render(q, http.StatusOK, "endpoint", d)
	return nil
}

// jobsData is the list of jobs.
type jobsData struct {
	Jobs  []view.Job
	Pager pager
}

func (c *console) jobs(q *request) error {
	all, err := c.Hub.Recent(q.ctx(), mostJobs)
	if err != nil {
		return err
	}
	shown, p := cut(q, all)
	c.render(q, http.StatusOK, "jobs", jobsData{shown, p})
	return nil
}

// refusalsData is what endpoints refused.
type refusalsData struct {
	Lines []view.Line
	Pager pager
}

func (c *console) refusals(q *request) error {
	all, err := c.Hub.Refusals(q.ctx(), mostLines)
	if err != nil {
		return err
	}
	shown, p := cut(q, all)
	c.render(q, http.StatusOK, "refusals", refusalsData{shown, p})
	return nil
}

// archivesData is the list of archives.
type archivesData struct {
	Archives []view.Archive
	Pager    pager
}

func (c *console) archives(q *request) error {
	all, err := c.Hub.Archives(q.ctx(), "", mostArchive)
	if err != nil {
		return err
	}
	shown, p := cut(q, all)
	c.render(q, http.StatusOK, "archives", archivesData{shown, p})
	return nil
}

// archiveData is one archive: what arrived, what the hub found, what happened to it.
type archiveData struct {
	view.Archive
	Report   *packager.Report // nil: not kept
	Events   []packager.Event
	LogCut   bool
	LogLong  bool   // more of it than is shown
	LogWrong string // why the log is not followed further; "" if all of it is good
}

// Encrypted says whether the archive is.
func (d archiveData) Encrypted() bool { return strings.HasSuffix(d.Archive.Archive.Name, ".age") }

func (c *console) archive(q *request) error {
	a, err := c.Hub.Archive(q.ctx(), q.r.PathValue("device"), q.r.PathValue("collection"))
	if err != nil {
		return err
	}
	d := archiveData{Archive: a}
	if r := new(packager.Report); len(a.Report) > 0 && json.Unmarshal(a.Report, r) == nil {
		d.Report = r
	}
	if a.State == "receipted" {
		c.readLog(q, &d)
	}
	c.render(q, http.StatusOK, "archive", d)
	return nil
}
