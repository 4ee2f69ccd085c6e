package charts

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// at is the value at a path of keys with dots between them; nil where there is none.
func at(values map[string]any, path string) any {
	key, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return values[key]
	}
	inner, _ := values[key].(map[string]any)
	return at(inner, rest)
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// adminPort is the port that values ask for; 0 where they turn it off.
func adminPort(values map[string]any) int32 {
	address, given := at(values, "config.CARRIER_ADMIN_ADDRESS").(string)
	if !given {
		return 9010
	}
	port, _ := strconv.Atoi(address[strings.LastIndex(address, ":")+1:])
	return int32(port)
}
