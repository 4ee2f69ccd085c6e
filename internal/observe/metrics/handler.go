package metrics

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	runtimemetrics "github.com/VictoriaMetrics/metrics"
)

// mostScrapes are read at the same time; whoever asks for more is told to come again.
const mostScrapes = 4

// Handler serves the metrics as Prometheus text, compressed where the scraper takes gzip. More than
// four requests at a time get 503.
func (p *Process) Handler() http.Handler {
	free := make(chan struct{}, mostScrapes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case free <- struct{}{}:
			defer func() { <-free }()
			p.serve(w, r)
		default:
			http.Error(w, "4 scrapes are served already, try again later", http.StatusServiceUnavailable)
		}
	})
}

func (p *Process) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if !takesGzip(r) {
		p.write(w)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	p.write(z)
	_ = z.Close() // the scraper has gone
}

// takesGzip says whether a compressed answer is asked for. Where it is given a weight, the answer
// is not compressed, which every client takes.
func takesGzip(r *http.Request) bool {
	for _, coding := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return true
		}
	}
	return false
}

// write writes carrier's own metrics, then those of the Go runtime and of the process.
func (p *Process) write(w io.Writer) {
	if err := p.collect().write(w); err != nil {
		return // the scraper has gone
	}
	runtimemetrics.WriteGoMetrics(w)
	runtimemetrics.WriteProcMetrics(w)
	runtimemetrics.WriteFDMetrics(w)
}
