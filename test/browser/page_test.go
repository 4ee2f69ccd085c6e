package browser

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestOnlyTheTokenLogsIn(t *testing.T) {
	t.Parallel()
	c := start(t)
	tb := open(t, c.page)
	tb.do(chromedp.SendKeys(css("#token"), "another\r"))
	tb.shows("#login-error", "not right")
	if eval[bool](tb, `getComputedStyle(document.getElementById("content")).display !== "none"`) {
		t.Error("the content is shown")
	}
	tb.logIn()
	tb.shows("#routes", "default")
	if cookie := eval[string](tb, "document.cookie"); cookie != "" || eval[int](tb, "localStorage.length") != 0 {
		t.Errorf("a cookie %q, or something that outlives the tab", cookie)
	}
	tb.do(chromedp.Reload(), chromedp.WaitVisible(css("#content"))) // the tab keeps the token
	tb.do(chromedp.Click(css("#logout")), chromedp.WaitVisible(css("#login")), chromedp.Reload(), chromedp.WaitVisible(css("#login")))
}

func TestMessageThatFailsIsFollowedToTheDeadLettersAndBack(t *testing.T) {
	t.Parallel()
	c := start(t)
	tb := open(t, c.page)
	tb.logIn()
	tb.shows("#attempts-empty", "No attempt yet")
	id := c.put("")
	tb.until("three attempts", `document.querySelectorAll("#attempts tbody tr").length === 3`)
	tb.shows("#routes", "Dead letters")
	tb.shows("#attempts", id)
	tb.shows("#attempts", "rejected")
	tb.do(chromedp.SendKeys(css("#filter-id"), "another"))
	tb.shows("#attempts-empty", "none that matches")
	tb.do(chromedp.KeyEvent(strings.Repeat(kb.Backspace, len("another"))), chromedp.SendKeys(css("#filter-id"), id))
	tb.until("its attempts", `document.querySelectorAll("#attempts tbody tr").length === 3`)
	if title := eval[string](tb, `document.querySelector("#attempts time").title`); !strings.Contains(title, "T") {
		t.Errorf("the exact time on hover is %q", title)
	}
	if text := tb.text("body"); strings.Contains(text, "hunter2") {
		t.Error("the page shows a body")
	}
	tb.shows("#dead", id)
	tb.shows("#dead", "worker answered 500")
	c.healthy.Store(true)
	tb.do(chromedp.Click(css(`[data-key="redrive ` + id + `"]`)))
	tb.shows("#attempts", "delivered")
	tb.shows("#dead-empty", "No dead letters.")
	tb.until("it is counted no more", `!document.getElementById("routes").innerText.includes("Dead letters")`)
}

func TestDeadLettersAreRedrivenAllAtOnceAndDropped(t *testing.T) {
	t.Parallel()
	c := start(t)
	var ids []string
	for range 3 {
		ids = append(ids, c.put(""))
	}
	tb := open(t, c.page)
	tb.logIn()
	tb.until("three dead letters", `document.querySelectorAll("#dead tbody tr").length === 3`)
	drop := css(`[data-key="drop ` + ids[0] + `"]`)
	tb.do(chromedp.Click(drop), chromedp.WaitVisible(css("#confirm")))
	tb.shows("#confirm-text", "gone for good")
	tb.do(chromedp.KeyEvent(kb.Enter)) // Cancel has the focus
	tb.until("the question is gone", `!document.getElementById("confirm").open`)
	tb.do(chromedp.Click(drop), chromedp.WaitVisible(css("#confirm")), chromedp.Click(css("#confirm-yes")))
	tb.until("two dead letters", `document.querySelectorAll("#dead tbody tr").length === 2`)
	c.healthy.Store(true)
	tb.do(chromedp.Click(css("#redrive-all")), chromedp.WaitVisible(css("#confirm")), chromedp.Click(css("#confirm-yes")))
	tb.shows("#dead-empty", "No dead letters.")
	tb.until("both are delivered", `Array.from(document.querySelectorAll("#attempts .delivered")).length === 2`)
	if strings.Contains(tb.text("#attempts"), ids[0]) && eval[int](tb, `Array.from(document.querySelectorAll("#attempts tbody tr")).filter((r) => r.innerText.includes("`+ids[0]+`") && r.innerText.includes("delivered")).length`) > 0 {
		t.Error("what was dropped is delivered")
	}
}

func TestRouteIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.healthy.Store(true)
	tb := open(t, c.page)
	tb.logIn()
	tb.do(chromedp.Click(css(`[data-key="pause default"]`)))
	tb.shows("#routes .state", "paused")
	var last string
	for range 20 { // more than a receive that was open before brings
		last = c.put("")
	}
	tb.shows("#routes", "Queued")
	tb.do(chromedp.Click(css(`[data-key="pause default"]`)))
	tb.shows("#attempts", last)
	tb.until("nothing waits", `!document.getElementById("routes").innerText.includes("Queued")`)
	tb.shows("#routes .state", "up")
}

// TestKeyboardAloneIsEnough logs in, pauses and resumes without a mouse.
func TestKeyboardAloneIsEnough(t *testing.T) {
	t.Parallel()
	c := start(t)
	tb := open(t, c.page)
	focused := func(want string) {
		t.Helper()
		for range 30 {
			if eval[string](tb, `document.activeElement.dataset.key || document.activeElement.id`) == want {
				return
			}
			tb.do(chromedp.KeyEvent(kb.Tab))
		}
		t.Fatalf("30 tabs do not lead to %q", want)
	}
	focused("token")
	tb.do(chromedp.KeyEvent(token), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(css("#content")))
	tb.shows("#routes .state", "up")
	focused("pause default")
	if outline := eval[string](tb, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
		t.Error("the focus is not to be seen")
	}
	tb.do(chromedp.KeyEvent(kb.Enter))
	tb.shows("#routes .state", "paused")
	if at := eval[string](tb, `document.activeElement.dataset.key || ""`); at != "pause default" {
		t.Errorf("the focus is lost to %q", at)
	}
	tb.do(chromedp.KeyEvent(" "))
	tb.shows("#routes .state", "up")
	focused("filter-id")
	focused("filter-outcome")
	focused("logout")
	tb.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(css("#login")))
	focused("token")
}

// hostile is what a message could say to become code, or to take the page apart.
const hostile = `"><img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`

// hostileAnswers is an API that says such things in every place.
func hostileAnswers(t *testing.T) map[string]string {
	t.Helper()
	long := strings.Repeat("0123456789", 30)
	type object = map[string]any
	answers := map[string]string{}
	for path, answer := range map[string]object{
		"/v1/state": {"version": hostile, "routes": []object{{
			"name": hostile, "receiver": hostile, "source": long, "state": hostile, "reasons": []string{hostile, long}, "in_flight": 1, "limit": 2,
			"received": 3, "settled": object{hostile: 1, "delivered": 1}, "oldest_seconds": 90, "queued": 1, "dead_letters": 1,
			"endpoints": []object{{"url": "javascript:" + hostile, "breaker": hostile}, {"url": "http://" + long, "breaker": "open"}},
		}}},
		"/v1/attempts": {"attempts": []object{
			{"time": hostile, "route": hostile, "message_id": hostile, "attempt": 1, "outcome": hostile, "status": hostile, "took_ms": 3, "endpoint": hostile, "reason": hostile},
			{"time": "2026-11-28T12:00:00Z", "route": long, "message_id": long, "attempt": 1, "outcome": "failed", "status": 500, "took_ms": 3, "endpoint": long, "reason": long},
		}},
		"/v1/dead-letters": {"dead_letters": []object{
			{"id": hostile, "route": hostile, "reason": hostile, "status": 500, "attempts": 3, "endpoint": hostile, "first_received": hostile, "last_attempt": "2026-11-28T12:00:00Z", "bytes": 12},
			{"id": long, "route": long, "reason": long, "status": 500, "attempts": 3, "first_received": "2026-11-28T12:00:00Z", "bytes": 5_000_000},
		}},
		"/v1/dead-letters/redrive": {"running": true, "moved": 10, "left": 90, "failed": 1},
	} {
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		answers[path] = string(text)
	}
	return answers
}

