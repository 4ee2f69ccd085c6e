// Package awsenv keeps what the machine knows of AWS out of tests.
package awsenv

import (
	"os"
	"path/filepath"
	"strings"
)

// Clear unsets every AWS_ variable of the process and points the SDK at configuration files that are not
// there. It is for a TestMain: no test may run meanwhile.
func Clear() {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	nowhere := filepath.Join(os.TempDir(), "carrier-no-aws-configuration")
	_ = os.Setenv("AWS_CONFIG_FILE", nowhere)
	_ = os.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
}
