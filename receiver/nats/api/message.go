package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"carrier/message"
	"carrier/receiver"
)

// ID names a message by its place in the stream, and by when it was stored there: a stream that was
// deleted and made again counts from one again.
func ID(stream string, sequence uint64, stored time.Time) string {
	return fmt.Sprintf("%s:%d:%d", stream, sequence, stored.UnixMilli())
}

// Place is the stream and the sequence number in an id; zero where there is none. A stream's name has
// no colon.
func Place(id string) (stream string, sequence uint64) {
	stream, rest, _ := strings.Cut(id, ":")
	number, _, _ := strings.Cut(rest, ":")
	sequence, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return stream, 0
	}
	return stream, sequence
}

// Attributes returns the headers by name, several of one name with a comma between them, without
// those of NATS itself, and without those that have fields of their own.
func Attributes(headers nats.Header) []message.Attribute {
	list := make([]message.Attribute, 0, len(headers))
	for name, values := range headers {
		switch {
		case IsReserved(name), name == receiver.OriginalIDAttribute, name == GroupHeader:
			continue
		}
		list = append(list, message.Attribute{Name: name, Value: strings.Join(values, ", ")})
	}
	slices.SortFunc(list, func(a, b message.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return list
}
