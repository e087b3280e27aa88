// The inspector's page. What comes from the program (texts, paths, errors) is hostile: it is only ever set as text.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const main = document.getElementById("main");
const drawer = document.getElementById("drawer");
const news = document.getElementById("news");
const liveButton = document.getElementById("live");

const state = {
  live: true,
  requests: new Map(), // newest last
  lastId: 0,
  filter: "",
  only: false, // only requests with findings
  view: null, // {name, update()}
  samples: new Map(), // of pools, while the page is open
};

// ---- elements ----

/** An element: attributes by name (`on*` are listeners), children as nodes or text. */
function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) {
      node.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }
  return node;
}

// ---- figures as text ----

function ms(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 10000) return (value / 1000).toFixed(1) + " s";
  if (value >= 100) return value.toFixed(0) + " ms";
  if (value >= 10) return value.toFixed(1) + " ms";
  if (value >= 0.1) return value.toFixed(2) + " ms";
  return Math.round(value * 1000) + " µs";
}

function bytes(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1024) return value + " B";
  if (value < 1048576) return (value / 1024).toFixed(1) + " kB";
  return (value / 1048576).toFixed(1) + " MB";
}

const count = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));
const percent = (value) => (value === null || value === undefined ? "–" : Math.round(value * 100) + " %");
const rate = (hits, misses) => (hits + misses === 0 ? null : hits / (hits + misses));
const plural = (value, word) => count(value) + " " + word + (value === 1 ? "" : "s");
const shortPlace = (place) => (place ? place.split("/").slice(-3).join("/") : "call site unknown");

function statusClass(request) {
  if (request.status === null) return "bad";
  return request.status >= 500 ? "bad" : request.status >= 400 ? "warning" : "good";
}

const statusText = (request) => (request.status === null ? request.ending : String(request.status));

// ---- asking the program ----

async function ask(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  const answer = await response.json().catch(() => ({ error: "the answer is no JSON (status " + response.status + ")" }));
  if (!response.ok) throw new Error(answer.error || "status " + response.status);
  return answer;
}

async function poll() {
  try {
    const data = await ask("requests.json?since=" + state.lastId);
    if (data.last_id < state.lastId) {
      // The program was started anew.
      state.requests.clear();
      state.lastId = 0;
      return poll();
    }
    const fresh = data.requests.reverse();
    for (const request of fresh) state.requests.set(request.id, request);
    for (const id of state.requests.keys()) {
      if (data.oldest_id === null || id < data.oldest_id) state.requests.delete(id);
    }
    state.lastId = data.last_id;
    liveButton.classList.remove("lost");
    showOverhead(data);
    if (state.view && state.view.update) await state.view.update(fresh, data);
  } catch (error) {
    liveButton.classList.add("lost");
    if (state.view && state.view.lost) state.view.lost(error);
  }
}

function showOverhead(data) {
  const { overhead, caps } = data;
  const dropped = data.dropped_requests > 0 ? ", " + plural(data.dropped_requests, "older one") + " dropped" : "";
  document.getElementById("overhead").textContent =
    `${data.kept} of at most ${caps.requests} requests kept (${bytes(data.kept_bytes)} of ${bytes(caps.bytes)})${dropped}. ` +
    `Cost so far: ${ms(overhead.recording_ms)} recording, ${ms(overhead.per_request_ms)} a request; ` +
    `${ms(overhead.observing_ms)} for ${count(overhead.events)} events.`;
}

let timer = 0;
async function tick() {
  clearTimeout(timer);
  if (state.live && !document.hidden) await poll();
  timer = setTimeout(tick, 1000);
}

liveButton.addEventListener("click", () => {
  state.live = !state.live;
  liveButton.setAttribute("aria-pressed", String(state.live));
  liveButton.querySelector(".word").textContent = state.live ? "Live" : "Paused";
  if (state.live) tick();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });

// ---- views ----

function route() {
  const [, name = "requests", id, at] = location.hash.split("/");
  if (drawer.open) drawer.close();
  const tab = name || "requests";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.tab === tab) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (tab === "requests" && id) return showRequest(Number(id), at);
  if (tab === "statements") return showWhole("statements", drawStatements);
  if (tab === "pools") return showWhole("pools", drawPools);
  if (tab === "caches") return showWhole("caches", drawCaches);
  if (tab === "prepared") return showWhole("prepared", drawPrepared);
  return showRequests();
}

function show(...children) {
  main.replaceChildren();
  fill(main, {}, children);
}

function empty(title, text) {
  return el("div", { class: "sheet empty" }, el("strong", {}, title), text);
}

// ---- the list ----

