package admin

import (
	"maps"
	"slices"
	"strings"
)

// unnamed is what the route without a name is called where one is asked for by name.
const unnamed = "default"

// A Route is one route's part in the readiness of the process.
type Route struct {
	// Name is empty for the one route of a process without named routes.
	Name string
	// Counts says that the process is not ready while the route's worker is offline. Its source and
	// its drain count always.
	Counts bool
	*Readiness
}

// Routes are all routes of the process. Their methods are safe for concurrent use.
type Routes []Route

// Reasons returns what stands in the way of readiness: by subject for a route without a name, else
// by route.
func (all Routes) Reasons() map[string]string {
	reasons := map[string]string{}
	for _, r := range all {
		maps.Copy(reasons, r.reasons(!r.Counts))
	}
	return reasons
}

// Of returns what stands in the way of the readiness of the route called name, its worker included
// whether it counts or not, and whether there is such a route.
func (all Routes) Of(name string) (reasons map[string]string, known bool) {
	for _, r := range all {
		if r.Name == name && name != "" || r.Name == "" && name == unnamed {
			return r.reasons(false), true
		}
	}
	return nil, false
}

func (r Route) reasons(withoutWorker bool) map[string]string {
	bySubject := r.Reasons()
	if withoutWorker {
		delete(bySubject, worker)
	}
	if r.Name == "" || len(bySubject) == 0 {
		return bySubject
	}
	return map[string]string{r.Name: inOneLine(bySubject)}
}

// inOneLine puts reasons into words.
func inOneLine(reasons map[string]string) string {
	var all []string
	for subject, reason := range reasons {
		all = append(all, subject+" "+reason)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}
