package charts

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"carrier/charts/test/reference"
	"carrier/charts/test/render"
	"carrier/config"
)

// TestEveryVariableIsReachable sets each of carrier's variables through the chart alone.
func TestEveryVariableIsReachable(t *testing.T) {
	for _, v := range reference.Variables() {
		t.Run(v.Name, func(t *testing.T) {
			if v.Secret() {
				fromSecret(t, v.Name)
				return
			}
			value := sample(v)
			values := with(reachable(t, v.Name), "config."+v.Name, value)
			if got := variable(t, values, v.Name).Value; got != fmt.Sprint(value) {
				t.Errorf("%v became %q", value, got)
			}
		})
	}
}

// TestEveryVariableOfARouteIsReachable sets each of them for one of two routes.
func TestEveryVariableOfARouteIsReachable(t *testing.T) {
	for _, v := range reference.RouteVariables() {
		t.Run(v.Name, func(t *testing.T) {
			of := "CARRIER_ROUTE_MAIL_EU_" + strings.TrimPrefix(v.Name, "CARRIER_")
			given := func(part string, value any) map[string]any {
				mail := map[string]any{"name": "mail-eu", part: map[string]any{v.Name: value}}
				return with(cases(t)["minimal"], "routes", []any{map[string]any{"name": "orders"}, mail})
			}
			if v.Secret() {
				from := variable(t, given("secrets", map[string]any{"name": "orders-carrier", "key": "k"}), of).ValueFrom
				if from == nil || from.SecretKeyRef == nil || from.SecretKeyRef.Key != "k" {
					t.Errorf("%s comes from %v", of, from)
				}
				file := variable(t, given("secrets", map[string]any{"name": "orders-carrier", "key": "k", "file": true}), of+"_FILE").Value
				if file != "/run/secrets/carrier/"+of {
					t.Errorf("%s_FILE is %q", of, file)
				}
				return
			}
			value := sample(v)
			if got := variable(t, given("config", value), of).Value; got != fmt.Sprint(value) {
				t.Errorf("%v became %q", value, got)
			}
			if got := variable(t, given("config", value), "CARRIER_ROUTES").Value; got != "orders,mail-eu" {
				t.Errorf("the routes are %q", got)
			}
		})
	}
}

// reachable are values with which the variable means something.
func reachable(t *testing.T, name string) map[string]any {
	if name == "CARRIER_EXIT_WHEN_IDLE" {
		return cases(t)["job-sqs"]
	}
	values := cases(t)["minimal"]
	if name == "CARRIER_INGEST_DATA_DIR" {
		values = with(values, "persistence.mountPath", "/somewhere")
	}
	return with(values, "config.CARRIER_INGEST_ALLOW_ANONYMOUS", true)
}

// sample is a value that v may have, and that is not its default.
func sample(v reference.Variable) any {
	switch v.Type {
	case reflect.TypeFor[time.Duration]():
		return "77s"
	case reflect.TypeFor[config.Size]():
		return "3MiB"
	case reflect.TypeFor[config.Prefetch]():
		return 3
	}
	switch v.Type.Kind() {
	case reflect.Bool:
		return true
	case reflect.Int:
		return 7
	case reflect.Float64:
		return 1.5
	}
	if words := strings.Fields(v.Tag.Get("oneof")); len(words) > 0 {
		return words[len(words)-1]
	}
	switch v.Name {
	case "CARRIER_ADMIN_ADDRESS", "CARRIER_INGEST_ADDRESS":
		return ":7777"
	case "CARRIER_RECEIVER":
		return "pubsub"
	}
	return "/somewhere/else"
}

func fromSecret(t *testing.T, name string) {
	reference := map[string]any{"name": "orders-carrier", "key": "admin-token"}
	values := with(cases(t)["minimal"], "secrets."+name, reference)
	from := variable(t, values, name).ValueFrom
	if from == nil || from.SecretKeyRef == nil || from.SecretKeyRef.Name != "orders-carrier" || from.SecretKeyRef.Key != "admin-token" {
		t.Errorf("%s comes from %v", name, from)
	}
	if name != "CARRIER_ADMIN_TOKEN" { // its hooks cannot read a file
		values = with(cases(t)["minimal"], "config."+name+"_FILE", "/mnt/secret")
		if got := variable(t, values, name+"_FILE").Value; got != "/mnt/secret" {
			t.Errorf("%s_FILE is %q", name, got)
		}
	}
	values = with(values, "secrets."+name, map[string]any{"name": "orders-carrier", "key": "admin-token", "file": true})
	values = with(values, "config", map[string]any{})
	if got := variable(t, values, name+"_FILE").Value; got != "/run/secrets/carrier/"+name {
		t.Errorf("%s_FILE is %q", name, got)
	}
}

// variable is one of the variables of carrier's container.
func variable(t *testing.T, values map[string]any, name string) corev1.EnvVar {
	t.Helper()
	for _, e := range container(t, podOf(t, rendered(t, values)), "carrier").Env {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("%s is not set", name)
	return corev1.EnvVar{}
}

// TestNumbersKeepTheirDigits: a number in YAML reaches Helm as a float.
func TestNumbersKeepTheirDigits(t *testing.T) {
	for value, want := range map[any]string{1000000: "1000000", 5000000000: "5000000000", "1000000": "1000000"} {
		values := with(cases(t)["minimal"], "config.CARRIER_INGEST_MAX_BYTES", value)
		if got := variable(t, values, "CARRIER_INGEST_MAX_BYTES").Value; got != want {
			t.Errorf("%v became %q", value, got)
		}
	}
}

// TestCarrierAcceptsTheEnvironmentOfEveryCase has carrier's own rules look at what the
// chart gives it.
func TestCarrierAcceptsTheEnvironmentOfEveryCase(t *testing.T) {
	for name, values := range cases(t) {
		t.Run(name, func(t *testing.T) {
			secret, pair := filepath.Join(t.TempDir(), "secret"), certificate(t)
			if err := os.WriteFile(secret, []byte("X-Name:s3cret\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, e := range container(t, podOf(t, rendered(t, values)), "carrier").Env {
				switch {
				case e.ValueFrom != nil:
					t.Setenv(e.Name, "X-Name:s3cret")
				case strings.HasPrefix(e.Value, "/run/secrets/carrier-tls/"):
					t.Setenv(e.Name, pair)
				case strings.HasPrefix(e.Value, "/run/secrets/carrier/"):
					t.Setenv(e.Name, secret)
				default:
					t.Setenv(e.Name, e.Value)
				}
			}
			loaded, warnings, err := config.Load([]string{config.SQS, config.PubSub, config.NATS, config.Ingest})
			warnings = slices.DeleteFunc(warnings, func(w string) bool { return strings.HasPrefix(w, "CARRIER_INGEST_ALLOW_ANONYMOUS:") })
			if err != nil || len(warnings) > 0 {
				t.Errorf("%v %v", warnings, err)
			}
			manifests, err := render.Helm4(chart, release(values))
			if err != nil {
				t.Fatal(err)
			}
			notes := manifests["carrier/templates/NOTES.txt"]
			for _, route := range loaded.Routes {
				says := "receiver " + route.Receiver + "."
				if route.Name != "" {
					says = route.Name + " (receiver " + route.Receiver + ")"
				}
				if !strings.Contains(notes, says) {
					t.Errorf("carrier has %s, and the chart says:\n%s", says, notes)
				}
			}
		})
	}
}
