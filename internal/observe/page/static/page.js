"use strict";

// Everything shown is text: nothing of a message is ever parsed as HTML. The token lives in
// sessionStorage, which ends with the tab, and is sent with each request; there is no cookie.
const tokenKey = "carrier-admin-token";
const every = 2000; // milliseconds between two looks
const pageSize = 50; // dead letters asked for at once

const $ = (id) => document.getElementById(id);

let token = sessionStorage.getItem(tokenKey) || "";
let timer = 0;
let before = new Map(); // the counts of each route at the last look, for rates
let deadShown = []; // dead letters on the page
let deadNext = ""; // where the next ones begin
let redriving = false;

class Refused extends Error {}
class Absent extends Error {} // this carrier, or this route, has no such thing

// call asks the admin API, and returns the answer's JSON, or null where there is none.
async function call(method, path, body) {
  const options = { method, headers: { Authorization: "Bearer " + token }, cache: "no-store" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  if (answer.status === 401) throw new Refused("The token is not right.");
  const text = await answer.text();
  let document = null;
  try { document = text === "" ? null : JSON.parse(text); } catch { /* told by the status below */ }
  if (!answer.ok) {
    const detail = document && document.detail;
    if (answer.status === 501 || answer.status === 404 && !detail) throw new Absent(detail || "");
    throw new Error(detail || "carrier answered " + answer.status);
  }
  return document;
}

const query = (fields) => {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== "" && value !== undefined) q.set(name, value);
  const s = q.toString();
  return s === "" ? "" : "?" + s;
};

// element makes an element with text and classes.
function element(name, text, className) {
  const e = document.createElement(name);
  if (text !== undefined && text !== null) e.textContent = String(text);
  if (className) e.className = className;
  return e;
}

// button makes a button; key says which one it is when it is drawn anew, whatever its text is then.
function button(key, text, label, act, className) {
  const b = element("button", text, className);
  b.type = "button";
  b.dataset.key = key;
  b.setAttribute("aria-label", label);
  b.addEventListener("click", () => act(b));
  return b;
}

// time shows when in the reader's zone, with the exact moment on hover.
function time(when) {
  const e = element("time");
  const date = new Date(when);
  if (!when || Number.isNaN(date.getTime())) return e;
  const sameDay = date.toDateString() === new Date().toDateString();
  e.dateTime = date.toISOString();
  e.title = when;
  e.textContent = sameDay ? date.toLocaleTimeString() : date.toLocaleString();
  return e;
}

function seconds(n) {
  if (!(n > 0)) return "0 s";
  if (n < 120) return Math.round(n) + " s";
  if (n < 7200) return Math.round(n / 60) + " min";
  if (n < 172800) return Math.round(n / 3600) + " h";
  return Math.round(n / 86400) + " d";
}

function bytes(n) {
  if (!(n >= 0)) return "";
  if (n < 1024) return n + " B";
  if (n < 1048576) return (n / 1024).toFixed(1) + " KiB";
  return (n / 1048576).toFixed(1) + " MiB";
}

const number = (n) => (typeof n === "number" ? n.toLocaleString() : "");

// cell adds one cell to a row; label is what narrow screens show before it.
function cell(row, label, content, className) {
  const td = element("td", content instanceof Node ? undefined : content, className);
  td.dataset.label = label;
  if (content instanceof Node) td.append(content);
  row.append(td);
  return td;
}

// What is drawn: a second look at the same draws nothing, so that a selection, or a button that is about
// to be pressed, stays what it is.
const drawn = new Map();
let pressed = false; // a button of the mouse, or a finger, is down
for (const [name, down] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
  document.addEventListener(name, () => { pressed = down; }, true);
}

// changed says whether data has to be drawn at a place.
function changed(place, data) {
  const text = JSON.stringify(data);
  if (pressed || drawn.get(place) === text) return false;
  drawn.set(place, text);
  return true;
}

// keepFocus redraws, and puts the focus back onto the button with the same key.
function keepFocus(redraw) {
  const active = document.activeElement;
  const key = active && active.dataset.key;
  redraw();
  if (!key || document.contains(active)) return;
  for (const b of document.querySelectorAll("button[data-key]")) {
    if (b.dataset.key === key) { b.focus(); return; }
  }
}

function options(select, names, first) {
  const chosen = select.value;
  const wanted = (first === undefined ? [] : [""]).concat(names);
  const there = Array.from(select.options, (o) => o.value);
  if (wanted.length === there.length && wanted.every((w, i) => w === there[i])) return;
  select.replaceChildren(...wanted.map((name) => {
    const o = element("option", name === "" ? first : name);
    o.value = name;
    return o;
  }));
  if (wanted.includes(chosen)) select.value = chosen;
}

// Routes

function rate(route, name, total, now) {
  const last = before.get(route);
  if (!last || now <= last.at || last[name] === undefined || total < last[name]) return "";
  return " (" + ((total - last[name]) * 1000 / (now - last.at)).toFixed(1) + "/s)";
}