func TestHostileIdsAndReasonsAreText(t *testing.T) {
	t.Parallel()
	tb := open(t, fake(t, start(t), hostileAnswers(t)))
	tb.logIn()
	for _, at := range []string{"#version", "#routes h3", "#routes", "#attempts tbody", "#dead tbody"} {
		tb.shows(at, hostile)
	}
	tb.do(chromedp.Click(css("#dead .danger")), chromedp.WaitVisible(css("#confirm")))
	tb.shows("#confirm-text", hostile)
	tb.do(chromedp.Click(css("#confirm button"))) // Cancel
	tb.until("the question is gone", `!document.getElementById("confirm").open`)
	if n := eval[int](tb, `document.querySelectorAll("main img, main script, dialog img, main a, main iframe").length`); n != 0 {
		t.Errorf("%d elements were made of text", n)
	}
	if title := eval[string](tb, "document.title"); title != "carrier" {
		t.Errorf("code has run: the title is %q", title)
	}
	tb.shows("#redrive-state", "10 moved")
}

func TestNarrowScreensNeedNoScrollingSideways(t *testing.T) {
	t.Parallel()
	tb := open(t, fake(t, start(t), hostileAnswers(t)))
	tb.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateScale(2), chromedp.EmulateMobile))
	width := func(at string) {
		t.Helper()
		if w := eval[int](tb, "document.documentElement.scrollWidth"); w > 360 {
			t.Errorf("%s: %d px wide: %v", at, w, eval[[]string](tb, `Array.from(document.querySelectorAll("body *")).filter((e) => e.getBoundingClientRect().right > 360).map((e) => e.tagName + "." + e.className + "#" + e.id)`))
		}
		if wide := eval[[]string](tb, `Array.from(document.querySelectorAll(".scroll")).filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.innerText.slice(0, 40))`); len(wide) > 0 {
			t.Errorf("%s: %v scroll sideways", at, wide)
		}
	}
	width("log in")
	tb.logIn()
	tb.shows("#dead tbody", hostile)
	width("the page")
	tb.do(chromedp.Click(css("#dead .danger")), chromedp.WaitVisible(css("#confirm")))
	width("a question")
}

// TestStatesAreClear looks at a carrier that lists no dead letters, and at one that has gone.
func TestStatesAreClear(t *testing.T) {
	t.Parallel()
	answers := map[string]string{"/v1/state": `{"version":"1","routes":[]}`, "/v1/attempts": `{"attempts":[]}`}
	tb := open(t, fake(t, start(t), answers))
	tb.logIn()
	tb.shows("#routes-loading", "No route")
	tb.shows("#attempts-empty", "No attempt yet")
	tb.shows("#dead-empty", "No dead letters are listed here")
	eval[bool](tb, `window.fetch = () => Promise.reject(new Error("gone")), true`)
	tb.shows("#connection", "carrier does not answer: gone. Trying again.")
}

var screenshot = flag.String("screenshot", "", "file to write a picture of the page to")

// TestPageIsReadableInTheDark also takes the picture of the README.
func TestPageIsReadableInTheDark(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.put("")
	tb := open(t, c.page)
	tb.logIn()
	tb.shows("#attempts", "rejected")
	c.healthy.Store(true)
	c.put("")
	tb.shows("#attempts", "delivered")
	tb.shows("#dead", "worker answered 500")
	for _, scheme := range []string{"light", "dark"} {
		tb.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
			return err
		}))
		if light := eval[int](tb, `Number(getComputedStyle(document.body.parentElement).backgroundColor.match(/\d+/)[0])`); (scheme == "dark") != (light < 128) {
			t.Errorf("%s: the background is %d", scheme, light)
		}
	}
	if *screenshot != "" {
		tb.do(chromedp.EmulateViewport(1000, 640))
		png := run(tb, chromedp.FullScreenshot(100))
		if err := os.WriteFile(*screenshot, png, 0o644); err != nil { //nolint:gosec // a picture
			t.Fatal(err)
		}
	}
}
