package server

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"crypto/tls"

	"hozen/packager"
	"hozen/service/hub/intake"
	"hozen/service/protocol"
)

// Web is what the hub's web server answers: /healthz to all, /metrics to this machine,
// the rest by console.
func (h *Hub) Web(console http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", h.healthz)
	mux.Handle("GET /metrics", h.local(promhttp.HandlerFor(h.metrics(), promhttp.HandlerOpts{})))
	if console != nil {
		mux.Handle("/", console)
	}
	return mux
}

// local hides a page from all but this machine.
func (h *Hub) local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// healthz says ok when NATS answers and there is room.
func (h *Hub) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := h.Health(ctx); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // whoever asked may have left
}

// Health says why the hub cannot take archives in now; nil if it can.
func (h *Hub) Health(ctx context.Context) error {
	if _, err := h.streams.jobs.Info(ctx); err != nil {
		return err
	}
	return h.intake.Room()
}

// metrics are for Prometheus; no label is of an endpoint, so that their number does not
// grow with what strangers send.
func (h *Hub) metrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	gauge := func(name, help string, f func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "hozen", Subsystem: "hub", Name: name, Help: help}, f))
	}
	counter := func(name, help string, f func() uint64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "hozen", Subsystem: "hub", Name: name, Help: help}, func() float64 { return float64(f()) }))
	}
	gauge("endpoints", "Enrolled endpoints.", func() float64 { return float64(len(h.registry.List())) })
	gauge("endpoints_online", "Endpoints that were seen a short while ago.", func() float64 {
		n := 0
		for _, e := range h.registry.List() {
			if e.Online {
				n++
			}
		}
		return float64(n)
	})
	gauge("transit_bytes", "Bytes of archives that have no receipt yet.", func() float64 { return float64(h.intake.Stats().Bytes) })
	gauge("uploads", "Collections that have no receipt yet.", func() float64 { return float64(h.intake.Stats().Uploads) })
	gauge("verifications_waiting", "Collections that wait for their verification.", func() float64 { return float64(h.intake.Stats().Waiting) })
	gauge("disk_free_bytes", "Bytes that may still be written where the hub stores.", func() float64 {
		free, err := freeBytes(h.o.Dir)
		if err != nil {
			return -1
		}
		return float64(free)
	})
	counter("messages_total", "Messages that came.", h.counters.messages.Load)
	counter("messages_malformed_total", "Messages that could not be read.", h.counters.malformed.Load)
	counter("messages_dropped_total", "Messages over the limits of their endpoint.", h.lanes.droppedCount)
	counter("connections_denied_total", "Connections that were refused.", h.broker.Denied)
	counter("jobs_total", "Jobs that were handed out.", h.counters.jobs.Load)
	counter("parts_total", "Parts that were stored.", h.intake.Parts.Load)
	counter("part_bytes_total", "Their bytes.", h.intake.Bytes.Load)
	for _, v := range []packager.Verdict{packager.Valid, packager.Invalid, packager.ValidPartial, packager.UntrustedSigner, packager.ValidOuter, packager.NotEvidence, protocol.NotVerified} {
		code := v.ExitCode()
		if v == protocol.NotVerified {
			code = intake.NotVerifiedCode
		}
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "hozen", Subsystem: "hub", Name: "receipts_total", Help: "Receipts, by verdict.",
			ConstLabels: prometheus.Labels{"verdict": string(v), "exit": strconv.Itoa(code)},
		}, func() float64 { return float64(h.intake.Verdicts[code].Load()) }))
	}
	return r
}

// ListenTLS puts the hub's certificate before a listener.
func (h *Hub) ListenTLS(l net.Listener) net.Listener {
	c := h.ca.ServerTLS()
	c.NextProtos = []string{"http/1.1"}
	return tls.NewListener(l, c)
}
