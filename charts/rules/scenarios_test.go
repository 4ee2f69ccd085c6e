package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// until returns values of a series that goes on as before until minute, and then so.
func until(minute int, before, after string) string {
	return fmt.Sprintf("%sx%d %s", before, minute-1, after)
}

// a replica's series all end at minute, as those of a pod that is gone.
func (l life) endingAt(minute int) life {
	ended := life{}
	for series, values := range l {
		start, _, _ := strings.Cut(values, "x")
		ended[series] = fmt.Sprintf("%sx%d stale", start, minute)
	}
	return ended
}

// aged returns the series of carrier_message_age_seconds when, in each minute, messages of
// these ages in seconds reach the worker.
func aged(l life, ages func(minute int) []float64) life {
	changed := life{
		"carrier_message_age_seconds_count": grows(func(i int) float64 { return float64(len(ages(i))) }),
		"carrier_message_age_seconds_sum": grows(func(i int) (sum float64) {
			for _, age := range ages(i) {
				sum += age
			}
			return sum
		}),
	}
	for series := range l {
		_, bound, ok := strings.Cut(series, `carrier_message_age_seconds_bucket{le="`)
		if !ok {
			continue
		}
		limit, err := strconv.ParseFloat(strings.TrimSuffix(bound, `"}`), 64)
		if err != nil {
			panic(err)
		}
		changed[series] = grows(func(i int) (n float64) {
			for _, age := range ages(i) {
				if age <= limit {
					n++
				}
			}
			return n
		})
	}
	return changed
}

// ten are ten messages of one age, or just sent where that is negative.
func ten(age float64) []float64 { return slices.Repeat([]float64{max(age, 0)}, 10) }

// grows returns a counter to which each minute adds so much.
func grows(by func(minute int) float64) string {
	values := make([]string, length)
	for i, n := 0, 0.0; i < length; i++ {
		values[i] = strconv.FormatFloat(n, 'f', -1, 64)
		n += by(i)
	}
	return strings.Join(values, " ")
}

// noTraffic is what an hour without messages leaves of a life.
func noTraffic(l life) life {
	quiet := life{"carrier_messages_in_flight": "0x240"}
	for series, values := range l {
		if strings.HasPrefix(values, "0+") && !strings.Contains(series, "timestamp") {
			quiet[series] = "0x240"
		}
	}
	return quiet
}

// A scenario is what happens to one replica; expected says which alerts fire at which
// minute, and that no other does.
type scenario struct {
	changes  life
	ingest   bool
	forwards bool // messages go to a queue
	routed   bool // there with routes alone
	healthy  int  // replicas beside it to which nothing happens
	endsAt   int  // the minute in which the replica is gone; 0 is never
	expected map[int][]string
}

