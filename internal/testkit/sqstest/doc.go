// Package sqstest is Amazon SQS in one process, for tests: the JSON 1.0 protocol
// over HTTP, with the service's own rules about visibility, order, redrive and
// batches, and with faults and a clock that a test can move.
//
// It keeps every message in memory, verifies no signature and keeps nothing of
// retention, encryption or policies. Where the service is free to do one thing or
// another (order on a standard queue, a duplicate now and then), it does the
// ordinary thing every time; Inject brings about the rest.
//
// The rules are those of the SQS API reference; what the service does beside its
// documentation is said where the code follows it.
package sqstest
