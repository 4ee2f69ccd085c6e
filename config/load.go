package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

const (
	prefix     = "CARRIER_"
	fileSuffix = "_FILE"
)

// Load reads the process's environment. An empty variable counts as one that is not
// set, but for CARRIER_ADMIN_ADDRESS. receivers are the ones built into this binary.
//
// The strings are warnings for the log: each names its variable, and none holds a
// secret. The error, of type Faults, holds everything that is wrong at once; the
// warnings are good then too, the Config is not.
func Load(receivers []string) (Config, []string, error) {
	var c Config
	k := &check{config: &c, receivers: receivers, vars: c.variables()}
	for _, v := range k.vars {
		k.read(v)
	}
	k.infer()
	k.rules()
	c.complete(k.set)
	warnings := k.warnings()
	if len(k.faults) > 0 {
		return c, warnings, k.sorted()
	}
	return c, warnings, nil
}

// A variable is one field of a Config with what its tags say.
type variable struct {
	name  string
	tag   reflect.StructTag
	field reflect.Value
}

// variables lists c's fields in their order.
func (c *Config) variables() []variable { return variablesOf(reflect.ValueOf(c).Elem()) }

func variablesOf(group reflect.Value) []variable {
	var all []variable
	for i := range group.NumField() {
		tag := group.Type().Field(i).Tag
		if name, ok := tag.Lookup("envconfig"); ok {
			all = append(all, variable{name: name, tag: tag, field: group.Field(i)})
		} else {
			all = append(all, variablesOf(group.Field(i))...)
		}
	}
	return all
}

func (v variable) secret() bool {
	_, is := v.field.Interface().(Secret)
	return is
}

// set reports whether the environment gives v a value.
func (v variable) set() bool {
	value, there := os.LookupEnv(v.name)
	return value != "" || there && v.tag.Get("empty") != ""
}

// read gives v its value, from the environment or its default.
func (k *check) read(v variable) {
	name := v.name
	if !v.set() {
		// envconfig tells empty from unset, and no environment can hold this name.
		name = "=" + name
	}
	if what := stray(v, os.Getenv(v.name)); what != "" {
		k.fault(v.name, "must be "+v.allowed()+"; it "+what)
		return
	}
	if decode(v.field, name, v.tag.Get("default")) != nil {
		k.fault(v.name, "must be "+v.allowed())
		return
	}
	if v.secret() {
		k.readFile(v)
	}
	if v.set() {
		k.inRange(v)
	}
}

// readFile gives the secret v its value from the file its _FILE form names, if any.
func (k *check) readFile(v variable) {
	name := v.name + fileSuffix
	path := os.Getenv(name)
	if path == "" {
		return
	}
	if v.set() {
		k.fault(name, "must not be set together with "+v.name)
		return
	}
	secret, err := fromFile(path)
	if err != nil {
		k.fault(name, fmt.Sprintf("must be a readable file that holds the secret: %v", err))
		return
	}
	if what := stray(v, secret.Reveal()); what != "" {
		k.fault(name, "must hold "+v.allowed()+"; it "+what)
		return
	}
	v.field.Set(reflect.ValueOf(secret))
}

// decode has envconfig set one field from the environment variable called name, or from
// def. One at a time: envconfig stops at the first fault, and all are wanted.
func decode(field reflect.Value, name, def string) error {
	one := reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: "Field",
		Type: field.Type(),
		Tag:  reflect.StructTag(fmt.Sprintf("envconfig:%q default:%q", name, def)),
	}}))
	if err := envconfig.Process("", one.Interface()); err != nil {
		return err
	}
	field.Set(one.Elem().Field(0))
	return nil
}

// infer chooses the receiver where none is named, and checks that it is built in.
func (k *check) infer() {
	c := k.config
	if c.Receiver != "" {
		c.Receiver = strings.ToLower(c.Receiver)
		if !slices.Contains(k.receivers, c.Receiver) {
			k.fault("CARRIER_RECEIVER", "must be "+k.builtIn())
		}
		return
	}
	c.Receiver = Ingest
	because, first := "no queue is named, which means ingest; ", ""
	for _, receiver := range []string{SQS, PubSub, NATS} {
		name := k.firstSet(prefix + strings.ToUpper(receiver) + "_")
		switch {
		case name == "":
		case first != "":
			k.fault("CARRIER_RECEIVER", fmt.Sprintf("must be set where both %s and %s are", first, name))
			c.Receiver = ""
			return
		default:
			c.Receiver, because, first = receiver, fmt.Sprintf("%s is set, which means %s; ", name, receiver), name
		}
	}
	if !slices.Contains(k.receivers, c.Receiver) {
		k.fault("CARRIER_RECEIVER", because+"must be "+k.builtIn())
	}
}

func (k *check) builtIn() string {
	return fmt.Sprintf("a receiver that this binary has built in: %s", strings.Join(k.receivers, ", "))
}

// firstSet returns the first name of the reference table that begins with start and is set, in the
// order of the alphabet. Other names decide nothing: Kubernetes makes CARRIER_SQS_SERVICE_HOST and
// more for a Service that is called carrier-sqs.
func (k *check) firstSet(start string) string {
	for _, name := range carrierNames() {
		if strings.HasPrefix(name, start) && k.known(name) {
			return name
		}
	}
	return ""
}
