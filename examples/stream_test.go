package examples

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestClientsOfTheStreamPageSettleWhatTheyAreGiven runs the clients of the page from its own text, and
// the example, each beside a carrier of its own.
func TestClientsOfTheStreamPageSettleWhatTheyAreGiven(t *testing.T) {
	page := content(t, "../docs/stream.md")
	// The flag is for Node 20; later ones have a WebSocket without it, and take it all the same.
	node := []string{"node", "--experimental-websocket"}
	for name, c := range map[string]struct {
		text, file string
		command    []string
	}{
		"Node":    {clientIn(t, page, "js"), "client.mjs", node},
		"Go":      {clientIn(t, page, "go"), "main.go", []string{"go", "run"}},
		"example": {content(t, "stream/worker.mjs"), "worker.mjs", node},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if exec.CommandContext(t.Context(), node[0], node[1], "--version").Run() != nil && c.command[0] == node[0] {
				t.Log("NOT TESTED: there is no node that has a WebSocket")
				return
			}
			worksOnAll(t, "stream", c.file, c.text, c.command)
		})
	}
}

// clientIn is a page's only program in a language, behind the heading that says that these are clients.
func clientIn(t *testing.T, page, language string) string {
	t.Helper()
	_, clients, found := strings.Cut(page, "## Clients")
	block := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindStringSubmatch(clients)
	if !found || block == nil {
		t.Fatalf("no client in %s", language)
	}
	if n := strings.Count(block[1], "\n"); n > 25 {
		t.Errorf("the client in %s has %d lines, 25 are promised", language, n)
	}
	return block[1]
}
