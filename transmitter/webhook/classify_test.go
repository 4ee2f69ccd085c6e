package webhook

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"carrier/message"
	"carrier/transmitter/webhook/delay"
	"carrier/transmitter/webhook/format"
)

func TestAnswerBecomesOutcome(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var (
		delivered = message.Outcome{Verdict: message.Delivered}
		failed    = message.Outcome{Cause: message.Failed}
		rejected  = message.Outcome{Verdict: message.Rejected}
		dead      = message.Outcome{Verdict: message.Rejected, Action: message.DeadLetter}
	)
	deferred := func(d time.Duration) message.Outcome {
		return message.Outcome{Cause: message.Deferred, Delay: d}
	}
	cases := map[string]struct {
		status     int
		retryAfter string
		action     string
		want       message.Outcome
		code       string
		warned     bool
	}{
		"200 is delivered":                              {200, "", "", delivered, "2xx", false},
		"204 is delivered":                              {204, "", "", delivered, "2xx", false},
		"299 is delivered":                              {299, "", "", delivered, "2xx", false},
		"a 2xx wants no retry":                          {200, "5", "", delivered, "2xx", false},
		"101 is rejected":                               {101, "", "", rejected, "1xx", false},
		"301 is rejected":                               {301, "", "", rejected, "3xx", false},
		"304 is rejected":                               {304, "", "", rejected, "3xx", false},
		"a redirect's Retry-After is no retry":          {302, "5", "", rejected, "3xx", false},
		"400 is rejected":                               {400, "", "", rejected, "4xx", false},
		"404's Retry-After is no retry":                 {404, "5", "", rejected, "4xx", false},
		"422 is rejected":                               {422, "", "", rejected, "4xx", false},
		"408 failed":                                    {408, "", "", failed, "4xx", false},
		"425 failed":                                    {425, "", "", failed, "4xx", false},
		"429 failed":                                    {429, "", "", failed, "4xx", false},
		"500 failed":                                    {500, "", "", failed, "5xx", false},
		"599 failed":                                    {599, "", "", failed, "5xx", false},
		"600 is not HTTP":                               {600, "", "", failed, "error", false},
		"99 is not HTTP":                                {99, "", "", failed, "error", false},
		"429 with seconds is deferred":                  {429, "120", "", deferred(2 * time.Minute), "4xx", false},
		"503 with seconds is deferred":                  {503, "1", "", deferred(time.Second), "5xx", false},
		"zero names no delay":                           {503, "0", "", failed, "5xx", false},
		"many zeros name no delay":                      {429, "000", "", failed, "4xx", false},
		"503 with spaces around":                        {503, " 3\t", "", deferred(3 * time.Second), "5xx", false},
		"503 with an IMF date":                          {503, "Sun, 01 Mar 2026 12:01:00 GMT", "", deferred(time.Minute), "5xx", false},
		"503 with an RFC 850 date":                      {503, "Sunday, 01-Mar-26 12:01:00 GMT", "", deferred(time.Minute), "5xx", false},
		"503 with an asctime date":                      {503, "Sun Mar  1 12:01:00 2026", "", deferred(time.Minute), "5xx", false},
		"a date in the past names no delay":             {503, "Sun, 01 Mar 2026 11:00:00 GMT", "", failed, "5xx", false},
		"a date in the year 9999 is the longest delay":  {503, "Fri, 31 Dec 9999 23:59:59 GMT", "", deferred(delay.Longest), "5xx", false},
		"ten digits do not overflow":                    {503, "9999999999", "", deferred(delay.Longest), "5xx", false},
		"the largest integer does not overflow":         {503, "9223372036854775807", "", deferred(delay.Longest), "5xx", false},
		"one more than the largest integer is no value": {503, "9223372036854775808", "", failed, "5xx", true},
		"negative is no value":                          {503, "-1", "", failed, "5xx", true},
		"a sign is no value":                            {503, "+1", "", failed, "5xx", true},
		"a fraction is no value":                        {503, "1.5", "", failed, "5xx", true},
		"words are no value":                            {503, "soon", "", failed, "5xx", true},
		"empty is no value":                             {503, " ", "", failed, "5xx", true},
		"ack overrules 500":                             {500, "5", "ack", delivered, "5xx", false},
		"ack overrules 404":                             {404, "", " ACK ", delivered, "4xx", false},
		"retry overrules 200":                           {200, "", "retry", failed, "2xx", false},
		"retry overrules 404":                           {404, "", "Retry", failed, "4xx", false},
		"retry takes any status's Retry-After":          {200, "9", "retry", deferred(9 * time.Second), "2xx", false},
		"retry with a bad Retry-After":                  {200, "-9", "retry", failed, "2xx", true},
		"dead-letter overrules 200":                     {200, "", "dead-letter", dead, "2xx", false},
		"dead-letter overrules 503":                     {503, "5", "Dead-Letter", dead, "5xx", false},
		"an unknown word on 200 is a retry":             {200, "", "drop", failed, "2xx", true},
		"an unknown word on 404 is a retry":             {404, "", "drop", failed, "4xx", true},
		"an unknown word on 503 takes its Retry-After":  {503, "5", "drop", deferred(5 * time.Second), "5xx", true},
		"later without a token is a retry":              {200, "", "later", failed, "2xx", true},
		"two words on 200 are a retry":                  {200, "", "ack, retry", failed, "2xx", true},
		"two words on 500 are a retry":                  {500, "", "ack, dead-letter", failed, "5xx", true},
		"a word that is repeated counts once":           {500, "", "ack, ACK", delivered, "5xx", false},
		"an empty word is none":                         {200, "", " ", delivered, "2xx", false},
		"nothing but a comma is no word":                {200, "", ",", delivered, "2xx", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			if c.retryAfter != "" {
				header.Set("Retry-After", c.retryAfter)
			}
			if c.action != "" {
				header.Set("X-Carrier-Action", c.action)
			}
			got, warnings := classify(c.status, header, rules{accepts: format.Raw.Accepts, permanent: isPermanent}, now)
			if got.Status != c.status || got.Code != c.code {
				t.Errorf("status %d, code %q, want %d, %q", got.Status, got.Code, c.status, c.code)
			}
			if (got.Reason == "") != (got.Verdict == message.Delivered) {
				t.Errorf("reason %q", got.Reason)
			}
			got.Status, got.Code, got.Reason = 0, "", ""
			if got != c.want {
				t.Errorf("outcome %+v, want %+v", got, c.want)
			}
			if (len(warnings) > 0) != c.warned {
				t.Errorf("warnings %q", warnings)
			}
			for _, w := range warnings {
				if c.action != "" && c.action != later && strings.Contains(w, c.action) {
					t.Errorf("warning %q repeats what the worker said", w)
				}
			}
		})
	}
}

