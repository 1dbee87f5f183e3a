"use strict";

// The token comes behind the `#`, which browsers send nowhere, and stays with this tab.
const KEY = "querist-token";
function takeToken() {
  if (!location.hash.startsWith("#token=")) return;
  sessionStorage.setItem(KEY, location.hash.slice("#token=".length));
  history.replaceState(null, "", location.pathname);
}
takeToken();
// The address of a server that was started anew, put into a tab that is open.
addEventListener("hashchange", () => { takeToken(); location.reload(); });
const TOKEN = sessionStorage.getItem(KEY) || "";
const $ = (id) => document.getElementById(id);
const COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#997700", "#ee8866", "#44bb99", "#888888"];
const colour = (index) => COLOURS[index % COLOURS.length];

let session = null; // what the server says of the session
let queue = []; // rows in hand that have no answer yet, the first is shown
let answered = []; // rows answered in this tab, the last one last
let unsent = []; // answers that the server has not acknowledged
const given = new Set(); // rows that have an answer: one that was asked for just before its answer arrived comes back
let busy = false; // whether answers are on their way
let asking = false;
let done = null; // why there are no further rows
let map = null;
let chosen = new Set(); // labels of the row that is shown, where sets are collected
let labels = []; // rows with a class, and the class by its number

async function call(path, body) {
  const options = { headers: { Authorization: `Bearer ${TOKEN}` }, cache: "no-store" };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetch(path, options);
  if (path.startsWith("api/picture")) {
    if (!response.ok) throw new Error("the picture cannot be shown");
    return response.blob();
  }
  const answer = await response.json().catch(() => ({ error: `${response.status} ${response.statusText}` }));
  if (!response.ok) {
    const error = new Error(answer.error + (answer.hint ? `: ${answer.hint}` : ""));
    // An answer that was not taken for another reason than itself is kept.
    error.refused = [400, 422].includes(response.status);
    throw error;
  }
  return answer;
}

function say(text, bad) {
  $("message").textContent = text;
  $("message").classList.toggle("bad", Boolean(bad));
}

function element(name, text, attributes) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  return made;
}