func TestAlertsFireWhenTheyShouldAndOnlyThen(t *testing.T) {
	base := healthy(t)
	never := map[int][]string{10: {}, 30: {}, 60: {}, 120: {}, 180: {}}
	for name, s := range map[string]scenario{
		"all is well": {expected: never},
		"an idle queue": {
			changes: noTraffic(base), expected: never,
		},
		"a pod that is gone": {
			endsAt: 30, healthy: 1, expected: map[int][]string{31: {}, 45: {}, 90: {}},
		},
		"no worker": {
			changes: life{
				"carrier_worker_up": until(30, "1", "0x200"), "carrier_messages_in_flight": until(30, "2", "0x200"),
				"carrier_last_receive_timestamp_seconds": until(30, "0+60", "1740x200"),
			},
			expected: map[int][]string{34: {}, 36: {"CarrierWorkerDown"}, 120: {"CarrierWorkerDown"}},
		},
		"a queue to forward to that is away": {
			forwards: true,
			changes: life{
				"carrier_worker_up": until(30, "1", "0x200"), "carrier_forward_up": until(30, "1", "0x200"),
			},
			expected: map[int][]string{34: {}, 36: {"CarrierForwardAway"}, 120: {"CarrierForwardAway"}},
		},
		"no worker beside one of two": {
			changes:  life{"carrier_worker_up": until(30, "1", "0x200")},
			healthy:  1,
			expected: map[int][]string{44: {}, 46: {"CarrierWorkerDownInPart"}},
		},
		"a worker that defers all it gets": {
			changes:  life{"carrier_messages_parked": until(30, "0", "95x200")},
			expected: map[int][]string{39: {}, 41: {"CarrierDeferralsFull"}, 120: {"CarrierDeferralsFull"}},
		},
		"audit lines that are not written": {
			changes: life{"carrier_audit_dropped_total": until(30, "0", "0+1x200")}, expected: map[int][]string{29: {}, 40: {"CarrierAuditDropped"}, 120: {"CarrierAuditDropped"}},
		},
		"a worker that defers some": {
			changes: life{"carrier_messages_parked": until(30, "0", "60x200")}, expected: never,
		},
		"a worker that defers for a while": {
			changes: life{"carrier_messages_parked": until(30, "0", "95x8 0x200")}, expected: map[int][]string{36: {}, 38: {}, 45: {}, 120: {}},
		},
		"a breaker that stays open": {
			changes:  life{`carrier_breaker_open{endpoint="http://localhost:9000/"}`: until(30, "0", "1x200")},
			expected: map[int][]string{34: {}, 36: {"CarrierBreakerOpen"}},
		},
		"a breaker that opens now and then": {
			changes:  life{`carrier_breaker_open{endpoint="http://localhost:9000/"}`: until(30, "0", "1 0 0 0 1 1 0 0 0 0 0x190")},
			expected: never,
		},
		"a worker that needs three minutes to start": {
			changes:  life{"carrier_worker_up": "0x3 1x200", "carrier_last_receive_timestamp_seconds": "0x3 240+60x200"},
			expected: map[int][]string{4: {}, 10: {}},
		},
		"a worker that is busy for hours": {
			changes: life{
				"carrier_messages_in_flight":             until(30, "2", "10x200"),
				"carrier_last_receive_timestamp_seconds": until(30, "0+60", "1740x200"),
			},
			expected: never,
		},
		"a queue that does not answer": {
			changes: life{
				"carrier_messages_in_flight":             until(30, "2", "0x200"),
				"carrier_last_receive_timestamp_seconds": until(30, "0+60", "1740x200"),
			},
			expected: map[int][]string{38: {}, 41: {"CarrierNothingReceived"}, 180: {"CarrierNothingReceived"}},
		},
		"a queue that never answered": {
			changes:  life{"carrier_last_receive_timestamp_seconds": "0x240", "carrier_messages_in_flight": "0x240"},
			expected: map[int][]string{9: {}, 12: {"CarrierNothingReceived"}},
		},
		"a route that is paused": {
			changes: life{
				"carrier_receiving":                      until(30, "1", "0x200"),
				"carrier_last_receive_timestamp_seconds": until(30, "0+60", "1740x200"), "carrier_messages_in_flight": until(30, "2", "0x200"),
			},
			expected: never,
		},
		"a route of weight 0 beside busy ones": { // it gets a place now and then
			changes: life{
				"carrier_receiving":                      strings.TrimSpace(strings.Repeat("0x10 1 ", 20)),
				"carrier_last_receive_timestamp_seconds": "0x240", "carrier_messages_in_flight": "0x240",
			},
			expected: never,
		},
		"a drain that takes an hour": {
			changes: life{
				"carrier_draining":                       until(30, "0", "1x200"),
				"carrier_last_receive_timestamp_seconds": until(30, "0+60", "1740x200"),
			},
			expected: never,
		},
		"an idle queue of its own": {
			ingest: true,
			changes: maps.Collect(joined(noTraffic(base), life{
				"carrier_last_receive_timestamp_seconds": "0x240",
				"carrier_ingest_queue_messages_limit":    "1000x240", "carrier_ingest_queue_bytes_limit": "1000x240",
			})),
			expected: never,
		},
		"a worker that fails everything": {
			changes: life{
				`carrier_attempts_total{code="2xx"}`: until(30, "0+600", "17400x200"),
				`carrier_attempts_total{code="5xx"}`: until(30, "0", "0+600x200"),
			},
			expected: map[int][]string{33: {}, 45: {"CarrierWorkerFailing"}, 180: {"CarrierWorkerFailing"}},
		},
		"a worker that fails one in ten": {
			changes:  life{`carrier_attempts_total{code="timeout"}`: "0+66x240"},
			expected: never,
		},
		"a worker that is not ready for more": {
			changes: life{
				`carrier_attempts_total{code="2xx"}`:                                "0+100x240",
				`carrier_attempts_total{code="4xx"}`:                                "0+500x240",
				`carrier_messages_settled_total{outcome="deferred",receiver="sqs"}`: "0+500x240",
			},
			expected: never,
		},
		"one message that fails again and again beside many": {
			changes: life{
				`carrier_attempts_total{code="5xx"}`:                              "0+0.125x240",
				`carrier_messages_settled_total{outcome="failed",receiver="sqs"}`: "0+0.125x240",
				"carrier_message_age_seconds_sum":                                 grows(func(i int) float64 { return 600*0.3 + 60*float64(i)/8 }),
			},
			expected: never,
		},
		"messages that wait longer and longer": {
			changes:  aged(base, func(i int) []float64 { return ten(30 * float64(i-30)) }),
			expected: map[int][]string{50: {}, 60: {}, 90: {"CarrierAgeGrowing"}, 230: {"CarrierAgeGrowing"}},
		},
		"messages that wait an hour because they were asked to": {
			changes:  aged(base, func(int) []float64 { return ten(3600) }),
			expected: never,
		},
		"a backlog that is worked off": {
			changes:  aged(base, func(i int) []float64 { return ten(9000 - 60*float64(i)) }),
			expected: never,
		},
		"one old message in ten that keeps failing": {
			changes:  aged(base, func(i int) []float64 { return append(ten(0)[1:], 600*float64(i)) }),
			expected: never,
		},
		"nothing but one message that fails for hours": {
			changes: maps.Collect(joined(noTraffic(base), aged(base, func(i int) []float64 {
				return slices.Repeat([]float64{60 * float64(i)}, (i%8)/7)
			}))),
			expected: map[int][]string{25: {}, 120: {"CarrierAgeGrowing"}},
		},
		"few lost leases among many messages": {
			changes: life{
				"carrier_leases_lost_total":                                     "0+1x240",
				`carrier_messages_settled_total{outcome="lost",receiver="sqs"}`: "0+1x240",
			},
			expected: never,
		},
		"one lost lease": {
			changes: life{
				"carrier_leases_lost_total":                                     until(30, "0", "1x200"),
				`carrier_messages_settled_total{outcome="lost",receiver="sqs"}`: until(30, "0", "1x200"),
			},
			expected: never,
		},
		"one lost lease in an hour with few messages": {
			changes: maps.Collect(joined(noTraffic(base), life{
				"carrier_leases_lost_total":                                     until(30, "0", "1x200"),
				`carrier_messages_settled_total{outcome="lost",receiver="sqs"}`: until(30, "0", "1x200"),
			})),
			expected: never,
		},
		"one lease in ten lost": {
			changes: life{
				"carrier_leases_lost_total":                                     until(30, "0", "0+60x200"),
				`carrier_messages_settled_total{outcome="lost",receiver="sqs"}`: until(30, "0", "0+60x200"),
			},
			expected: map[int][]string{29: {}, 35: {"CarrierLeasesLost"}},
		},
		"deletions that are denied": {
			changes:  life{`carrier_source_errors_total{class="denied",operation="delete"}`: until(30, "0", "0+1x200")},
			expected: map[int][]string{44: {}, 47: {"CarrierSourceErrors"}},
		},
		"credentials that were renewed late, once": {
			changes:  life{`carrier_source_errors_total{class="credentials",operation="receive"}`: until(30, "0", "3x200")},
			expected: never,
		},
		"throttling": {
			changes:  life{`carrier_source_errors_total{class="throttled",operation="receive"}`: "0+1x240"},
			expected: never,
		},
		"one message refused for good": {
			changes:  life{`carrier_messages_rejected_total{action="retry",receiver="sqs"}`: until(30, "0", "1x200")},
			expected: map[int][]string{29: {}, 31: {"CarrierDeadLetters"}, 85: {"CarrierDeadLetters"}, 95: {}},
		},
		"a worker that refuses everything for good": {
			changes: life{
				`carrier_attempts_total{code="2xx"}`:                                   until(30, "0+600", "17400x200"),
				`carrier_attempts_total{code="4xx"}`:                                   until(30, "0", "0+600x200"),
				`carrier_messages_rejected_total{action="dead-letter",receiver="sqs"}`: until(30, "0", "0+600x200"),
			},
			expected: map[int][]string{29: {}, 33: {"CarrierDeadLetters"}, 45: {"CarrierDeadLetters", "CarrierWorkerRejecting"}},
		},
		"a worker that refuses one in ten": {
			changes: life{
				`carrier_attempts_total{code="4xx"}`:                                   "0+66x240",
				`carrier_messages_rejected_total{action="dead-letter",receiver="sqs"}`: "0+66x240",
			},
			expected: map[int][]string{30: {"CarrierDeadLetters"}, 180: {"CarrierDeadLetters"}},
		},
		"the only three messages of an hour, all refused": {
			changes: maps.Collect(joined(noTraffic(base), life{
				`carrier_attempts_total{code="4xx"}`:                            until(30, "0", "3x200"),
				`carrier_messages_rejected_total{action="drop",receiver="sqs"}`: until(30, "0", "3x200"),
			})),
			expected: map[int][]string{31: {"CarrierDeadLetters"}, 40: {"CarrierDeadLetters"}},
		},
		"a message at its last receive": {
			changes:  life{"carrier_messages_left_to_redrive_total": until(30, "0", "1x200")},
			expected: map[int][]string{29: {}, 31: {"CarrierLeftToRedrive"}, 85: {"CarrierLeftToRedrive"}, 95: {}},
		},
		"a queue file that could not be read": {
			ingest:   true,
			changes:  life{"carrier_ingest_files_set_aside": until(30, "0", "1x200"), "carrier_ingest_queue_messages_limit": "1000x240", "carrier_ingest_queue_bytes_limit": "1000x240"},
			expected: map[int][]string{29: {}, 31: {"CarrierQueueFileSetAside"}, 180: {"CarrierQueueFileSetAside"}},
		},
		"dead letters that are kept": {
			ingest: true,
			changes: life{
				"carrier_dead_letters": "50x240", "carrier_ingest_queue_messages_limit": "1000x240", "carrier_ingest_queue_bytes_limit": "1000x240",
			},
			expected: never,
		},
		"dead letters that make room for new ones": {
			ingest:   true,
			changes:  life{"carrier_dead_letters_dropped_total": until(30, "0", "1x200"), "carrier_ingest_queue_messages_limit": "1000x240", "carrier_ingest_queue_bytes_limit": "1000x240"},
			expected: map[int][]string{29: {}, 31: {"CarrierDeadLettersDropped"}, 95: {}},
		},
		"a queue of its own that fills up": {
			ingest: true,
			changes: life{
				"carrier_ingest_queue_messages": "0+10x240", "carrier_ingest_queue_messages_limit": "1000x240",
				"carrier_ingest_queue_bytes": "0+10x240", "carrier_ingest_queue_bytes_limit": "1000000x240",
			},
			expected: map[int][]string{79: {}, 84: {}, 87: {"CarrierQueueNearlyFull"}},
		},
		"a queue of its own that fills up with few large messages": {
			ingest: true,
			changes: life{
				"carrier_ingest_queue_messages": "0+10x240", "carrier_ingest_queue_messages_limit": "1000000x240",
				"carrier_ingest_queue_bytes": "0+10x240", "carrier_ingest_queue_bytes_limit": "1000x240",
			},
			expected: map[int][]string{84: {}, 87: {"CarrierQueueNearlyFull"}},
		},
		"a subscriber that was offline for too long": {
			ingest: true, routed: true,
			changes: life{
				"carrier_subscription_offline": until(30, "0", "1x200"), `carrier_subscription_evicted_total{action="dead-letter"}`: until(30, "0", "500x200"),
				"carrier_ingest_queue_messages_limit": "1000x240", "carrier_ingest_queue_bytes_limit": "1000x240",
			},
			expected: map[int][]string{
				29: {}, 31: {"CarrierSubscriptionEvicted", "CarrierSubscriptionOffline"}, 95: {"CarrierSubscriptionOffline"},
			},
		},
		"a subscriber whose queue is full": {
			ingest: true, routed: true,
			changes: life{
				`carrier_subscription_evicted_total{action="drop"}`: until(30, "0", "0+5x200"),
				"carrier_ingest_queue_messages_limit":               "1000x240", "carrier_ingest_queue_bytes_limit": "1000x240",
				"carrier_ingest_queue_messages": until(30, "0", "1000x200"),
			},
			expected: map[int][]string{29: {}, 33: {"CarrierSubscriptionEvicted"}, 180: {"CarrierSubscriptionEvicted"}},
		},
		"producers that are refused": {
			ingest:   true,
			changes:  life{`carrier_ingest_requests_total{code="503"}`: until(30, "0", "0+5x200")},
			expected: map[int][]string{34: {}, 37: {"CarrierIngestRefusing"}},
		},
		"producers that are refused during a drain": {
			ingest:   true,
			changes:  life{`carrier_ingest_requests_total{code="503"}`: until(30, "0", "0+5x200"), "carrier_draining": until(30, "0", "1x200")},
			expected: never,
		},
	} {
		if !s.routed {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s.check(t, base, alone)
			})
		}
		if !s.fires() {
			continue
		}
		t.Run(name+", on one of two routes", func(t *testing.T) {
			t.Parallel()
			s.check(t, base, besideAnother)
		})
	}
}

