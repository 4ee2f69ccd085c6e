package variable

import (
	"fmt"
	"io"
)

const page = `# Configuration

carrier is configured by environment variables alone. This page is printed by
` + "`carrier config --markdown`" + `; ` + "`carrier config`" + ` prints what is in effect, secrets redacted.

* A variable that is set to the empty string counts as not set, but for
  ` + "`CARRIER_ADMIN_ADDRESS`" + `, which the empty string turns off.
* Every variable marked *secret* can also be given as its name with ` + "`_FILE`" + ` at the end: the
  path of a file that holds it. One newline at the end of the file is dropped. Giving both is a fault.
* With ` + "`CARRIER_ROUTES=orders,mail`" + ` there are several routes in one process. A variable whose
  *Of* is *route* is then also read as ` + "`CARRIER_ROUTE_MAIL_<REST>`" + ` in place of
  ` + "`CARRIER_<REST>`" + `, for the route mail alone: that first, then the process-wide one, then the
  default, with ` + "`_FILE`" + ` forms on both. One whose *Of* is *process* has no such form.
* Everything that is wrong is reported at once on stderr, a line for each variable, and carrier ends
  with exit code 2 before it takes a message. A variable that begins with ` + "`CARRIER_`" + ` and is not
  listed here is warned about.

| Variable | Of | Default | Allowed | Meaning |
|---|---|---|---|---|
`

// Markdown prints the reference page of all, of which the first are the process's and the others each
// route's. It returns w's error.
func Markdown(w io.Writer, processes int, all []Variable) error {
	if _, err := io.WriteString(w, page); err != nil {
		return err
	}
	for i, v := range all {
		of := "route"
		if i < processes {
			of = "process"
		}
		if _, err := fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s |\n", v.Name, of, v.Standard(), v.Allowed(), v.Meaning()); err != nil {
			return err
		}
	}
	return nil
}