function drawing(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const numbers = () => session.task === "regression";
const sets = () => session.task === "multi_label";

const annotator = () => $("annotator").value.trim();
const store = () => `querist-unsent-${session.session}`;

// Answers wait in the browser's storage until the server has acknowledged them: a closed tab or a stopped server
// loses none.
function remember() {
  localStorage.setItem(store(), JSON.stringify(unsent));
}

function classes() {
  const named = session.counts.classes.map(([name]) => name);
  if (numbers() || sets()) return named;
  const waiting = unsent.map((one) => one.class).filter((name) => name && !named.includes(name));
  return [...named, ...new Set(waiting)];
}

let shownRow = null;
async function show() {
  const one = queue[0];
  for (const id of ["unsure", "unanswerable", "skip", "send"]) $(id).disabled = !one;
  $("undo").disabled = answered.length === 0;
  buttons();
  if (!one) {
    shownRow = null;
    $("title").textContent = done ? "Nothing to label" : "One moment";
    $("content").replaceChildren(element("p", done || "the next rows are being chosen"));
    $("reason").textContent = "";
    $("hint").hidden = true;
    return;
  }
  $("title").textContent = one.id === null ? `Row ${one.row}` : `Row ${one.row}: ${one.id}`;
  $("reason").textContent = one.again ? "Again, since you went back." : `Why this one: ${one.reason}`;
  $("hint").hidden = !one.predicted;
  if (one.predicted) {
    const [what, share] = one.predicted;
    $("predicted").textContent = share === null ? what : `${what}, ${Math.round(100 * share)} %`;
  }
  if (shownRow === one.row) return;
  shownRow = one.row;
  if (chosen.size > 0) { chosen = new Set(); buttons(); }
  if (numbers() && document.activeElement === document.body) $("name").focus();
  $("hint").open = false;
  const { fields, picture } = one.content;
  const parts = [];
  if (picture) {
    const image = element("img", undefined, { alt: `the picture of row ${one.row}` });
    parts.push(image);
    call(`api/picture/${one.row}`).then(
      (blob) => { image.src = URL.createObjectURL(blob); image.onload = () => URL.revokeObjectURL(image.src); },
      (error) => { if (shownRow === one.row) $("content").replaceChildren(element("p", error.message)); },
    );
  }
  if (fields.length === 1 && !picture) {
    parts.push(element("p", fields[0][1]));
  } else if (fields.length > 0 && !picture) {
    const table = element("table");
    for (const [name, value] of fields) {
      const line = element("tr");
      line.append(element("th", name, { scope: "row" }), element("td", value));
      table.append(line);
    }
    parts.push(table);
  }
  if (parts.length === 0) parts.push(element("p", "The pool has nothing to show of its rows but numbers."));
  $("content").replaceChildren(...parts);
  drawMap();
}

function buttons() {
  const all = classes();
  $("filter").hidden = all.length <= 9;
  $("new").hidden = session.fixed;
  const wanted = $("search").value.trim().toLowerCase();
  const shown = all.filter((name) => all.length <= 9 || name.toLowerCase().includes(wanted)).slice(0, 60);
  $("classes").replaceChildren(...shown.map((name, index) => {
    const made = element("button", undefined, { type: "button" });
    if (index < 9) {
      made.append(element("kbd", String(index + 1)));
      made.setAttribute("aria-keyshortcuts", String(index + 1));
    }
    made.append(name);
    made.disabled = queue.length === 0;
    if (sets()) made.setAttribute("aria-pressed", String(chosen.has(name)));
    made.addEventListener("click", () => choose(name));
    return made;
  }));
  return shown;
}

// A class is the answer; a label is one of several.
function choose(name) {
  if (!sets()) { answer(name); return; }
  if (!chosen.delete(name)) chosen.add(name);
  buttons();
}

// The set that was chosen, in the session's order; the separator alone is a row without any label.
function sendSet() {
  const held = classes().filter((name) => chosen.has(name));
  answer(held.length === 0 ? session.separator : held.join(session.separator));
}

function answer(name, kind) {
  const one = queue[0];
  if (!one) return;
  if (!annotator()) { say("Who are you? Fill in the annotator first.", true); $("annotator").focus(); return; }
  queue.shift();
  answered.push(one);
  given.add(one.row);
  if (answered.length > 100) answered.shift();
  unsent = unsent.filter((other) => other.row !== one.row || other.annotator !== annotator());
  unsent.push({ row: one.row, annotator: annotator(), class: name ?? null, verdict: kind ?? "class" });
  remember();
  say(`Row ${one.row}: ${name ?? (kind === "abstained" ? "unsure" : "cannot be answered")}`);
  show();
  send();
}

async function send() {
  if (busy || unsent.length === 0) return;
  busy = true;
  const sent = unsent.slice();
  try {
    const taken = await call("api/tell", { answers: sent });
    unsent = unsent.filter((one) => !sent.includes(one));
    remember();
    session.counts = taken.counts;
    progress();
    later(refreshStatus, 400);
  } catch (error) {
    if (error.refused) {
      unsent = unsent.filter((one) => !sent.includes(one));
      sent.forEach((one) => given.delete(one.row));
      remember();
      say(`Not taken: ${error.message}`, true);
      queue = [];
    } else {
      say(`Not saved yet (${error.message}); it is kept here and sent again.`, true);
      later(send, 1500);
    }
  } finally {
    busy = false;
  }
  if (unsent.length > 0) later(send, 0); else ask();
}

// Asks for further rows before the last one is answered, so that nobody waits for the classifier.
async function ask() {
  if (asking || unsent.length > 0 || queue.length > 1 || !annotator()) return;
  asking = true;
  try {
    const asked = await call("api/ask", { annotator: annotator(), count: session.batch });
    const fresh = asked.rows.filter((one) => !queue.some((other) => other.row === one.row)
      && !given.has(one.row));
    queue.push(...fresh);
    done = asked.rows.length === 0 ? (asked.note || "Every row has an answer.") : null;
    if (asked.note && fresh.length > 0) say(asked.note);
    if (queue.length === 0 && asked.rows.length > 0) later(ask, 200);
  } catch (error) {
    say(error.message, true);
    if (!error.refused) later(ask, 1500); else done = error.message;
  } finally {
    asking = false;
  }
  show();
}

function undo() {
  const last = answered.pop();
  if (!last) return;
  given.delete(last.row);
  queue = [{ ...last, again: true }, ...queue.filter((one) => one.row !== last.row)];
  shownRow = null;
  say(`Row ${last.row} again: another answer replaces the one you gave.`);
  show();
}

function skip() {
  if (queue.length < 2) { say("There is no other row in hand."); return; }
  queue.push(queue.shift());
  show();
}

const waiting = new Map();
function later(what, after) {
  clearTimeout(waiting.get(what));
  waiting.set(what, setTimeout(what, after));
}

function progress() {
  const { labelled, bought, classes } = session.counts;
  const goal = session.budget ?? session.counts.rows;
  $("progress").max = goal;
  $("progress").value = session.budget === null ? labelled : bought;
  $("count").textContent = session.budget === null ? `${labelled} of ${goal} rows labelled` : `${bought} of ${goal} labels`;
  const most = Math.max(1, ...classes.map(([, count]) => count));
  $("counts").replaceChildren(...classes.map(([name, count], index) => {
    const line = element("div");
    const bar = element("i");
    bar.style.width = `${100 * count / most}%`;
    bar.style.background = colour(index);
    const track = element("b");
    track.append(bar);
    line.append(element("span", name, { title: name }), track, element("span", String(count)));
    return line;
  }));
}

async function refreshStatus() {
  try {
    const status = await call("api/status");
    $("status").replaceChildren(...status.lines.map((line) => element("li", line)));
    drawCurve(status.learning_curve);
    labels = status.labels;
    drawMap();
  } catch (error) {
    $("status").replaceChildren(element("li", error.message));
  }
}

// `curve`: labels, accuracy, lower and upper end of its interval.
function drawCurve(curve) {
  const svg = drawing("svg", { viewBox: "0 0 300 150", role: "img", "aria-label": "accuracy against labels" });
  const most = Math.max(1, ...curve.map(([labels]) => labels));
  const x = (labels) => 28 + 264 * labels / most;
  const y = (share) => 8 + 122 * (1 - share);
  svg.append(drawing("path", { class: "axis", d: "M28 8V130H292" }));
  for (const share of [0, .5, 1]) {
    const mark = drawing("text", { x: 24, y: y(share) + 3, "text-anchor": "end" });
    mark.textContent = `${100 * share}%`;
    svg.append(mark);
  }
  const end = drawing("text", { x: 292, y: 144, "text-anchor": "end" });
  end.textContent = curve.length > 0 ? `${most} labels` : "no estimate yet";
  svg.append(end);
  if (curve.length > 0) {
    const upper = curve.map(([labels, , , high]) => `${x(labels)} ${y(high)}`);
    const lower = curve.map(([labels, , low]) => `${x(labels)} ${y(low)}`).reverse();
    svg.append(drawing("path", { class: "band", d: `M${upper.concat(lower).join("L")}Z` }));
    svg.append(drawing("path", { class: "mark", d: `M${curve.map(([labels, share]) => `${x(labels)} ${y(share)}`).join("L")}` }));
    const [labels, share] = curve[curve.length - 1];
    svg.append(drawing("circle", { class: "mark", cx: x(labels), cy: y(share), r: 2.5 }));
  }
  $("curve").replaceChildren(svg);
}

function drawMap() {
  if (!map) return;
  const svg = drawing("svg", { viewBox: "0 0 300 220", role: "img", "aria-label": "the pool's rows in two dimensions" });
  const at = (index) => [6 + 288 * map.x[index], 6 + 208 * map.y[index]];
  const known = new Map(labels);
  map.rows.forEach((row, index) => {
    const [cx, cy] = at(index);
    const label = known.get(row);
    const dot = drawing("circle", { cx, cy, r: label === undefined ? 1.6 : 3, class: label === undefined ? "row" : "row labelled" });
    if (label !== undefined) dot.style.fill = colour(label);
    svg.append(dot);
  });
  const index = queue[0] ? map.rows.indexOf(queue[0].row) : -1;
  if (index >= 0) {
    const [cx, cy] = at(index);
    svg.append(drawing("circle", { cx, cy, r: 6, class: "here" }));
  } else if (queue[0]) {
    call(`api/place/${queue[0].row}`).then(([x, y]) => {
      svg.append(drawing("circle", { cx: 6 + 288 * x, cy: 6 + 208 * y, r: 6, class: "here" }));
    }, () => {});
  }
  $("map").replaceChildren(svg);
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || !session) return;
  if (event.target.tagName === "INPUT") return;
  const actions = {
    u: () => answer(null, "abstained"), x: () => answer(null, "unanswerable"), s: skip, z: undo,
    n: () => { if (!session.fixed) $("name").focus(); }, "/": () => { if (!$("filter").hidden) $("search").focus(); },
  };
  if (/^[1-9]$/.test(event.key)) {
    const name = buttons()[Number(event.key) - 1];
    if (name !== undefined) choose(name);
  } else if (event.key === "Enter" && sets() && event.target.tagName !== "BUTTON") {
    sendSet();
  } else if (actions[event.key]) {
    actions[event.key]();
  } else {
    return;
  }
  event.preventDefault();
});

