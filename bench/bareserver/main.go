// Command bareserver is a bare HTTP server in front of a queue: each body that is posted is published
// with the client of the queue's engine alone, and answered once the queue has confirmed it.
package main

import (
	"flag"
	"net/http"

	"carrier/bench/behind"
	"carrier/bench/control"
	"carrier/bench/engine"
)

func main() { control.Exit(run()) }

func run() error {
	kind := flag.String("engine", "nats", "nats or sqs")
	address := flag.String("address", "", "host:port of the queue")
	clients := flag.Int("clients", 1, "messages that are published at once")
	server := flag.String("http", behind.NetHTTP, "nethttp, or bare: the least that a server can cost")
	flag.Parse()
	open, err := engine.Open(*kind, *address, *clients)
	if err != nil {
		return err
	}
	client := open()
	return behind.Serve(*server, func(body []byte) bool {
		status, err := client.Post(body)
		return err == nil && status == http.StatusOK
	})
}
