package webhook

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"carrier/internal/recent"
	"carrier/message"
	"carrier/transmitter/webhook/percent"
)

// appendAttributes appends a header for each attribute to a head, which may hold limit bytes with all
// of them. Attributes that do not fit, the longest first, are left out; one more header names them, as
// far as there is room for that, and so does omitted.
//
// Names that differ only in case are sent as two lines of what is one header to HTTP: the worker sees
// both values.
func appendAttributes(head []byte, attributes []message.Attribute, limit int) (all []byte, omitted []string) {
	all = head
	for _, a := range attributes {
		all = appendAttribute(all, a)
	}
	if len(all) <= limit || len(attributes) == 0 {
		return all, nil
	}
	left := leaveOut(attributes, len(all)-limit)
	all = head
	for i, a := range attributes {
		if left[i] {
			omitted = append(omitted, percent.Name(a.Name))
		} else {
			all = appendAttribute(all, a)
		}
	}
	return appendOmitted(all, omitted, limit), omitted
}

func appendAttribute(dst []byte, a message.Attribute) []byte {
	dst = append(dst, attributePrefix...)
	return appendHeader(dst, percent.Name(a.Name), percent.Value(a.Value))
}

// leaveOut chooses which attributes are left out, the longest first, so that the head becomes shorter by
// excess bytes with the header that names them, or until none is left.
func leaveOut(attributes []message.Attribute, excess int) map[int]bool {
	lengths := make([]int, len(attributes))
	order := make([]int, len(attributes))
	for i, a := range attributes {
		lengths[i], order[i] = len(appendAttribute(nil, a)), i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(lengths[j], lengths[i]) })
	left := make(map[int]bool)
	excess += len(omittedHeader) + len(": \r\n") - len(separator)
	for _, i := range order {
		if excess <= 0 {
			break
		}
		left[i] = true
		excess += len(percent.Name(attributes[i].Name)) + len(separator) - lengths[i]
	}
	return left
}

const separator = ", "

// appendOmitted names the attributes that were left out. Names that do not fit either are left out too.
func appendOmitted(dst []byte, names []string, limit int) []byte {
	room := limit - len(dst) - len(omittedHeader) - len(": \r\n")
	fit := 0
	for _, name := range names {
		if room -= len(name); room < 0 {
			break
		}
		room -= len(separator)
		fit++
	}
	return appendHeader(dst, omittedHeader, strings.Join(names[:fit], separator))
}

// toldLimit is how many messages are remembered whose attributes were told of.
const toldLimit = 10_000

// omitted tells of attributes that were left out, once for each message.
type omitted struct {
	report func(messageID string, names []string)

	mu   sync.Mutex
	told *recent.Set[struct{}]
}

func newOmitted(report func(string, []string)) *omitted {
	return &omitted{report: report, told: recent.New[struct{}](toldLimit, 0)}
}

// tell reports names, unless there are none or they were reported before.
func (o *omitted) tell(messageID string, names []string) {
	if len(names) > 0 && o.isNew(recent.KeyOf(messageID)) {
		o.report(messageID, names)
	}
}

func (o *omitted) isNew(id recent.Key) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, told := o.told.Get(id)
	o.told.Put(id, struct{}{})
	return !told
}