function showRequests() {
  document.title = "Requests · entourage";
  const body = el("tbody");
  const counted = el("span", { class: "count" });
  const filter = el("input", {
    class: "filter", id: "filter", type: "search", placeholder: "Filter by route, method, status", "aria-label": "Filter requests",
    autocomplete: "off", spellcheck: "false",
    oninput: () => { state.filter = filter.value; apply(); },
  });
  filter.value = state.filter;
  const only = el("input", { type: "checkbox", onchange: () => { state.only = only.checked; apply(); } });
  only.checked = state.only;
  const head = ["Method", "Route", "Status", "Total", "Database", "Statements", "Distinct", "Duplicates", "N+1", "Cache", "Budget"];
  const table = el("table", { "aria-label": "Requests, the newest first" },
    el("thead", {}, el("tr", {}, head.map((text, at) => el("th", { scope: "col", class: at > 2 ? "n" : "" }, text)))), body);
  const sheet = el("div", { class: "sheet scroll requests" }, table);
  const nothing = el("div");
  const rows = new Map();

  const matches = (request) => {
    if (state.only && !hasFindings(request)) return false;
    const text = `${request.method} ${request.route} ${request.path} ${statusText(request)}`.toLowerCase();
    return state.filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  };
  const apply = () => {
    let shown = 0;
    let first = null;
    for (const row of body.children) {
      const request = state.requests.get(Number(row.dataset.id));
      const visible = matches(request);
      row.hidden = !visible;
      if (visible) { shown += 1; first = first || row; }
    }
    if (first && !body.querySelector("tr:not([hidden])[tabindex='0']")) first.tabIndex = 0;
    const all = state.requests.size;
    counted.textContent = shown === all ? plural(all, "request") : `${shown} of ${all} requests`;
    sheet.hidden = shown === 0;
    nothing.replaceChildren(shown > 0 ? "" : all === 0
      ? empty("No request yet", "Requests that pass the inspector's layer appear here as they end.")
      : empty("No request matches", "Change the filter to see the others."));
    return shown;
  };
  const update = (fresh) => {
    for (const request of fresh) {
      const row = requestRow(request);
      if (rows.size > 0) row.classList.add("fresh");
      rows.set(request.id, row);
      body.prepend(row);
    }
    for (const [id, row] of rows) {
      if (!state.requests.has(id)) { rows.delete(id); row.remove(); }
    }
    const shown = apply();
    if (fresh.length > 0) news.textContent = `${plural(fresh.length, "new request")}, ${shown} shown`;
  };
  body.addEventListener("focusin", (event) => {
    for (const row of body.children) row.tabIndex = row === event.target ? 0 : -1;
  });
  show(el("div", { class: "head" }, el("h2", {}, "Requests"), counted, el("span", { class: "space" }),
    el("label", { class: "check" }, only, "only with findings"), filter), sheet, nothing);
  update([...state.requests.values()]);
  state.view = {
    name: "requests", update,
    move(step) {
      const visible = [...body.children].filter((row) => !row.hidden);
      const at = visible.indexOf(document.activeElement);
      const start = visible.findIndex((row) => row.tabIndex === 0);
      const next = at < 0 ? Math.max(start, 0) : Math.min(Math.max(at + step, 0), visible.length - 1);
      if (visible[next]) visible[next].focus();
    },
    find() { filter.focus(); filter.select(); },
    escape() { if (document.activeElement === filter) { filter.value = state.filter = ""; apply(); filter.blur(); } },
  };
  const opened = rows.get(state.opened);
  if (opened && !opened.hidden) opened.focus();
}

const hasFindings = (request) =>
  request.n_plus_one > 0 || request.over_budget || request.duplicates > 0 || request.errors > 0 || request.status === null;

function requestRow(request) {
  const open = () => { location.hash = "#/requests/" + request.id; };
  const cell = (label, text, zero) => el("td", { class: "n" + (zero ? " zero" : ""), "data-label": label }, text);
  const share = request.database_share || 0;
  const badge = request.n_plus_one > 0
    ? el("span", { class: "badge bad" }, request.n_plus_one === 1 ? "N+1" : `${request.n_plus_one} × N+1`) : "–";
  const budget = request.budget === null ? "–"
    : request.over_budget ? el("span", { class: "badge warning" }, `${request.statements} of ${request.budget}`)
    : `${request.statements} of ${request.budget}`;
  return el("tr", {
    tabindex: -1, "data-id": request.id, "aria-label":
      `${request.method} ${request.route}, ${statusText(request)}, ${ms(request.total_ms)}, ${plural(request.statements, "statement")}` +
      (request.n_plus_one > 0 ? ", N+1" : ""),
    onclick: open, onkeydown: (event) => { if (event.key === "Enter") open(); },
  },
  el("td", { class: "c-method" }, el("span", { class: "method" }, request.method)),
  el("td", { class: "route" }, el("b", {}, request.route), request.path !== request.route && el("small", {}, request.path)),
  el("td", { class: "c-status" }, el("span", { class: "status " + statusClass(request) }, statusText(request))),
  cell("Total", ms(request.total_ms)),
  cell("Database", el("span", { class: "share" }, ms(request.database_ms), shareBar(share), el("span", { class: "pct" }, percent(share))),
    request.statements === 0),
  cell("Statements", [count(request.statements), request.sqlx_statements > 0 && [" ", el("span", { class: "badge plain" }, "sqlx")]], request.statements === 0),
  el("td", { class: "n c-distinct" + (request.distinct === 0 ? " zero" : "") }, count(request.distinct)),
  cell("Duplicates", request.duplicates === 0 ? "–" : el("span", { class: "badge warning" }, request.duplicates), request.duplicates === 0),
  cell("N+1", badge, request.n_plus_one === 0),
  cell("Cache", request.cache === null ? el("span", { title: "the cache was not asked" }, "–") : percent(request.cache.hit_rate), request.cache === null),
  cell("Budget", budget, request.budget === null));
}

function shareBar(share) {
  return svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { width: 100, height: 10, class: "f-track" }),
    svg("rect", { width: Math.max(share * 100, share > 0 ? 2 : 0), height: 10, class: "f-execute" }));
}

// ---- one request ----