func TestRepeatedHeadersCountOnce(t *testing.T) {
	const action, after = "X-Carrier-Action", "Retry-After"
	for name, c := range map[string]struct {
		header http.Header
		want   message.Outcome
		warned bool
	}{
		"the same word twice":  {http.Header{action: {"ack", "Ack"}}, message.Outcome{Verdict: message.Delivered}, false},
		"two words":            {http.Header{action: {"ack", "dead-letter"}}, message.Outcome{Cause: message.Failed}, true},
		"a word and nothing":   {http.Header{action: {"", "ack"}}, message.Outcome{Verdict: message.Delivered}, false},
		"the same delay twice": {http.Header{after: {"5", " 5"}}, message.Outcome{Cause: message.Deferred, Delay: 5 * time.Second}, false},
		"two delays":           {http.Header{after: {"5", "6"}}, message.Outcome{Cause: message.Failed}, true},
	} {
		o, warnings := classify(500, c.header, rules{accepts: format.Raw.Accepts, permanent: isPermanent}, time.Now())
		o.Status, o.Code, o.Reason = 0, "", ""
		if o != c.want || (len(warnings) == 1) != c.warned {
			t.Errorf("%s: %+v, warnings %q", name, o, warnings)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{
		"0", "120", "-1", "9999999999", "9223372036854775808", "1e3", "0x10", "1_0", " 5", "\x00",
		"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
	} {
		f.Add(s)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		after, err := delay.RetryAfter([]string{value}, now)
		if after < 0 || after > delay.Longest || err != nil && after != 0 {
			t.Errorf("%q is %v, %v", value, after, err)
		}
		o, warnings := classify(503, http.Header{"Retry-After": {value}}, rules{accepts: format.Raw.Accepts, permanent: isPermanent}, now)
		if (after > 0) != (o.Cause == message.Deferred) || (err != nil) != (len(warnings) == 1) {
			t.Errorf("%q gives %+v, %q", value, o, warnings)
		}
		if o.Verdict != message.Retry {
			t.Errorf("%q gives %+v", value, o)
		}
	})
}

func TestOperatorSaysWhichStatusesArePermanent(t *testing.T) {
	permanent := func(status int) bool { return status == 400 || status == 503 }
	for status, want := range map[int]message.Verdict{
		400: message.Rejected, 503: message.Rejected, 404: message.Retry, 422: message.Retry, 500: message.Retry,
		429: message.Retry, 101: message.Rejected, 302: message.Rejected, 200: message.Delivered,
	} {
		o, _ := classify(status, http.Header{"Retry-After": {"5"}}, rules{accepts: format.Raw.Accepts, permanent: permanent}, time.Now())
		if o.Verdict != want {
			t.Errorf("%d is %+v", status, o)
		}
		if deferred := o.Cause == message.Deferred && o.Delay == 5*time.Second; deferred != (want == message.Retry) {
			t.Errorf("%d with Retry-After is %+v", status, o)
		}
	}
}
