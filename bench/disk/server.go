package main

import (
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"carrier/bench/behind"
	"carrier/bench/control"
)

// serveBolt stores what is posted, with the group commit of commits and a bare server before it, until
// standard input ends: what ingest would cost if it did nothing but take bodies and store them.
func serveBolt(o options) error {
	db, err := open(filepath.Join(o.dir, "server"))
	if err != nil {
		return err
	}
	g := newGroup()
	o.during = 0
	go func() {
		_, err := g.write(db, o)
		control.Exit(err)
	}()
	return behind.Serve(o.server, func([]byte) bool { return g.add(nil, func(time.Duration) {}) })
}

func open(path string) (*bbolt.DB, error) {
	return bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoFreelistSync: true})
}
