package config

import (
	"strings"
	"testing"

	"carrier/config/variable"
)

// FuzzConfig gives two variables any values: Load must not panic, a fault must name a
// variable that exists, and no secret may be printed anywhere.
func FuzzConfig(f *testing.F) {
	const mark = "q7zx-mark"
	f.Add(byte(0), "sqs", byte(9), "10")
	f.Add(byte(13), "a b", byte(20), "http://u:p@h/")
	f.Add(byte(34), "1MiB", byte(42), "A:b,C:d")
	f.Add(byte(47), "NaN", byte(48), "-1h")
	var names []string
	var secret []bool
	for _, v := range reference() {
		names, secret = append(names, v.Name), append(secret, v.Secret())
		if v.Secret() {
			names, secret = append(names, v.Name+variable.FileSuffix), append(secret, false)
		}
	}
	f.Fuzz(func(t *testing.T, a byte, first string, b byte, second string) {
		vars := map[string]string{}
		for at, value := range map[byte]string{a: first, b: second} {
			i := int(at) % len(names)
			if secret[i] {
				value += mark
			}
			vars[names[i]] = strings.ReplaceAll(value, "\x00", "")
		}
		c, warnings, faults := load(t, vars)
		printed := strings.Join(warnings, "\n") + faults.Error()
		if faults == nil {
			printed += written(t, c)
		}
		if strings.Contains(printed, mark) {
			t.Errorf("a secret is printed: %s", printed)
		}
		for _, fault := range faults {
			if !strings.Contains("\n"+strings.Join(names, "\n")+"\n", "\n"+fault.Variable+"\n") || fault.Want == "" || strings.Contains(fault.String(), "\n") {
				t.Errorf("fault %q", fault)
			}
		}
	})
}
