// The page of one agent. It reads /v1 with blocking queries, so that what is shown is what is so.
// Everything from the network enters the page as text, never as markup.

const view = document.getElementById("view");
const status = document.getElementById("status");

const say = (text, failed = false) => {
  status.textContent = text;
  status.classList.toggle("failed", failed);
};

/** An element with attributes, properties (on*) and children; strings become text nodes. */
const h = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return element;
};

const table = (heads, rows, empty) =>
  rows.length === 0
    ? h("p", { class: "empty" }, empty)
    : h("table", {}, h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows));

const call = async (path, options = {}) => {
  const answer = await fetch(path, options);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${options.method ?? "GET"} ${path.split("?")[0]}: ${answer.status} ${text.trim()}`);
  return { index: answer.headers.get("X-Consul-Index"), body: text ? JSON.parse(text) : null };
};

const worst = (checks) =>
  ["critical", "warning"].find((state) => checks.some((check) => check.Status === state)) ?? "passing";

const badge = (state, text = state) => h("span", { class: `dot ${state}` }, text);

// One function a tab: paths to follow, and how to draw what they answer.

const services = {
  paths: ["/v1/internal/ui/services"],
  draw: ([list]) =>
    table(
      ["Service", "Instances", "Health", "Kind", "Tags"],
      list.map((s) =>
        h("tr", {},
          h("td", {}, s.Name),
          h("td", {}, String((s.Nodes ?? []).length)),
          h("td", {}, badge(
            s.ChecksCritical ? "critical" : s.ChecksWarning ? "warning" : "passing",
            `${s.ChecksPassing ?? 0} passing, ${s.ChecksWarning ?? 0} warning, ${s.ChecksCritical ?? 0} critical`)),
          h("td", { class: "soft" }, s.Kind || "service"),
          h("td", { class: "soft" }, (s.Tags ?? []).join(", ")))),
      "No service is registered yet. Try: mesh services register web.json"),
};

const nodes = {
  paths: ["/v1/internal/ui/nodes"],
  draw: ([list]) =>
    table(
      ["Node", "Address", "Health", "Services"],
      list.map((n) =>
        h("tr", {},
          h("td", {}, n.Node),
          h("td", { class: "mono" }, n.Address),
          h("td", {}, badge(worst(n.Checks ?? []))),
          h("td", { class: "soft" }, (n.Services ?? []).map((s) => s.Service).join(", ")))),
      "No node is known."),
};

const send = async (method, path, body) => {
  try {
    await call(path, { method, body: body && JSON.stringify(body) });
    say("Done.");
  } catch (error) {
    say(error.message, true);
  }
};

const flip = (intention) => ({ ...intention, Action: intention.Action === "allow" ? "deny" : "allow" });

const intentionForm = () =>
  h("form", {
    onsubmit: (event) => {
      event.preventDefault();
      const data = new FormData(event.target);
      send("POST", "/v1/connect/intentions", {
        SourceName: data.get("source"), DestinationName: data.get("destination"), Action: data.get("action"),
        SourceType: "consul",
      });
    },
  },
  h("label", {}, "From", h("input", { name: "source", required: "", placeholder: "web or *" })),
  h("label", {}, "To", h("input", { name: "destination", required: "", placeholder: "db or *" })),
  h("label", {}, "Action", h("select", { name: "action" }, h("option", {}, "allow"), h("option", {}, "deny"))),
  h("button", {}, "Create"));

const intentionRow = (i) =>
  h("tr", {},
    h("td", {}, i.SourceName),
    h("td", {}, i.DestinationName),
    h("td", {}, badge(i.Action)),
    h("td", { class: "soft" }, String(i.Precedence)),
    h("td", { class: "soft" }, i.Description || ""),
    h("td", {},
      h("button", { onclick: () => send("PUT", `/v1/connect/intentions/${i.ID}`, flip(i)) },
        i.Action === "allow" ? "Deny" : "Allow"), " ",
      h("button", { onclick: () => send("DELETE", `/v1/connect/intentions/${i.ID}`) }, "Delete")));

const intentions = {
  paths: ["/v1/connect/intentions"],
  frame: () => {
    const list = h("div");
    return { parts: [intentionForm(), list], list };
  },
  draw: ([list]) =>
    table(["From", "To", "Action", "Precedence", "Description", ""], list.map(intentionRow),
      "No intention yet: the default decides."),
};

const identity = {
  paths: ["/v1/connect/ca/roots"],
  draw: ([roots]) => [
    h("h2", {}, "Trust domain"), h("p", { class: "mono" }, roots.TrustDomain),
    h("h2", {}, "Roots"),
    table(["Name", "Fingerprint", "Valid until", ""], (roots.Roots ?? []).map((r) =>
      h("tr", {},
        h("td", {}, r.Name),
        h("td", { class: "mono" }, r.ID),
        h("td", {}, r.NotAfter),
        h("td", {}, r.Active ? badge("passing", "signs") : h("span", { class: "soft" }, "trusted")))),
    "The certificate authority has no root yet."),
  ],
};

const tabs = { services, nodes, intentions, identity };

let following = new AbortController();

/** Draws a tab, then again whenever the first of its answers has changed, until another tab is chosen. */
const follow = async (tab, signal) => {
  const frame = tab.frame?.() ?? (() => { const list = h("div"); return { parts: [list], list }; })();
  view.replaceChildren(...frame.parts);
  let index = "";
  while (!signal.aborted) {
    try {
      const wait = index ? `?index=${index}&wait=60s` : "";
      const answers = await Promise.all(tab.paths.map((path) => call(path + wait, { signal })));
      if (signal.aborted) return;
      index = answers[0].index ?? "";
      frame.list.replaceChildren(...[tab.draw(answers.map((a) => a.body ?? []))].flat());
      say(`Up to date at index ${index}.`);
    } catch (error) {
      if (signal.aborted) return;
      say(`${error.message}; trying again.`, true);
      index = "";
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
};

const choose = () => {
  const name = location.hash.slice(1) in tabs ? location.hash.slice(1) : "services";
  for (const link of document.querySelectorAll("#tabs a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  following.abort();
  following = new AbortController();
  follow(tabs[name], following.signal);
};

addEventListener("hashchange", choose);
choose();
call("/v1/agent/self")
  .then(({ body }) => {
    const { mode, reason } = body.Stats.dataplane;
    const path = reason ? `data path: ${mode} (${reason})` : `data path: ${mode}`;
    document.getElementById("where").textContent = `${body.Config.NodeName} in ${body.Config.Datacenter}, ${path}`;
  })
  .catch((error) => say(error.message, true));
