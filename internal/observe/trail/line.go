package trail

import (
	"strconv"
	"time"

	"carrier/internal/plainjson"
)

// longestUsual is how long a line is where neither its id nor its reason is long.
const longestUsual = 512

// A record is an Attempt or a Settlement.
type record interface {
	// appendLine appends the record as one line of JSON, as the struct's tags say: a test holds the two
	// together.
	appendLine(b []byte) []byte
}

func (a *Attempt) appendLine(b []byte) []byte {
	b = appendStart(b, a.Time, a.Event, a.Route, a.MessageID)
	b = appendNumber(b, `,"attempt":`, int64(a.Attempt))
	b = appendNumber(b, `,"receive_count":`, int64(a.ReceiveCount))
	b = appendText(b, `,"endpoint":`, a.Endpoint)
	b = appendNumber(b, `,"status":`, int64(a.Status))
	b = appendNumber(b, `,"took_ms":`, a.TookMS)
	b = appendText(b, `,"outcome":`, a.Outcome)
	b = appendNumber(b, `,"delay_ms":`, a.DelayMS)
	b = appendText(b, `,"reason":`, a.Reason)
	return append(b, "}\n"...)
}

func (s *Settlement) appendLine(b []byte) []byte {
	b = appendStart(b, s.Time, s.Event, s.Route, s.MessageID)
	b = appendText(b, `,"outcome":`, s.Outcome)
	b = appendNumber(b, `,"attempts":`, int64(s.Attempts))
	b = appendNumber(b, `,"age_ms":`, s.AgeMS)
	b = appendNumber(b, `,"settle_ms":`, s.SettleMS)
	b = strconv.AppendBool(append(b, `,"ok":`...), s.OK)
	if s.Verdict != "" {
		b = appendText(b, `,"verdict":`, s.Verdict)
	}
	if s.HeldMS != 0 {
		b = appendNumber(b, `,"held_ms":`, s.HeldMS)
	}
	return append(b, "}\n"...)
}

// appendStart appends what every line begins with.
func appendStart(b []byte, at time.Time, event, route, id string) []byte {
	b = at.AppendFormat(append(b, `{"time":"`...), time.RFC3339Nano)
	b = appendText(b, `","event":`, event)
	b = appendText(b, `,"route":`, route)
	return appendText(b, `,"message_id":`, id)
}

func appendText(b []byte, name, value string) []byte {
	return plainjson.Append(append(b, name...), value)
}

func appendNumber(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(b, name...), n, 10)
}
