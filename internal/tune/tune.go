// Package tune fits the Go runtime to a sidecar: the garbage collector and the number of
// processors that run Go code.
package tune
