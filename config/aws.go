package config

import (
	"fmt"
	"os"

	"carrier/config/faults"
	"carrier/config/values"
	"carrier/internal/redact"
)

// aws checks the variables of the AWS SDK that the SQS receiver depends on for what a Secret, a
// file or a copy leaves at an end. The SDK takes it for a part of the value: a region that nobody
// knows, a key that is refused.
func (k *check) aws() {
	if !k.config.Uses(SQS) {
		return
	}
	for _, v := range values.AWS() {
		value := os.Getenv(v.Name)
		what := values.Stray(value, v.NoBlanks())
		if what == "" {
			continue
		}
		shown := redact.Mark
		if !v.Secret {
			shown = fmt.Sprintf("%q", faults.Harmless(value))
		}
		k.report.add(Fault{Variable: v.Name, Value: shown, Want: "must be " + v.Want + "; it " + what})
	}
}
