package environment

import (
	"testing"

	"go.uber.org/goleak"

	"carrier/internal/testkit/awsenv"
)

// TestMain runs the tests in an environment without any AWS configuration.
func TestMain(m *testing.M) {
	awsenv.Clear()
	goleak.VerifyTestMain(m)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// setenv sets variables for the test.
func setenv(t *testing.T, variables map[string]string) {
	t.Helper()
	for name, value := range variables {
		t.Setenv(name, value)
	}
}
