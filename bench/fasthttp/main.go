// Command fasthttp does nothing but POST, as poster does, with the fastest HTTP client
// for Go that is in wide use. It is a module of its own, so that carrier does not depend
// on what only a yardstick needs.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/valyala/fasthttp"
)

func main() {
	address := flag.String("address", "", "host:port to post to")
	clients := flag.Int("clients", 1, "POSTs in flight")
	body := flag.String("body", "", "what follows the number and the moment in each body")
	flag.Parse()
	client := &fasthttp.HostClient{
		Addr: *address, MaxConns: *clients, MaxIdemponentCallAttempts: 1,
		NoDefaultUserAgentHeader: true, DisablePathNormalizing: true, DisableHeaderNamesNormalizing: true,
	}
	numbers := make(chan uint64, 1)
	numbers <- 0
	for range *clients {
		go post(client, "http://"+*address+"/", *body, numbers)
	}
	fmt.Println("{}")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// block is how many numbers a goroutine takes at a time.
const block = 1024

func post(client *fasthttp.HostClient, uri, rest string, numbers chan uint64) {
	var request fasthttp.Request
	var response fasthttp.Response
	request.SetRequestURI(uri)
	request.Header.SetMethod(fasthttp.MethodPost)
	request.Header.SetContentType("application/json")
	var body []byte
	for {
		first := <-numbers
		numbers <- first + block
		for n := first; n < first+block; n++ {
			body = appendHex(append(body[:0], `{"n":"`...), n)
			body = appendHex(append(body, `","sent":"`...), uint64(time.Now().UnixNano()))
			body = append(append(body, `",`...), rest...)
			request.SetBodyRaw(body)
			if client.Do(&request, &response) != nil {
				time.Sleep(time.Millisecond)
			}
		}
	}
}

func appendHex(b []byte, v uint64) []byte {
	const hex = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, hex[v>>shift&15])
	}
	return b
}