function fact(list, name, value) {
  list.append(element("dt", name), element("dd", value));
}

function routeCard(r, now) {
  const li = element("li");
  const top = element("div", undefined, "top");
  top.append(element("h3", r.name), element("span", r.state, "state " + (/^[a-z]+$/.test(r.state) ? r.state : "")));
  const list = element("dl");
  const delivered = (r.settled && r.settled.delivered) || 0;
  fact(list, "Source", r.receiver + (r.source ? ": " + r.source : ""));
  fact(list, "In flight", number(r.in_flight) + " of " + number(r.limit));
  fact(list, "Received", number(r.received) + rate(r.name, "received", r.received, now));
  fact(list, "Delivered", number(delivered) + rate(r.name, "delivered", delivered, now));
  for (const [outcome, n] of Object.entries(r.settled || {})) {
    if (outcome !== "delivered" && n > 0) fact(list, outcome[0].toUpperCase() + outcome.slice(1), number(n));
  }
  if (r.oldest_seconds > 0) fact(list, "Oldest", seconds(r.oldest_seconds));
  if (r.queued > 0) fact(list, "Queued", number(r.queued));
  if (r.dead_letters > 0) fact(list, "Dead letters", number(r.dead_letters));
  for (const e of r.endpoints || []) {
    fact(list, "Endpoint", e.url + (e.breaker && e.breaker !== "closed" ? " (breaker " + e.breaker + ")" : ""));
  }
  for (const reason of r.reasons || []) fact(list, "Not ready", reason);
  li.append(top, list);
  if (r.state !== "draining") {
    const paused = r.state === "paused";
    const word = paused ? "resume" : "pause";
    const b = button("pause " + r.name, paused ? "Resume" : "Pause", (paused ? "Resume " : "Pause ") + r.name, async (self) => {
      self.setAttribute("aria-disabled", "true"); // disabled would lose the focus
      try {
        await call("POST", "v1/routes/" + encodeURIComponent(r.name) + "/" + word);
        $("routes-error").textContent = "";
      } catch (e) { failed("routes-error", e); }
      await look();
    });
    if (!paused) b.title = "No receive begins. What an open one brings is still handled.";
    li.append(b);
  }
  before.set(r.name, { at: now, received: r.received, delivered });
  return li;
}

function showState(state) {
  if (!changed("routes", state)) return;
  const now = Date.now();
  $("version").textContent = state.version || "";
  const routes = state.routes || [];
  $("routes-loading").textContent = routes.length === 0 ? "No route." : "";
  keepFocus(() => $("routes").replaceChildren(...routes.map((r) => routeCard(r, now))));
  const names = routes.map((r) => r.name);
  options($("filter-route"), names, "all");
  options($("dead-route"), names);
}

// Attempts

function showAttempts(answer) {
  const attempts = (answer && answer.attempts) || [];
  if (!changed("attempts", attempts)) return;
  $("attempts").hidden = attempts.length === 0;
  $("attempts-empty").textContent = attempts.length === 0 ? "No attempt yet, or none that matches." : "";
  $("attempts").tBodies[0].replaceChildren(...attempts.map((a) => {
    const tr = element("tr");
    cell(tr, "Time", time(a.time));
    cell(tr, "Message", a.message_id, "id");
    cell(tr, "Route", a.route, "name");
    cell(tr, "Attempt", number(a.attempt), "number");
    cell(tr, "Outcome", a.outcome, "outcome " + (/^[a-z]+$/.test(a.outcome) ? a.outcome : ""));
    cell(tr, "Status", a.status ? a.status : "", "number");
    cell(tr, "Took", typeof a.took_ms === "number" ? number(a.took_ms) + " ms" : "", "number");
    cell(tr, "Endpoint", a.endpoint);
    cell(tr, "Reason", a.reason);
    return tr;
  }));
}

// Dead letters

function showDead() {
  if (!changed("dead", [deadShown, deadNext])) return;
  $("dead").hidden = deadShown.length === 0;
  $("dead-empty").textContent = deadShown.length === 0 ? "No dead letters." : "";
  $("dead-more").hidden = deadNext === "";
  $("redrive-all").disabled = deadShown.length === 0 || redriving;
  keepFocus(() => $("dead").tBodies[0].replaceChildren(...deadShown.map((d) => {
    const tr = element("tr");
    cell(tr, "Message", d.id, "id");
    cell(tr, "Reason", d.reason);
    cell(tr, "Status", d.status ? d.status : "", "number");
    cell(tr, "Attempts", number(d.attempts), "number");
    cell(tr, "First received", time(d.first_received));
    cell(tr, "Last attempt", time(d.last_attempt));
    cell(tr, "Size", bytes(d.bytes), "number");
    const actions = cell(tr, "Actions", "");
    actions.append(
      button("redrive " + d.id, "Redrive", "Redrive " + d.id, () => oneDead(d, "redrive")),
      button("drop " + d.id, "Drop", "Drop " + d.id, async () => {
        if (await confirmed("Drop dead letter " + d.id + "? It is gone for good.", "Drop")) await oneDead(d, "drop");
      }, "danger"));
    return tr;
  })));
}

