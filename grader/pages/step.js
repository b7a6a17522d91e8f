"use strict";
// Steps through the runs of a page: choose a run, go from instant to instant. Nothing is ever inserted but
// plain text, and copies of the pictures that are in the page.
(() => {
  const { runs, groups } = JSON.parse(document.getElementById("runs").textContent);
  const viewers = [], pictures = [];
  let current = null;

  const make = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "on") for (const [event, heard] of Object.entries(value)) node.addEventListener(event, heard);
      else if (value !== false && value !== null) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  };

  for (const drawn of document.querySelectorAll("template[data-run]"))
    pictures[drawn.dataset.run] = drawn.content.firstElementChild;
  for (const walk of document.querySelectorAll("[data-group]")) {
    const figure = walk.querySelector("figure");
    pictures[groups[walk.dataset.group].runs[0]] = figure.firstElementChild;
  }
  for (const walk of document.querySelectorAll("[data-group]"))
    viewers.push(viewer(walk, walk.querySelector("figure"), Number(walk.dataset.group)));

  function named(token) {
    return token === "none" ? "no fault" : token;
  }

  function viewer(walk, figure, own) {
    let run, at = 0;
    const button = (words, label, to) =>
      make("button", { type: "button", "aria-label": label, on: { click: () => go(to()) } }, words);
    const chooser = make("select", { id: `run-${own}`, on: { change: () => choose(Number(chooser.value)) } });
    const order = [own, ...groups.keys()].filter((group, place, all) => all.indexOf(group) === place);
    for (const group of order) {
      const head = group === own ? "This cause" : `Another cause: ${groups[group].name}`;
      const options = groups[group].runs.map((each) => make("option", { value: each }, named(runs[each].token)));
      chooser.append(make("optgroup", { label: head }, ...options));
    }
    const slider = make("input", {
      type: "range", min: 0, "aria-label": "Instant of the run", on: { input: () => go(Number(slider.value)) },
    });
    const first = button("« First", "First instant", () => 0);
    const before = button("‹ Previous", "Previous instant", () => at - 1);
    const after = button("Next ›", "Next instant", () => at + 1);
    const last = button("Last »", "Last instant", () => run.walk.steps.length - 1);
    const turn = button("Where it went wrong", "To where it went wrong", () => run.walk.turning);
    const facts = make("dl", { hidden: true });
    const told = make("div", { class: "told", "aria-live": "polite" });
    const by = make("p", { class: "quiet" });
    const ledgers = make("tbody");
    const journal = make("ol", { tabindex: 0, "aria-label": "The journal so far" });
    const controls = make("div", { class: "bar" }, first, before, after, last, slider, turn);
    figure.before(
      make("div", { class: "bar" }, make("label", { for: `run-${own}` }, "The fault"), chooser), facts,
    );
    figure.after(
      controls, told,
      make("div", { class: "panels" },
        make("div", {}, make("h4", {}, "The ledgers of the services"), by,
          make("table", {}, make("caption", { hidden: true }, "Ledgers at this instant"), ledgers)),
        make("div", {}, make("h4", {}, "The journal so far"), journal)),
      make("p", { class: "quiet keys" }, "Keys: ", make("kbd", {}, "←"), " ", make("kbd", {}, "→"), " step, ",
        make("kbd", {}, "Home"), " ", make("kbd", {}, "End"), " first and last."),
    );
    walk.classList.add("stepped");

    function choose(number) {
      run = runs[number];
      figure.replaceChildren(pictures[number].cloneNode(true));
      const lines = [["What we did", run.faults], ["What must hold", run.expected], ["Observed", run.observed],
        ["Also broken", run.also], ["Left out", run.walk.left_out], ["Try", run.again]];
      facts.replaceChildren(...lines.filter(([, words]) => words).flatMap(([name, words]) =>
        [make("dt", {}, name), make("dd", {}, name === "Try" ? make("code", {}, words) : words)]));
      facts.hidden = number === groups[own].runs[0];
      slider.max = run.walk.steps.length - 1;
      go(run.walk.turning);
    }

    function go(to) {
      const { steps } = run.walk;
      at = Math.min(Math.max(to, 0), steps.length - 1);
      const step = steps[at];
      slider.value = at;
      slider.setAttribute("aria-valuetext", `${at + 1} of ${steps.length}, ${step.when}`);
      const held = document.activeElement;
      first.disabled = before.disabled = at === 0;
      last.disabled = after.disabled = at === steps.length - 1;
      if (held?.disabled) (at ? before : after).focus();
      const wrong = at === run.walk.turning;
      told.classList.toggle("turning", wrong);
      told.replaceChildren(
        make("b", {}, `Instant ${at + 1} of ${steps.length}, ${step.when}`, wrong ? ": here it went wrong" : ""),
        make("ul", {}, ...step.told.map((line) => make("li", {}, line))),
      );
      by.textContent = step.changes.length
        ? `Changed${step.by.length ? ` by ${step.by.join(", ")}` : ""}.` : "Nothing changed at this instant.";
      showLedgers(steps);
      showJournal(step, at ? steps[at - 1].written : 0);
      point(step);
    }

    function showLedgers(steps) {
      const lines = new Map(run.walk.ledgers);
      for (const step of steps.slice(0, at))
        for (const [name, value] of step.changes) value === null ? lines.delete(name) : lines.set(name, value);
      const changes = new Map(steps[at].changes);
      for (const [name, value] of changes) if (value !== null) lines.set(name, value);
      const filled = new Set([...lines.keys()].map((name) => name.split(" · ")[0]));
      for (const name of run.services) if (!filled.has(name)) lines.set(name, "empty");
      ledgers.replaceChildren(...[...lines].sort(([a], [b]) => service(a) - service(b)).map(([name, value]) =>
        make("tr", { class: changes.has(name) ? (changes.get(name) === null ? "gone" : "new") : null },
          make("td", {}, name), make("td", {}, value))));
    }

    function service(name) {
      return run.services.indexOf(name.split(" · ")[0]);
    }

    function showJournal(step, before) {
      journal.replaceChildren(...run.walk.journal.slice(0, step.written).map(([when, words], place) =>
        make("li", { class: place >= before ? "new" : null }, make("span", { class: "when" }, when), ` ${words}`)));
      journal.scrollTop = journal.scrollHeight;
    }

    // A line in the picture where the instant is.
    function point(step) {
      const svg = figure.querySelector("svg");
      svg.querySelector(".cursor")?.remove();
      const cursor = document.createElementNS(svg.namespaceURI, "path");
      const { x, top, bottom } = step;
      const attributes = {
        class: "cursor", d: `M${x} ${top}V${bottom}M${x - 5} ${bottom + 7}L${x} ${bottom}L${x + 5} ${bottom + 7}Z`,
        fill: "currentColor", stroke: "currentColor", "stroke-width": 2, "stroke-opacity": 0.85,
      };
      for (const [key, value] of Object.entries(attributes)) cursor.setAttribute(key, value);
      svg.append(cursor);
      const place = (x / svg.viewBox.baseVal.width) * svg.clientWidth;
      figure.scrollLeft = place - figure.clientWidth / 2;
    }

    choose(groups[own].runs[0]);
    const all = { walk, step: (by) => go(at + by), end: (which) => go(which ? run.walk.steps.length - 1 : 0) };
    walk.addEventListener("pointerdown", () => { current = all; });
    walk.addEventListener("focusin", () => { current = all; });
    return all;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("select, input, textarea")) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1 }, ends = { Home: 0, End: 1 };
    const used = current ?? viewers[0];
    if (event.key in steps) used?.step(steps[event.key]);
    else if (event.key in ends && current) used.end(ends[event.key]);
    else return;
    event.preventDefault();
  });
})();
