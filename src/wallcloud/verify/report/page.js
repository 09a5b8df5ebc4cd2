"use strict";
// Texts of the report come from machines that may be hostile: they become text nodes and attributes here, never markup.
(async () => {
  const PAGE = 100;
  const at = (id) => document.getElementById(id);
  const make = (tag, properties, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const packed = Uint8Array.from(atob(at("data").textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const { texts, columns, negative, failed } = await new Response(stream).json();
  const total = negative.length;
  const text = (name, row) => texts[columns[name][row]];
  const lowered = texts.map((one) => one.toLowerCase());
  const SEARCHED = ["id", "why", "expected", "outcome", "detail", "repeat", "source", "target"];
  const CHOICES = ["part", "source", "target", "protocol"];

  // Filters stand in the fragment: a view can be linked to, and Back undoes a choice.
  const read = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const write = (filters) => {
    const kept = Object.entries(filters).filter(([, value]) => value);
    const fragment = "#" + new URLSearchParams(kept);
    if (fragment !== (location.hash || "#")) location.hash = fragment;
  };
  const matcher = (filters, ignored) => {
    const wanted = CHOICES.filter((name) => filters[name] && !ignored.includes(name))
      .map((name) => [columns[name], texts.indexOf(filters[name])]);
    const words = (filters.q || "").toLowerCase();
    const hits = words && lowered.map((one) => one.includes(words));
    return (row) => wanted.every(([column, index]) => column[row] === index)
      && (!filters.failed || failed[row]) && (!filters.negative || negative[row])
      && (!words || SEARCHED.some((name) => hits[columns[name][row]]));
  };

  const choices = () => {
    for (const name of CHOICES) {
      const values = [...new Set(columns[name])].map((index) => texts[index]).filter(Boolean);
      at("f-" + name).append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
    }
  };

  const tally = (counts) => [...counts].map(([index, count]) => `${count} ${texts[index]}`).join(", ");
  const add = (counts, index) => counts.set(index, (counts.get(index) || 0) + 1);

  const heat = (filters) => {
    const matches = matcher(filters, ["source", "target"]);
    const cells = new Map(), sources = new Set(), targets = new Set();
    for (let row = 0; row < total; row++) {
      if (!text("target", row) || !matches(row)) continue;
      const source = columns.source[row], target = columns.target[row], key = source + " " + target;
      sources.add(source);
      targets.add(target);
      let cell = cells.get(key);
      if (!cell) cells.set(key, cell = { count: 0, negative: 0, failed: 0, expected: new Map(), seen: new Map() });
      cell.count++;
      cell.negative += negative[row];
      cell.failed += failed[row];
      add(cell.expected, columns.expected[row]);
      add(cell.seen, columns.outcome[row]);
    }
    at("matrix").hidden = !cells.size;
    const corner = make("th", { scope: "col" }, "from ↓ to →");
    const head = make("tr", {}, corner, ...[...targets].map((t) => make("th", { scope: "col" }, make("span", {}, texts[t]))));
    const body = make("tbody", {}, ...[...sources].map((source) => make("tr", {},
      make("th", { scope: "row" }, texts[source]),
      ...[...targets].map((target) => {
        const cell = cells.get(source + " " + target);
        if (!cell) return make("td", {});
        const kind = cell.failed ? "failed" : cell.negative === cell.count ? "wall" : cell.negative ? "mixed" : "open";
        const label = `${texts[source]} to ${texts[target]}: ${cell.count} expectations, ${cell.negative} negative, `
          + `${cell.failed} failed. Expected: ${tally(cell.expected)}. Seen: ${tally(cell.seen)}.`;
        const shown = cell.count + (cell.negative ? ` −${cell.negative}` : "") + (cell.failed ? ` ✗${cell.failed}` : "");
        const button = make("button", { type: "button", className: kind, title: label, tabIndex: -1 }, shown);
        button.setAttribute("aria-label", label);
        const chosen = filters.source === texts[source] && filters.target === texts[target];
        button.setAttribute("aria-pressed", String(chosen));
        button.dataset.source = texts[source];
        button.dataset.target = texts[target];
        return make("td", {}, button);
      }))));
    const focused = document.activeElement?.closest?.("#heat button")?.dataset;
    at("heat").replaceChildren(make("caption", { className: "skip" }, "Sources in rows, targets in columns"),
      make("thead", {}, head), body);
    const buttons = [...at("heat").querySelectorAll("button")];
    const again = focused && buttons.find((one) => one.dataset.source === focused.source && one.dataset.target === focused.target);
    const first = again || buttons.find((one) => one.ariaPressed === "true") || buttons[0];
    if (first) first.tabIndex = 0;
    if (again) again.focus({ preventScroll: true });
  };

  const copy = async (button, command) => {
    try {
      await navigator.clipboard.writeText(command);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling);
      button.textContent = "selected: copy it";
    }
  };
  const line = (row) => {
    const state = failed[row] ? make("span", { className: "tag failed" }, "✗ failed") : make("span", {}, "✓ holds");
    const what = make("td", {}, make("code", {}, text("id", row)));
    what.append(make("small", {}, "from " + text("source", row) + (text("target", row) && " to " + text("target", row))));
    const kind = negative[row] ? [make("small", {}, "must not pass")] : [];
    const detail = text("detail", row) ? [make("small", {}, text("detail", row))] : [];
    const hand = make("td", {});
    const command = text("repeat", row);
    if (command) {
      const button = make("button", { type: "button" }, "copy");
      button.setAttribute("aria-label", "Copy the command that repeats " + text("id", row));
      button.addEventListener("click", () => copy(button, command));
      hand.append(make("code", {}, command), button);
    }
    return make("tr", {}, make("td", {}, state, ...kind), what, make("td", {}, text("why", row)),
      make("td", {}, text("expected", row)), make("td", {}, text("outcome", row), ...detail), hand);
  };
  const list = (name, rows) => {
    const body = make("tbody", {});
    const more = make("button", { type: "button", className: "more" });
    let shown = 0;
    const show = () => {
      body.append(...rows.slice(shown, shown + PAGE).map(line));
      shown = Math.min(shown + PAGE, rows.length);
      more.hidden = shown === rows.length;
      more.textContent = `Show more (${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")})`;
    };
    more.addEventListener("click", show);
    show();
    const heads = ["state", "probe", "why", "expected", "seen", "by hand"].map((one) => make("th", { scope: "col" }, one));
    const bad = rows.filter((row) => failed[row]).length;
    return make("section", {}, make("h2", {}, `${name}: ${rows.length.toLocaleString("en")} probes, ${bad} failed`),
      make("table", { className: "list" }, make("thead", {}, make("tr", {}, ...heads)), body), more);
  };
  const lists = (filters) => {
    const matches = matcher(filters, []);
    const parts = new Map();
    let count = 0;
    for (let row = 0; row < total; row++) {
      if (!matches(row)) continue;
      count++;
      const name = text("part", row);
      if (!parts.has(name)) parts.set(name, []);
      parts.get(name).push(row);
    }
    at("probes").replaceChildren(...[...parts].map(([name, rows]) =>
      list(name, [...rows.filter((row) => failed[row]), ...rows.filter((row) => !failed[row])])));
    at("count").textContent = `${count.toLocaleString("en")} of ${total.toLocaleString("en")} probes`;
  };

  const show = () => {
    const filters = read();
    for (const name of [...CHOICES, "q"]) {
      if (at("f-" + name).value !== (filters[name] || "")) at("f-" + name).value = filters[name] || "";
    }
    for (const name of ["failed", "negative"]) at("f-" + name).checked = Boolean(filters[name]);
    heat(filters);
    lists(filters);
  };
  const changed = () => {
    const filters = Object.fromEntries([...CHOICES, "q"].map((name) => [name, at("f-" + name).value]));
    for (const name of ["failed", "negative"]) filters[name] = at("f-" + name).checked ? "1" : "";
    write(filters);
  };
  let waiting = 0;
  at("filters").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(changed, event.target.id === "f-q" ? 200 : 0);
  });
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("filters").addEventListener("reset", () => write({}));
  at("heat").addEventListener("click", (event) => {
    const cell = event.target.closest("button");
    if (!cell) return;
    write({ ...read(), source: cell.dataset.source, target: cell.dataset.target });
    show();
    at("probes").focus({ preventScroll: true });
    at("probes").scrollIntoView();
  });
  at("heat").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const cell = event.target.closest("td");
    if (!step || !cell) return;
    event.preventDefault();
    const rows = cell.closest("table").rows;
    for (let r = cell.parentNode.rowIndex + step[0], c = cell.cellIndex + step[1]; rows[r]?.cells[c]; r += step[0], c += step[1]) {
      const next = rows[r].cells[c].querySelector("button");
      if (!next) continue;
      cell.firstChild.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      break;
    }
  });
  addEventListener("hashchange", show);
  choices();
  show();
  document.body.dataset.ready = "yes";
})();