// fires reports whether an alert is expected at any time.
func (s scenario) fires() bool {
	for _, names := range s.expected {
		if len(names) > 0 {
			return true
		}
	}
	return false
}

// alone is a carrier without routes.
func alone(one, _ life) life { return one }

// besideAnother is a carrier with two routes; nothing happens to the second.
func besideAnother(one, base life) life {
	return maps.Collect(joined(base.onRoute("orders").exposed(), one.onRoute("mail").exposed()))
}

// named is an alert as it is named for the first route of besideAnother.
func named(alert string) string {
	if slices.Contains([]string{"CarrierQueueFileSetAside", "CarrierIngestRefusing", "CarrierAuditDropped"}, alert) {
		return alert // of the whole process
	}
	return alert + " mail"
}

func (s scenario) check(t *testing.T, base life, carrier func(one, base life) life) {
	t.Helper()
	one := base.with(t, s.changes)
	if s.ingest {
		one = one.onIngest()
	}
	if s.forwards {
		one = one.forwarding()
	}
	one = carrier(one, base)
	if s.endsAt > 0 {
		one = one.endingAt(s.endsAt)
	}
	replicas := []life{one}
	for range s.healthy {
		replicas = append(replicas, carrier(base, base))
	}
	minutes := slices.Sorted(maps.Keys(s.expected))
	for minute, names := range firing(t, replicas, minutes) {
		expected := slices.Clone(s.expected[minute])
		if _, routed := one[`carrier_worker_up{route="mail",}`]; routed {
			for i := range expected {
				expected[i] = named(expected[i])
			}
		}
		if !slices.Equal(names, expected) {
			t.Errorf("in minute %d %v fire; expected %v", minute, names, expected)
		}
	}
}

// joined is the one and then the other, which wins.
func joined(one, other life) func(yield func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for series, values := range one {
			if _, again := other[series]; !again && !yield(series, values) {
				return
			}
		}
		for series, values := range other {
			if !yield(series, values) {
				return
			}
		}
	}
}