/** Request `id`, with the statement at position `at` of its timeline opened, if one is named. */
async function showRequest(id, at) {
  state.opened = id;
  const view = state.view = { name: "request", escape() { location.hash = "#/requests"; } };
  let data;
  try {
    data = await ask(`requests/${id}.json`);
  } catch (error) {
    if (state.view === view) show(crumb(), empty("This request is gone", error.message));
    return;
  }
  if (state.view !== view) return;
  const { request, statements, verdicts, transactions } = data;
  document.title = `${request.method} ${request.route} · entourage`;
  const fall = waterfall(data);
  const title = el("h2", { tabindex: "-1" }, el("span", { class: "method" }, request.method), " ", request.route);
  show(crumb(),
    el("div", { class: "title" }, title, el("span", { class: "status " + statusClass(request) }, statusText(request)),
      el("span", { class: "note" }, request.path !== request.route && [request.path, " · "], new Date(request.began_unix_ms).toLocaleTimeString())),
    facts(request),
    el("section", { class: "verdicts", "aria-label": "Verdicts" },
      verdicts.length === 0 ? praise(request) : verdicts.map((verdict) => verdictCard(verdict, data, fall))),
    statements.length > 0 && [
      el("div", { class: "head" }, el("h3", {}, "Timeline"), el("span", { class: "space" }), legend(statements)),
      fall.node,
      el("h3", {}, "By statement and call site"), groups(data)]);
  title.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  if (at !== undefined) openDrawer(data, statements.map((_, one) => one), Number(at), true);
  news.textContent = `${request.method} ${request.route}: ${verdicts.length === 0 ? "nothing to mend" : plural(verdicts.length, "verdict")}`;
}

function crumb() {
  return el("p", { class: "crumb" }, el("a", { href: "#/requests" }, "← All requests"));
}

function fact(name, value, more) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value, more && [" ", el("small", {}, more)]));
}

function facts(request) {
  const { prepared } = request;
  return el("dl", { class: "facts" },
    fact("Total", ms(request.total_ms)),
    fact("Database", ms(request.database_ms), percent(request.database_share)),
    fact("Pool wait", ms(request.wait_ms)),
    fact("Statements", count(request.statements), `${request.distinct} distinct`),
    fact("Rows", count(request.rows), bytes(request.bytes)),
    fact("Prepared before", prepared.of === 0 ? "–" : `${prepared.hits} of ${prepared.of}`),
    fact("Cache", request.cache === null ? "not asked" : percent(request.cache.hit_rate),
      request.cache && `${request.cache.hits} of ${request.cache.hits + request.cache.misses}`),
    fact("Budget", request.budget === null ? "none" : el("span", { class: request.over_budget ? "over" : "" }, `${request.statements} of ${request.budget}`)));
}

function praise(request) {
  const text = request.statements === 0 ? "It sent no statement." : `${plural(request.statements, "statement")}, none of them repeated for rows.`;
  return el("article", { class: "verdict good" }, el("h4", {}, el("span", { class: "badge good" }, "Sound"), el("span", {}, "Nothing to mend")), el("p", {}, text));
}

const NAMES = {
  n_plus_one: "N+1", failed: "Error", budget: "Budget", repeated: "Repeated", duplicates: "Duplicates", wait: "Pool wait", many_rows: "Many rows",
  slow: "Slow", dropped: "Not kept",
};

/** What stands between backticks as code. */
const ticked = (text) => text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));

function verdictCard(verdict, data, fall) {
  const first = data.statements.find((run) => run.index === verdict.statements[0]);
  return el("article", { class: "verdict " + verdict.severity, "data-kind": verdict.kind },
    el("h4", {}, el("span", { class: "badge " + verdict.severity }, NAMES[verdict.kind] || verdict.kind), el("span", {}, ticked(verdict.title))), el("p", {}, ticked(verdict.detail)),
    el("p", { class: "fix" }, ticked(verdict.fix)), verdict.effect && el("p", { class: "effect" }, verdict.effect),
    first && el("button", { class: "button", type: "button", onclick: () => {
      fall.mark(verdict.statements);
      openDrawer(data, verdict.statements, 0);
    } }, verdict.statements.length === 1 ? "Show the statement" : `Show the ${verdict.statements.length} statements`));
}

function legend(statements) {
  const entry = (name, text) => el("span", {}, el("i", { class: "i-" + name }), text);
  return el("div", { class: "legend", "aria-hidden": "true" }, entry("wait", "pool wait"), entry("execute", "execute"), entry("decode", "decode"),
    statements.some((run) => run.in_transaction) && entry("tx", "transaction"), statements.some((run) => run.source === "sqlx") && entry("sqlx", "plain sqlx"));
}

/** The phases of a statement: name, start and length in milliseconds. */
function phases(run) {
  const sent = run.start_ms + run.wait_ms;
  return [
    ["wait", run.start_ms, run.wait_ms],
    [run.source === "sqlx" ? "sqlx" : "execute", sent, run.execute_ms],
    ["decode", sent + run.execute_ms, run.decode_ms],
  ];
}