$("unsure").addEventListener("click", () => answer(null, "abstained"));
$("unanswerable").addEventListener("click", () => answer(null, "unanswerable"));
$("skip").addEventListener("click", skip);
$("undo").addEventListener("click", undo);
$("send").addEventListener("click", sendSet);
$("search").addEventListener("input", buttons);
$("new").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  if (!name) return;
  if (numbers() && !Number.isFinite(Number(name))) { say(`${name} is no number.`, true); return; }
  $("name").value = "";
  if (!numbers()) $("name").blur();
  answer(name);
});
$("annotator").addEventListener("change", () => {
  localStorage.setItem("querist-annotator", annotator());
  queue = [];
  given.clear();
  answered = [];
  shownRow = null;
  show();
  ask();
});

async function start() {
  $("annotator").value = localStorage.getItem("querist-annotator") || "me";
  try {
    session = await call("api/session");
  } catch (error) {
    say(TOKEN ? error.message : "Open the address that the program printed: it carries the token behind the #.", true);
    if (TOKEN && !error.refused) later(start, 1500);
    return;
  }
  $("pool").textContent = session.pool;
  $("send").hidden = !sets();
  if (numbers()) {
    $("what").textContent = "Number";
    $("add").textContent = "Enter";
    $("name").inputMode = "decimal";
  }
  if (numbers() || sets()) {
    $("h-curve").textContent = "So far";
    $("curve").hidden = true;
  }
  $("h-counts").textContent = sets() ? "Labels" : "Classes";
  $("counted").hidden = numbers();
  document.title = `${session.pool}: labelling`;
  unsent = JSON.parse(localStorage.getItem(store()) || "[]");
  unsent.forEach((one) => given.add(one.row));
  progress();
  drawCurve([]);
  show();
  if (unsent.length > 0) send(); else ask();
  refreshStatus();
  map = await call("api/map").catch(() => null);
  drawMap();
}
start();
