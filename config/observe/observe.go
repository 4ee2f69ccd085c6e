// Package observe has the variables of what tells of the process: its log, its admin port, its audit
// trail. The tags are those of config.Config's fields.
package observe

import (
	"time"

	"carrier/config/values"
)

// The values of Audit.To, and the one of Audit.Only that leaves lines out.
const (
	Off      = "off"
	Stdout   = "stdout"
	File     = "file"
	Failures = "failures"
)

// Log says how the log is written.
type Log struct {
	Level     string `envconfig:"CARRIER_LOG_LEVEL" default:"info" oneof:"debug info warn error" desc:"Least severe log lines that are written. debug has a line for each delivered message."`
	Colorized bool   `envconfig:"CARRIER_ENABLE_COLORIZED_LOGGING" default:"false" desc:"Coloured text for people in place of JSON."`
}

// Stats says whether a statistics line is logged.
type Stats struct {
	Enabled bool          `envconfig:"CARRIER_ENABLE_STAT_LOG" default:"false" desc:"Log a statistics line at intervals: messages received and settled, messages in flight, goroutines, memory."`
	Every   time.Duration `envconfig:"CARRIER_STAT_LOG_TIMER" default:"120s" min:"1s" desc:"Time between two statistics lines."`
}

// Admin is the port for probes, metrics and draining.
type Admin struct {
	Address string        `envconfig:"CARRIER_ADMIN_ADDRESS" default:":9010" empty:"off" allowed:"host:port or :port, or empty for no admin port" desc:"Where /livez, /readyz, /metrics and /drain are served. Set to the empty string it turns them off."`
	Token   values.Secret `envconfig:"CARRIER_ADMIN_TOKEN" allowed:"visible ASCII without spaces" desc:"When set, /drain wants it as a bearer token; when not, the header X-Carrier-Drain: yes. /livez, /readyz and /metrics stay open. What is under /v1/ is there only with it."`
	Hosts   values.List   `envconfig:"CARRIER_ADMIN_HOSTS" allowed:"names of hosts, comma-separated, without a port" desc:"Names by which what is under /v1/ of the admin port and the page may be asked for, beside addresses and localhost."`
	Page    bool          `envconfig:"CARRIER_ADMIN_PAGE" default:"false" desc:"Serves a page for people at / of the admin port: routes, the last attempts, dead letters. It needs CARRIER_ADMIN_TOKEN, which is what one logs in with."`
}

// Audit says where the audit trail goes.
type Audit struct {
	To       string        `envconfig:"CARRIER_AUDIT" default:"off" oneof:"off stdout file" desc:"Where the audit trail goes: a line of JSON for each attempt and for each settlement. The last 1000 of both are in memory whatever is set. What cannot be written in time is left out and counted."`
	Dir      string        `envconfig:"CARRIER_AUDIT_DIR" allowed:"a directory; it must be set with CARRIER_AUDIT=file" desc:"The directory of the audit files; created when it is not there. audit.jsonl is written to, audit-N.jsonl are older."`
	Only     string        `envconfig:"CARRIER_AUDIT_ONLY" default:"all" oneof:"all failures" desc:"failures leaves out what was delivered."`
	MaxSize  values.Size   `envconfig:"CARRIER_AUDIT_MAX_SIZE" default:"64MiB" min:"4KiB" desc:"Largest audit file; then another one is begun."`
	MaxFiles int           `envconfig:"CARRIER_AUDIT_MAX_FILES" default:"8" min:"1" max:"10000" desc:"Most audit files, the current one included; the oldest is removed."`
	MaxAge   time.Duration `envconfig:"CARRIER_AUDIT_MAX_AGE" default:"720h" min:"1m" zero:"they are kept" desc:"An audit file is removed this long after its last line was written."`
}
