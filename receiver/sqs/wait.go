package sqs

import (
	"math/rand/v2"
	"sync"

	"carrier/receiver/sqs/api"
)

// receiveRequests makes the requests for receives, each once. It is safe for concurrent use.
type receiveRequests struct {
	queueURL          string
	wait, visibility  int32 // in seconds
	mu                sync.Mutex
	byLimitAndSeconds map[[2]int32]api.Request
}

func newReceiveRequests(queueURL string, wait, visibility int32) *receiveRequests {
	return &receiveRequests{
		queueURL: queueURL, wait: wait, visibility: visibility, byLimitAndSeconds: map[[2]int32]api.Request{},
	}
}

// request is a request for limit messages. By chance it waits for up to a tenth less than was set,
// in whole seconds, so that many idle pods do not poll in step; less than ten seconds are exact.
func (r *receiveRequests) request(limit int) api.Request {
	least := (r.wait*9 + 9) / 10
	key := [2]int32{int32(limit), least + rand.Int32N(r.wait-least+1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	request, ok := r.byLimitAndSeconds[key]
	if !ok {
		request = api.ReceiveRequest(r.queueURL, limit, key[1], r.visibility)
		r.byLimitAndSeconds[key] = request
	}
	return request
}