function waterfall(data) {
  const { request, statements, transactions } = data;
  const end = Math.max(request.total_ms, ...statements.map((run) => run.start_ms + run.duration_ms), 0.001);
  const scale = (value) => (value / end) * 1000;
  const bar = (name, start, length) => length > 0 &&
    svg("rect", { class: "f-" + name, x: scale(start), width: Math.max(scale(length), 1.5), height: 10, y: 0 });
  const track = (label, ...children) => svg("svg", {
    viewBox: "0 0 1000 10", preserveAspectRatio: "none", role: label ? "img" : null, "aria-label": label, "aria-hidden": label ? null : "true",
  }, svg("rect", { width: 1000, height: 10, class: "f-track", rx: 2 }), children);
  const all = statements.flatMap(phases);
  const lane = (text, names) => {
    const own = all.filter(([name]) => names.includes(name));
    const sum = own.reduce((sum, [, , length]) => sum + length, 0);
    return [el("span", {}, text), track(`${text}: ${ms(sum)}`, own.map((phase) => bar(...phase)))];
  };
  const lanes = el("div", { class: "lanes" },
    lane("Pool wait", ["wait"]), lane("Execute", ["execute", "sqlx"]), lane("Decode", ["decode"]),
    el("span", {}, "Cache"),
    el("span", {}, request.cache === null ? "not asked" : `${request.cache.hits} of ${request.cache.hits + request.cache.misses} without a statement`),
    transactions.length > 0 && [el("span", {}, "Transaction"), track(plural(transactions.length, "transaction"),
      transactions.filter((tx) => tx.depth === 0).map((tx) => svg("rect", {
        class: tx.end === "rolled back" ? "f-bad" : "f-tx", x: scale(tx.start_ms), width: Math.max(scale(tx.end_ms - tx.start_ms), 2), height: 3, y: 4,
      }, svg("title", {}, `${tx.end}, ${ms(tx.end_ms - tx.start_ms)}, begun at ${tx.call_site}`))))],
    el("span"), el("div", { class: "axis" }, el("span", {}, "0"), el("span", {}, ms(end / 2)), el("span", {}, ms(end))));
  const items = new Map();
  const position = new Map(statements.map((run, at) => [run.index, at]));
  const list = el("ol", { class: "waterfall", "aria-label": "Statements in the order of their beginnings" }, statements.map((run, at) => {
    const brackets = transactions.filter((tx) => position.get(tx.from) <= at && at <= position.get(tx.to)).map((tx) => el("b", {
      class: ["d" + Math.min(tx.depth, 2), position.get(tx.from) === at && "from", position.get(tx.to) === at && tx.end !== "open" && "to",
        tx.end === "rolled back" && "rolled"].filter(Boolean).join(" "),
    }));
    const item = el("li", { class: [run.counts ? "" : "meta", run.error || run.cancelled ? "failed" : ""].join(" ") },
      el("button", { type: "button", "aria-label": `${run.sql.slice(0, 120)}, ${ms(run.duration_ms)}`, onclick: () => openDrawer(data, statements.map((_, one) => one), at, true) },
        el("span", { class: "gutter" }, brackets), el("span", { class: "sql" }, run.source === "sqlx" && el("span", { class: "badge plain" }, "sqlx"), " ", brief(run)),
        track(null, phases(run).map((phase) => bar(...phase))), el("span", { class: "time" }, ms(run.duration_ms))));
    items.set(run.index, item);
    return item;
  }));
  return {
    node: el("div", { class: "sheet" }, lanes, list),
    mark(indices) { for (const [index, item] of items) item.classList.toggle("marked", indices.includes(index)); },
  };
}

