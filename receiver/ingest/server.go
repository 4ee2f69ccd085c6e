package ingest

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/netutil"
)

// Limits of a connection that are no options.
const (
	maxHeaderBytes    = 32 << 10
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	writeTimeout      = 10 * time.Second
)

// serve answers on listener until closeServer.
func (r *Receiver) serve(listener net.Listener) {
	addr := listener.Addr()
	r.addr.Store(&addr)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	r.server = &http.Server{
		Handler:           newDoor(r),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		Protocols:         protocols,
		// OPTIONS * is answered as every other method that stores nothing.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(reporter(r.options.Report), "", 0),
	}
	r.served = make(chan struct{})
	limited := netutil.LimitListener(listener, r.options.MaxConnections)
	go func() {
		defer close(r.served)
		if err := r.server.Serve(limited); !errors.Is(err, http.ErrServerClosed) {
			r.options.Report("server", err)
		}
	}()
}

func (r *Receiver) closeServer() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := r.server.Shutdown(ctx); err != nil {
		// Somebody is still sending. Nothing of that is stored.
		_ = r.server.Close()
	}
	<-r.served
	return nil
}

// A reporter takes the lines that net/http would log.
type reporter func(event string, err error)

// Write reports one line.
func (report reporter) Write(line []byte) (int, error) {
	report("server", errors.New(strings.TrimSpace(string(line))))
	return len(line), nil
}
