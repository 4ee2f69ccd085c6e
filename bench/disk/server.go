package main

import (
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"carrier/bench/control"
	"carrier/bench/http1"
	"carrier/bench/load"
)

// serveBolt stores what is posted, with the group commit of commits and the barest of
// servers before it, until standard input ends: what ingest would cost if it did nothing
// but take bodies and store them.
func serveBolt(o options) error {
	db, err := open(filepath.Join(o.dir, "server"))
	if err != nil {
		return err
	}
	l, err := control.Listen()
	if err != nil {
		return err
	}
	g := newGroup()
	handle := func(c *http1.Conn, _ *http1.Request) bool {
		return g.add(nil, func(time.Duration) {}) && c.Answer("200 OK", "", nil)
	}
	go func() { _ = http1.Serve(l, http1.Options{Handle: handle, Keep: load.HeadLen}) }()
	o.during = 0
	go func() {
		_, err := g.write(db, o)
		control.Exit(err)
	}()
	return control.Run(l.Addr().String(), control.Panel{Stats: func() any { return struct{}{} }})
}

func open(path string) (*bbolt.DB, error) {
	return bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoFreelistSync: true})
}