/** What tells statements apart in one line: without quotes and lists of columns. */
function brief(run) {
  return run.sql.replace(/["`]/g, "").replace(/\s+/g, " ").replace(/^(SELECT) .{24,}? (FROM )/i, "$1 … $2");
}

function groups(data) {
  const groups = new Map();
  data.statements.forEach((run, at) => {
    const key = [run.source, run.fingerprint || run.sql, run.call_site, run.target].join("\n");
    const group = groups.get(key) || { run, at: [], time: 0, rows: 0, bytes: 0, most: 0 };
    group.at.push(at);
    group.time += run.duration_ms;
    group.rows += run.rows;
    group.bytes += run.bytes || 0;
    group.most = Math.max(group.most, run.duration_ms);
    groups.set(key, group);
  });
  const sorted = [...groups.values()].filter((group) => group.run.counts).sort((one, two) => two.time - one.time);
  const rows = sorted.map((group) => {
    const open = () => openDrawer(data, group.at, 0, true);
    const many = group.at.length > 2;
    return el("tr", { tabindex: 0, onclick: open, onkeydown: (event) => { if (event.key === "Enter") open(); } },
      el("td", { class: "what" }, el("code", {}, group.run.sql),
        el("small", { title: group.run.call_site }, group.run.source === "sqlx" ? el("span", { class: "badge plain" }, "plain sqlx") : shortPlace(group.run.call_site))),
      el("td", { class: "n" }, many ? el("span", { class: "badge warning" }, "× " + group.at.length) : "× " + group.at.length),
      el("td", { class: "n" }, ms(group.time)), el("td", { class: "n" }, ms(group.time / group.at.length)), el("td", { class: "n" }, ms(group.most)),
      el("td", { class: "n" }, count(group.rows)), el("td", { class: "n" }, group.run.source === "sqlx" ? "–" : bytes(group.bytes)),
      el("td", {}, group.run.database || group.run.target));
  });
  const head = [["Statement", ""], ["Count", "n"], ["Time", "n"], ["Mean", "n"], ["Longest", "n"], ["Rows", "n"], ["Bytes", "n"], ["Target", ""]];
  return el("div", { class: "sheet scroll groups" }, el("table", {},
    el("thead", {}, el("tr", {}, head.map(([text, kind]) => el("th", { scope: "col", class: kind }, text)))), el("tbody", {}, rows)));
}

// ---- the drawer ----

/** Opens statement `at` of `list`: positions in the timeline, or indices of statements. */
function openDrawer(data, list, at, byPosition = false) {
  const runs = list.map((one) => (byPosition ? data.statements[one] : data.statements.find((run) => run.index === one))).filter(Boolean);
  const run = runs[at];
  if (!run) return;
  const step = (by) => openDrawer(data, list, at + by, byPosition);
  const close = el("button", { class: "button", type: "button", onclick: () => drawer.close() }, "Close");
  const formatted = formatSql(run.sql);
  const copied = el("span", { class: "note", role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(formatted);
      copied.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      copied.textContent = "Selected: copy it with the keyboard";
    }
  };
  const text = el("pre", { class: "sql-text" }, highlight(formatted));
  const plan = el("div", { "aria-live": "polite" });
  drawer.replaceChildren(el("div", { class: "drawer" },
    el("header", {}, el("h2", { id: "drawer-title" }, `${run.kind} ${run.table}`.trim()), runs.length > 1 && [
      el("button", { class: "button", type: "button", disabled: at === 0, "aria-label": "Previous", onclick: () => step(-1) }, "←"),
      el("span", { class: "note" }, `${at + 1} of ${runs.length}`),
      el("button", { class: "button", type: "button", disabled: at === runs.length - 1, "aria-label": "Next", onclick: () => step(1) }, "→")], close),
    run.source === "sqlx" && el("p", { class: "note" }, "Sent with plain sqlx, past entourage: neither its arguments nor its call site are known."),
    text,
    el("div", { class: "buttons" },
      el("button", { class: "button", type: "button", onclick: copy }, "Copy SQL"),
      explainButton(data, run, plan, "explain", "EXPLAIN"), explainButton(data, run, plan, "analyze", "EXPLAIN ANALYZE"), copied),
    plan,
    run.error && el("p", { class: "failure" }, run.error),
    run.cancelled && el("p", { class: "failure" }, "It was cancelled: its future was dropped before it ended."),
    el("dl", { class: "where" }, el("dt", {}, "Call site"), el("dd", { class: "mono" }, run.call_site || "unknown"),
      el("dt", {}, "Target"), el("dd", {}, run.target, run.database && ` (${run.database})`)),
    el("dl", { class: "facts" },
      fact("Started at", ms(run.start_ms)),
      fact("Pool wait", ms(run.wait_ms)), fact("Execute", ms(run.execute_ms)), fact("Decode", ms(run.decode_ms)),
      fact("Rows", count(run.rows)), fact("Changed", count(run.affected)), fact("Bytes", bytes(run.bytes)),
      fact("Prepared before", run.prepared === null ? "–" : run.prepared ? "yes" : "no"),
      fact("In a transaction", run.in_transaction ? "yes" : "no")),
    el("h3", {}, "Arguments"), drawArguments(run)));
  if (!drawer.open) drawer.showModal();
  drawer.scrollTop = 0;
  close.focus({ preventScroll: true });
}

function drawArguments(run) {
  if (run.source === "sqlx") return el("p", { class: "note" }, "Unknown.");
  if (run.argument_count === 0) return el("p", { class: "note" }, "None.");
  if (run.arguments === null) {
    const why = run.masked ? "they may hold what is not to be shown" : "they were not kept";
    return el("p", { class: "note" }, `${plural(run.argument_count, "argument")}: ${why}.`);
  }
  return el("pre", {}, run.arguments.map((value, at) => `${at + 1}  ${value}`).join("\n"));
}

function explainButton(data, run, into, how, text) {
  const possible = how === "analyze" ? run.analyze : run.explain;
  const why = run.kind !== "SELECT" ? "only reads are explained" : how === "analyze" && run.explain ? "this database has no EXPLAIN ANALYZE" : "not possible for this statement";
  const button = el("button", { class: "button", type: "button", disabled: !possible, title: possible ? null : why, "data-how": how, onclick: async () => {
    button.disabled = true;
    into.replaceChildren(el("p", { class: "note" }, "Asking the database…"));
    try {
      const path = `requests/${data.request.id}/statements/${run.index}/${how}`;
      const response = await fetch(path, { method: "POST", headers: { "x-entourage-inspector": "1" } });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
      into.replaceChildren(el("p", { class: "note" }, `${answer.command}, ${ms(answer.took_ms)}, in a read-only transaction that was rolled back`),
        el("pre", { class: "plan", tabindex: "0" }, answer.plan));
    } catch (error) {
      into.replaceChildren(el("p", { class: "failure" }, error.message));
    }
    button.disabled = false;
  } }, text);
  return button;
}

const WORD = /("(?:[^"]|"")*"|`[^`]*`|'(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_]*|\s+|\$?\d+(?:\.\d+)?|.)/gs;
const BREAKS = new Set(["FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "UNION", "VALUES", "SET", "RETURNING", "JOIN", "LEFT", "INNER", "WITH", "ON"]);
const KEYWORDS = new Set([...BREAKS, "SELECT", "INSERT", "INTO", "UPDATE", "DELETE", "AND", "OR", "NOT", "IN", "IS", "NULL", "AS", "BY", "ASC", "DESC", "ALL",
  "DISTINCT", "EXISTS", "CASE", "WHEN", "THEN", "ELSE", "END", "OVER", "PARTITION", "BETWEEN", "LIKE", "ANY", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT",
  "RELEASE", "CONFLICT", "DO", "FOR", "RECURSIVE", "LATERAL", "CROSS", "OUTER", "TRUE", "FALSE", "COUNT", "CAST", "ROW_NUMBER", "NULLS", "FIRST", "LAST"]);

/** The text with a line for each clause; what stands in quotes stays as it is. */
function formatSql(sql) {
  const words = sql.match(WORD) || [];
  const opened = [];
  let text = "";
  let previous = "";
  const newline = () => { text = text.trimEnd() + "\n" + "  ".repeat(opened.filter(Boolean).length); };
  words.forEach((word, at) => {
    const upper = word.toUpperCase();
    if (/^\s+$/.test(word)) { if (!/\s$/.test(text)) text += " "; return; }
    if (word === "(") {
      const next = (words.slice(at + 1).find((one) => one.trim()) || "").toUpperCase();
      const isBlock = next === "SELECT" || next === "WITH";
      opened.push(isBlock);
      text += "(";
      if (isBlock) newline();
    } else if (word === ")") {
      if (opened.pop()) newline();
      text += ")";
    } else {
      const inside = opened.length > 0 && !opened[opened.length - 1];
      const joins = upper === "JOIN" && (previous === "LEFT" || previous === "INNER");
      const isConflict = upper === "ON" || (upper === "SET" && previous === "UPDATE");
      if (BREAKS.has(upper) && text && !inside && !joins && !isConflict) newline();
      else if ((upper === "AND" || upper === "OR") && !inside && previous !== "BETWEEN") { newline(); text += "  "; }
      text += word;
    }
    previous = upper;
  });
  return text.trim();
}

function highlight(sql) {
  return (sql.match(WORD) || []).map((word) => {
    if (KEYWORDS.has(word.toUpperCase())) return el("span", { class: "kw" }, word);
    if (word.startsWith("'") || /^[$\d]/.test(word)) return el("span", { class: "lit" }, word);
    return word;
  });
}

// ---- what belongs to no request ----

function showWhole(name, draw) {
  document.title = name[0].toUpperCase() + name.slice(1) + " · entourage";
  const box = el("div");
  show(box);
  const view = state.view = { name, update: async () => {
    try {
      const data = await ask(name + ".json");
      if (state.view !== view) return;
      // What is drawn anew keeps its place and its focus.
      const before = [...box.querySelectorAll(".scroll")];
      const places = before.map((node) => node.scrollLeft);
      const focused = before.indexOf(document.activeElement);
      box.replaceChildren(...draw(data));
      [...box.querySelectorAll(".scroll")].forEach((node, at) => {
        node.scrollLeft = places[at] || 0;
        if (at === focused) node.focus({ preventScroll: true });
      });
    } catch (error) {
      if (state.view === view) box.replaceChildren(empty("No answer", error.message));
    }
  } };
  view.update();
}

/** A histogram over logarithmic buckets; a few of them are not drawn over the whole width. */
function histogram(own, attributes, label, least = 16) {
  const lacking = Math.max(least - own.length, 0);
  const none = (length) => Array.from({ length }, () => [0, 0]);
  const buckets = [...none(Math.floor(lacking / 2)), ...own, ...none(Math.ceil(lacking / 2))];
  const most = Math.max(...buckets.map(([, one]) => one), 1);
  const width = 100 / Math.max(buckets.length, 1);
  return svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img", "aria-label": label, ...attributes },
    buckets.map(([until, one], at) => one > 0 && svg("rect", {
      x: at * width, width: Math.max(width - (buckets.length > 60 ? 0.1 : 0.6), 0.5), height: Math.max((one / most) * 96, 3), y: 100 - Math.max((one / most) * 96, 3), class: "f-execute",
    }, svg("title", {}, `up to ${ms(until)}: ${one}`))),
    svg("line", { x1: 0, x2: 100, y1: 100, y2: 100, class: "s-line" }));
}

function drawStatements({ databases }) {
  return databases.map((database) => {
    const whole = database.top.reduce((sum, one) => sum + one.times.sum_ms, 0);
    const forgotten = database.forgotten > 0 ? `, ${database.forgotten} forgotten for want of room` : "";
    const rows = database.top.map((one) => el("tr", {},
      el("td", { class: "what" }, el("code", { title: one.sql }, one.sql), el("small", { title: one.call_site }, shortPlace(one.call_site))),
      el("td", { class: "n" }, el("span", { class: "share" }, ms(one.times.sum_ms), shareBar(whole > 0 ? one.times.sum_ms / whole : 0))),
      el("td", { class: "n" }, count(one.times.count)),
      el("td", { class: "n" }, ms(one.times.p50_ms)), el("td", { class: "n" }, ms(one.times.p90_ms)), el("td", { class: "n" }, ms(one.times.p99_ms)), el("td", { class: "n" }, ms(one.times.max_ms)),
      el("td", {}, histogram(one.times.buckets, { class: "hist" }, `from ${ms(one.times.buckets[0] ? one.times.buckets[0][0] : 0)} to ${ms(one.times.max_ms)}`)),
      el("td", { class: "n" }, count(one.rows)),
      el("td", { class: "n" }, one.errors > 0 ? el("span", { class: "badge bad" }, one.errors) : "–")));
    const head = [["Statement", ""], ["Time", "n"], ["Runs", "n"], ["p50", "n"], ["p90", "n"], ["p99", "n"], ["Longest", "n"], ["Times", ""], ["Rows", "n"], ["Errors", "n"]];
    return [
      el("div", { class: "head" }, el("h2", {}, "Top statements"), el("span", { class: "count" }, `of ${database.database}, since the inspector listens: ${plural(database.texts, "text")}${forgotten}`)),
      rows.length === 0 ? empty("No statement yet", "Statements of this database appear here, of requests and of everything else.")
        : el("div", { class: "sheet scroll groups", tabindex: 0, role: "region", "aria-label": `Top statements of ${database.database}` }, el("table", {}, el("thead", {}, el("tr", {}, head.map(([text, kind]) => el("th", { scope: "col", class: kind }, text)))), el("tbody", {}, rows))),
    ];
  }).flat();
}

function sparkline(samples, field, most, kind) {
  const step = 100 / 59;
  const points = samples.map((one, at) => `${(100 - (samples.length - 1 - at) * step).toFixed(2)},${(98 - (one[field] / most) * 94).toFixed(2)}`);
  return svg("polyline", { points: points.join(" "), class: kind });
}

function drawPools({ pools }) {
  const cards = pools.map((pool) => {
    const samples = state.samples.get(pool.database) || [];
    samples.push({ in_use: pool.in_use, waiting: pool.waiting });
    if (samples.length > 60) samples.shift();
    state.samples.set(pool.database, samples);
    const part = (value) => (value / Math.max(pool.max, 1)) * 100;
    const most = Math.max(pool.max, ...samples.map((one) => one.waiting), 1);
    const longest = pool.holders[0];
    const times = (name, one) => el("tr", {}, el("th", { scope: "row" }, name), [one.p50_ms, one.p90_ms, one.p99_ms, one.max_ms].map((value) => el("td", { class: "n" }, ms(value))), el("td", { class: "n" }, count(one.count)));
    return el("section", { class: "sheet card" },
      el("h3", {}, pool.database, " ", el("small", {}, pool.dialect), " ", pool.nearly_full && el("span", { class: "badge bad" }, "nearly full")),
      el("p", { class: "big" }, pool.in_use, " ", el("small", {}, `of ${pool.max} connections in use, ${pool.idle} idle, ${pool.waiting} waiting`)),
      svg("svg", { class: "gauge", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": `${pool.in_use} in use, ${pool.idle} idle, of ${pool.max}` },
        svg("rect", { width: 100, height: 10, class: "f-track" }), svg("rect", { width: part(pool.in_use), height: 10, class: pool.nearly_full ? "f-bad" : "f-execute" }),
        svg("rect", { x: part(pool.in_use), width: part(pool.idle), height: 10, class: "f-decode", opacity: 0.55 })),
      el("h4", {}, "The last minute: in use (blue), waiting (orange)"),
      svg("svg", { class: "plot", viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img", "aria-label": `in use ${pool.in_use}, waiting ${pool.waiting}` },
        svg("line", { x1: 0, x2: 100, y1: 99, y2: 99, class: "s-line" }), sparkline(samples, "in_use", most, "s-spark"), sparkline(samples, "waiting", most, "s-spark2")),
      el("h4", {}, `Waits for a connection (${count(pool.wait_buckets.count)} since the inspector listens)`),
      pool.wait_buckets.max_ms === 0 ? el("p", { class: "note" }, "Nobody had to wait.") : [
        histogram(pool.wait_buckets.buckets, { class: "plot" }, `waits up to ${ms(pool.wait_buckets.max_ms)}`, 1),
        el("p", { class: "axis" }, el("span", {}, ms(pool.wait_buckets.buckets[0][0])), el("span", {}, ms(pool.wait_buckets.max_ms)))],
      el("h4", {}, "Times since the pool was opened"),
      el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Times" }, el("table", {}, el("thead", {}, el("tr", {}, el("td", {}), ["p50", "p90", "p99", "longest", "count"].map((text) => el("th", { class: "n", scope: "col" }, text)))),
        el("tbody", {}, times("wait", pool.wait), times("use", pool.used), times("open", pool.create)))),
      el("h4", {}, "Longest holder"),
      longest ? pool.holders.slice(0, 5).map((holder) => el("p", { class: "row" }, el("span", { class: "mono", title: holder.call_site }, shortPlace(holder.call_site)), el("span", {}, ms(holder.held_ms))))
        : el("p", { class: "note" }, "Nobody holds a connection."),
      el("h4", {}, "So far"),
      el("p", { class: "note" }, `${count(pool.acquired)} lent, ${count(pool.waited)} waited for, ${count(pool.timeouts)} timed out, ${count(pool.opened)} opened, ` +
        `${count(pool.failed)} could not be opened; closed: ${pool.closed.idle} idle, ${pool.closed.lifetime} old, ${pool.closed.broken} broken; ${pool.leaked} leaked`));
  });
  return [el("div", { class: "head" }, el("h2", {}, "Pools")), el("div", { class: "cards" }, cards)];
}

function gauge(part, kind, label) {
  return svg("svg", { class: "gauge", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("rect", { width: 100, height: 10, class: "f-track" }), svg("rect", { width: Math.min(part, 1) * 100, height: 10, class: kind }));
}

const figures = (rows) => rows.map(([name, value]) => el("p", { class: "row" }, el("span", {}, name), el("span", {}, typeof value === "string" ? value : count(value))));

function hitCard(title, text, hits, misses, rows) {
  const part = rate(hits, misses);
  return el("section", { class: "sheet card" }, el("h3", {}, title), text && el("p", { class: "note" }, text),
    el("p", { class: "big" }, percent(part), " ", el("small", {}, part === null ? "nothing was asked for yet" : "found")),
    gauge(part || 0, "f-decode", percent(part) + " found"), el("h4", {}, "Figures"), figures(rows));
}

/** How a result cache stands with those of other processes; only some servers keep rows for all of them. */
function sharedCard({ database, is_connected, told, heard, lost, tier }) {
  const hasTier = Object.values(tier).some((value) => value > 0);
  const part = rate(tier.hits, tier.misses);
  return el("section", { class: "sheet card", "data-shared": database },
    el("h3", {}, "Other processes ", el("span", { class: is_connected ? "badge good" : "badge bad" }, is_connected ? "connected" : "not connected")),
    el("p", { class: "note" }, `The result cache of ${database} tells them of its writes and hears of theirs.`),
    !is_connected && el("p", { class: "failure" }, "Nothing is kept meanwhile: every read goes to the database."),
    el("h4", {}, "Figures"), figures([["notices told", told], ["notices heard", heard], ["connections lost", lost]]),
    hasTier && [el("h4", {}, `Rows kept by the server for all: ${percent(part)} found`), gauge(part || 0, "f-decode", percent(part) + " found by the server"),
      figures([["found", tier.hits], ["not there", tier.misses], ["waited for another's load", tier.waits], ["no answer in time", tier.failures]])]);
}

const QUEUE_STATES = { open: null, closing: ["warning", "shutting down"], closed: ["plain", "shut down"], dropped: ["plain", "dropped"] };

function queueCard({ name, state, figures: own }) {
  const badge = QUEUE_STATES[state];
  const head = [el("h3", {}, name, " ", badge && el("span", { class: "badge " + badge[0] }, badge[1]), " ",
    own && own.dead_letters > 0 && el("span", { class: "badge bad" }, plural(own.dead_letters, "dead letter"))), el("p", { class: "note" }, "Changes that are written behind.")];
  if (own === null) return el("section", { class: "sheet card", "data-queue": name }, head, el("p", { class: "big" }, el("small", {}, "nobody holds it any more")));
  const part = own.pending / own.max_pending;
  const wait = own.oldest_ms === null ? "" : `, the oldest for ${ms(own.oldest_ms)}`;
  const left = state === "closed" && own.pending > 0;
  return el("section", { class: "sheet card", "data-queue": name }, head,
    el("p", { class: "big" }, count(own.pending), " ", el("small", {}, `of at most ${plural(own.max_pending, "row")} ${own.pending === 1 ? "waits" : "wait"}${wait}`)),
    gauge(part, part >= 0.8 || left ? "f-bad" : "f-execute", `${own.pending} of ${own.max_pending} rows wait`),
    left && el("p", { class: "failure" }, own.journal_bytes === null ? "They were not written, and are lost with the process." : "They were not written; the journal keeps them for the next start."),
    own.last_error && el("p", { class: "failure" }, "The last attempt failed: ", own.last_error),
    el("h4", {}, "Figures"), figures([["changes taken", own.queued], ["of which became one with another", own.coalesced], ["rows flushed", own.flushed], ["in batches", own.batches],
      ["attempts made again", own.retried], ["refused by the database", own.refused], ["dead letters now", own.dead_letters], ["writes that met a full queue", own.back_pressure],
      ["journal", own.journal_bytes === null ? "none" : `${bytes(own.journal_bytes)}, ${own.durability}`]]));
}

function drawCaches({ plans, results, shared, queues }) {
  return [el("div", { class: "head" }, el("h2", {}, "Caches")), el("div", { class: "cards" },
    hitCard("Query texts", "Queries whose SQL was rendered before, in the whole process.", plans.hits, plans.misses,
      [["hits", plans.hits], ["misses", plans.misses], ["evictions", plans.evictions], ["kept now", plans.len]]),
    (results || []).map((one) => hitCard(one.of === "queries" ? "Results of queries" : `Rows of ${one.of}`, `Kept by the result cache of ${one.database}.`, one.hits, one.misses,
      [["hits", one.hits], ["of which shared a load", one.coalesced], ["misses", one.misses], ["made old by a write", one.stale_drops],
        ["invalidations", one.invalidations], ["evictions", one.evictions], ["kept now", one.len]])),
    results === null && el("section", { class: "sheet card" }, el("h3", {}, "Results"), el("p", { class: "big" }, el("small", {}, "no cache")),
      el("p", { class: "note" }, "No results are cached: every read goes to the database.")),
    (shared || []).map(sharedCard)),
    queues && [el("div", { class: "head" }, el("h2", {}, "Write-behind queues")), el("div", { class: "cards" }, queues.map(queueCard))]].flat().filter(Boolean);
}

function drawPrepared({ databases }) {
  return [el("div", { class: "head" }, el("h2", {}, "Prepared statements")), el("div", { class: "cards" }, databases.map((one) =>
    hitCard(one.database, "Statements that their connection had prepared already.", one.hits, one.misses,
      [["hits", one.hits], ["prepared anew", one.misses], ["evictions", one.evictions], ["for one use", one.one_off], ["held by open connections", one.held]])))];
}

// ---- the keyboard ----

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || drawer.open) return;
  const typing = event.target instanceof HTMLInputElement && event.target.type === "search";
  const { view } = state;
  if (event.key === "Escape" && view && view.escape) view.escape();
  if (typing && event.key !== "ArrowDown") return;
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (step && view && view.move) { event.preventDefault(); view.move(step); }
  if (event.key === "/") {
    event.preventDefault();
    if (view && view.find) view.find();
    else { location.hash = "#/requests"; setTimeout(() => state.view.find && state.view.find(), 0); }
  }
});
drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
window.addEventListener("hashchange", route);

route();
tick();