// noDead says that there is nothing to be listed here, and why.
function noDead(why) {
  deadShown = [];
  deadNext = "";
  showDead();
  drawn.delete("dead");
  $("dead-empty").textContent = "No dead letters are listed here: " + (why || "this carrier does not answer that") + ".";
}

async function oneDead(d, word) {
  try {
    await call("POST", "v1/dead-letters/" + encodeURIComponent(d.id) + "/" + word + query({ route: d.route }));
    $("dead-error").textContent = "";
    deadShown = deadShown.filter((other) => other.id !== d.id);
  } catch (e) { failed("dead-error", e); }
  showDead();
  await look();
}

async function loadDead(after) {
  const answer = await call("GET", "v1/dead-letters" + query({ route: $("dead-route").value, limit: pageSize, after }));
  const letters = (answer && answer.dead_letters) || [];
  deadShown = after === "" ? letters : deadShown.concat(letters);
  deadNext = (answer && answer.next) || "";
  showDead();
}

async function showRedrive() {
  const state = await call("GET", "v1/dead-letters/redrive");
  const was = redriving;
  redriving = Boolean(state && state.running);
  const all = state ? state.moved + state.left + state.failed : 0;
  $("redrive-progress").hidden = !redriving;
  if (redriving || was) {
    $("redrive-progress").max = Math.max(1, all);
    $("redrive-progress").value = state.moved + state.failed;
    $("redrive-state").textContent = (redriving ? "Redriving: " : "Redriven: ") + number(state.moved) + " moved, " + number(state.left) + " left" +
      (state.failed ? ", " + number(state.failed) + " failed" : "");
  }
  $("redrive-all").disabled = deadShown.length === 0 || redriving;
}

function confirmed(text, yes) {
  const dialog = $("confirm");
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = yes;
  return new Promise((done) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

// The loop

function failed(id, error) {
  if (error instanceof Refused) throw error;
  $(id).textContent = error.message || String(error);
}

async function part(id, load) {
  try {
    await load();
    $(id).textContent = "";
  } catch (e) { failed(id, e); }
}

async function look() {
  clearTimeout(timer);
  if (token === "") return;
  try {
    const state = await call("GET", "v1/state");
    showState(state);
    $("login").hidden = true;
    $("content").hidden = false;
    $("logout").hidden = false;
    $("connection").textContent = "";
    $("routes-error").textContent = "";
    await part("attempts-error", async () => showAttempts(await call("GET", "v1/attempts" + query({
      message_id: $("filter-id").value.trim(), route: $("filter-route").value, outcome: $("filter-outcome").value, limit: 100,
    }))));
    await part("dead-error", async () => {
      try {
        if (deadShown.length <= pageSize) await loadDead("");
        await showRedrive();
      } catch (e) {
        if (!(e instanceof Absent)) throw e;
        noDead(e.message);
      }
    });
  } catch (e) {
    if (e instanceof Refused) { logOut(e.message); return; }
    $("connection").textContent = "carrier does not answer: " + (e.message || e) + ". Trying again.";
    $("routes-loading").textContent = "";
  }
  clearTimeout(timer);
  timer = setTimeout(look, every);
}

function logOut(why) {
  token = "";
  sessionStorage.removeItem(tokenKey);
  before = new Map();
  drawn.clear();
  deadShown = [];
  deadNext = "";
  $("content").hidden = true;
  $("logout").hidden = true;
  $("login").hidden = false;
  $("login-error").textContent = why || "";
  $("connection").textContent = "";
  $("token").value = "";
  $("token").focus();
}

$("login").addEventListener("submit", (e) => {
  e.preventDefault();
  token = $("token").value.trim();
  sessionStorage.setItem(tokenKey, token);
  $("login-error").textContent = "";
  look();
});
$("logout").addEventListener("click", () => logOut(""));
$("filter").addEventListener("submit", (e) => e.preventDefault());
for (const id of ["filter-id", "filter-route", "filter-outcome"]) $(id).addEventListener("input", look);
$("dead-filter").addEventListener("submit", (e) => e.preventDefault());
$("dead-route").addEventListener("input", () => { deadShown = []; deadNext = ""; look(); });
$("dead-more").addEventListener("click", () => part("dead-error", () => loadDead(deadNext)));
$("redrive-all").addEventListener("click", async () => {
  const route = $("dead-route").value;
  if (!(await confirmed("Redrive all dead letters of " + route + "? They are delivered anew.", "Redrive all"))) return;
  await part("dead-error", () => call("POST", "v1/dead-letters/redrive", { route, all: true }));
  await look();
});

if (token === "") logOut(""); else look();
