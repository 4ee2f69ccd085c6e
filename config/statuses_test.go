package config

import "testing"

func TestPermanentStatusesAreNumbersAndRanges(t *testing.T) {
	limits(t, "CARRIER_WEBHOOK_PERMANENT_STATUS", nil, []string{"400-499", "400", "400,404-410,503", "429", "500-599"},
		[]string{"4xx", "399", "600", "499-400", "400-", "-400", "400,", "+400", "0400"})
	for value, c := range map[string]struct{ in, out []int }{
		"":                {[]int{400, 404, 422, 499}, []int{408, 425, 429, 399, 500, 503}},
		"400-599":         {[]int{400, 500, 503, 599}, []int{408, 425, 429}},
		"400,422":         {[]int{400, 422}, []int{401, 404, 429, 500}},
		"404-410,429,503": {[]int{404, 410, 429, 503}, []int{408, 403, 411, 500}},
	} {
		s := good(t, map[string]string{"CARRIER_WEBHOOK_PERMANENT_STATUS": value}).Routes[0].Webhook.PermanentStatus
		for _, status := range c.in {
			if !s.Contains(status) {
				t.Errorf("%q leaves out %d", value, status)
			}
		}
		for _, status := range c.out {
			if s.Contains(status) {
				t.Errorf("%q contains %d", value, status)
			}
		}
		if value != "" && s.String() != value {
			t.Errorf("%q prints %q", value, s)
		}
	}
}
