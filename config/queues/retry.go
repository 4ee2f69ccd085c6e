package queues

import "time"

// HoldByQueue is the Retry.DeferHold of a route that does not say: its queue decides.
const HoldByQueue time.Duration = -1

// Retry is the backoff of failed messages.
type Retry struct {
	InitialInterval time.Duration `envconfig:"CARRIER_RETRY_INITIAL_INTERVAL" default:"1s" min:"1ms" desc:"Longest wait after a message's first failed delivery. CARRIER_RETRY_JITTER says which part of it is waited."`
	Multiplier      float64       `envconfig:"CARRIER_RETRY_MULTIPLIER" default:"2" min:"1" max:"1000" desc:"What the bound is multiplied by at each further delivery."`
	MaxInterval     time.Duration `envconfig:"CARRIER_RETRY_MAX_INTERVAL" default:"15m" min:"1ms" desc:"Largest bound; at least CARRIER_RETRY_INITIAL_INTERVAL."`
	DeferHold       time.Duration `envconfig:"CARRIER_DEFER_HOLD" shown:"30s where the queue has a redrive policy or counts attempts toward one, else 0s" min:"0s" max:"12h" desc:"A deferral (an answer with Retry-After, or the backoff of a 429) up to this long is held under the message's lease, off the worker's slot, and posted again: it spends no receive of the redrive policy. At most ten such messages for each of CARRIER_CONCURRENCY. 0s turns it off."`
	Jitter          string        `envconfig:"CARRIER_RETRY_JITTER" default:"equal" oneof:"equal full none" desc:"Which part of the longest wait is waited, at random. equal: between half and all of it; full: between nothing and all of it; none: all of it."`
	MaxAttempts     int           `envconfig:"CARRIER_RETRY_MAX_ATTEMPTS" shown:"20 for ingest, else 0" min:"1" zero:"the queue's redrive policy decides" desc:"A message is rejected after this many failed attempts. Deferrals do not count where the source lets carrier tell them apart."`
}
