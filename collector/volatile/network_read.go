package volatile

import (
	"context"
	"io"

	"hozen/collector"
	"hozen/packager/evidence"
)

// Links are what the network namespaces have of links and of what hangs on them.
type Links struct {
	Links   []LinkRow
	Qdiscs  []QdiscRow
	Filters []FilterRow
	Tally   evidence.Tally // of what was denied, cut or not understood
}

// maxLinkRows bounds what is kept of all three together.
const maxLinkRows = 1 << 16

// take keeps a row of the decoder that is one of ours.
func (l *Links) take(row any) {
	if len(l.Links)+len(l.Qdiscs)+len(l.Filters) >= maxLinkRows {
		l.Tally.Add("links", evidence.Cut("more than %d links, queueing disciplines and filters", maxLinkRows))
		return
	}
	switch r := row.(type) {
	case *LinkRow:
		l.Links = append(l.Links, *r)
	case *QdiscRow:
		l.Qdiscs = append(l.Qdiscs, *r)
	case *FilterRow:
		l.Filters = append(l.Filters, *r)
	}
}

// ReadLinks asks every network namespace for its links (with their XDP programs),
// queueing disciplines and traffic control filters. Each raw answer is put as
// FOLDER/NS/link.nl, qdisc.nl and filter.nl, NS being the namespace's inode; its
// rows come back. The error is the sink's.
func ReadLinks(ctx context.Context, h *collector.Host, to evidence.Sink, folder string) (out Links, err error) {
	spaces, tally := netNamespaces(ctx, h)
	defer func() { out.Tally.Merge(tally) }()
	reader := newNetReader(h, spaces)
	defer reader.Close()
	for _, ns := range spaces {
		d := newNetDecoder(ns.Inode, tally, out.take)
		for _, p := range reader.parts(ns) {
			if ctx.Err() != nil {
				tally.Add("network namespace "+nsName(ns), context.Cause(ctx))
				return out, nil
			}
			if p.file != "link.nl" && p.file != "qdisc.nl" && p.file != "filter.nl" {
				continue
			}
			raw, why := p.read(ctx)
			p.decode(d, raw)
			item := evidence.Item{Path: folder + "/" + nsName(ns) + "/" + p.file, Source: p.source}
			err := to.Put(ctx, item, func(w io.Writer) error {
				if _, err := w.Write(raw); err != nil {
					return err
				}
				return why
			})
			if err != nil {
				return out, err
			}
		}
	}
	return out, nil
}
