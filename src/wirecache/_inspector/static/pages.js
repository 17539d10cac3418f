// What the pages do beyond links and forms: keys, theme, selection, copying, and a stream at its pace. All of it can be done without.
"use strict";
const $ = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// theme
const toggleTheme = () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try { localStorage.setItem("wirecache-theme", root.dataset.theme); } catch { /* it holds for this page */ }
};
const help = $("#help");
for (const [id, action] of [["#theme", toggleTheme], ["#keys", () => help.showModal()]]) {
  const button = $(id);
  button.hidden = false;
  button.addEventListener("click", action);
}

// local times, in place of UTC
for (const time of all("time[datetime]")) {
  const date = new Date(time.dateTime);
  if (Number.isNaN(date.valueOf())) continue;
  const text = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  if (time.textContent.trim() === time.dateTime) time.textContent = text;
  time.title = text;
}

// filters apply at once; the selection shows what can be done with it
const filters = $("#filters");
if (filters) {
  filters.addEventListener("change", () => filters.requestSubmit());
  filters.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });
}
const selection = $("#selection");
const showChosen = () => {
  const chosen = $("[data-chosen]");
  if (chosen) chosen.classList.toggle("some", all("input[name=x]:checked", selection).length > 0);
};
if (selection) {
  selection.addEventListener("change", showChosen);
  addEventListener("pageshow", showChosen);
}

// progress of the reading: the page is loaded again when there is more to see
const progress = $("[data-progress]");
if (progress) {
  const bar = $("progress", progress), words = $("span", progress);
  const poll = async () => {
    try {
      const state = await (await fetch("/api/v1/progress")).json();
      bar.max = Math.max(1, state.total);
      bar.value = state.done;
      words.textContent = state.ready
        ? `Read: ${state.done.toLocaleString()} exchanges.`
        : `Reading: ${state.done.toLocaleString()} of ${state.total.toLocaleString()} exchanges so far. You can look around meanwhile.`;
      if (!state.ready) setTimeout(poll, 700);
      else if (!document.querySelector("input[name=x]:checked") && document.activeElement === document.body) location.reload();
    } catch { setTimeout(poll, 3000); }
  };
  setTimeout(poll, 700);
}

// what happens meanwhile: a part of the page is replaced by its new state while somebody looks at it
for (const part of all("[data-fresh]:not([data-still])")) {
  const selector = `[data-fresh="${part.dataset.fresh}"]`;
  const again = async () => {
    try {
      if (!document.hidden && !part.contains(document.activeElement)) {
        const answer = await fetch(part.dataset.from ?? location.pathname);
        if (answer.status === 404) return; // what was tried is forgotten
        const text = await answer.text();
        const found = $(selector, new DOMParser().parseFromString(text, "text/html"));
        if (found && found.innerHTML !== part.innerHTML) part.replaceChildren(...found.childNodes);
        if (found && "still" in found.dataset) return;
      }
    } catch { /* the server is gone; the page stays as it is */ }
    setTimeout(again, part.dataset.from ? 700 : 3000);
  };
  setTimeout(again, part.dataset.from ? 700 : 3000);
}

// copying
for (const button of all("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText($("code", button.closest("section")).textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

// a stream at its pace
for (const player of all("[data-player]")) {
  player.hidden = false;
  const button = $("button", player), output = $("output", player), text = $("pre", player), speed = $("select", player);
  let run = 0;
  button.addEventListener("click", async () => {
    const own = ++run;
    const { events } = await (await fetch(player.dataset.player)).json();
    text.textContent = "";
    const started = performance.now();
    let next = 0;
    const step = () => {
      if (own !== run) return;
      const at = ((performance.now() - started) / 1000) * Number(speed.value);
      let more = "";
      while (next < events.length && (events[next].at ?? 0) <= at) more += events[next++].text;
      if (more) text.append(more);
      output.textContent = `${at.toFixed(1)} s, event ${next} of ${events.length}`;
      if (next < events.length) requestAnimationFrame(step);
    };
    step();
  });
}

// keys
const places = { e: "/", s: "/sessions", v: "/savings", c: "/cassettes", m: "/explain" };
let begun = "";
const steps = () => all(".list tbody tr, [data-step]").filter((step) => step.offsetParent !== null);
const move = (by) => {
  const found = steps();
  if (!found.length) return;
  const at = found.findIndex((step) => step.classList.contains("at"));
  if (at >= 0) found[at].classList.remove("at");
  const step = found[Math.min(found.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : found.length - 1) : at + by))];
  step.classList.add("at");
  step.scrollIntoView({ block: "nearest" });
  ($(".open", step) ?? step).focus({ preventScroll: true });
};
addEventListener("keydown", (event) => {
  const target = event.target;
  if (event.key === "Escape" && target.matches("input, textarea")) return target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input:not([type=checkbox]), textarea, select") || help.open) return;
  const key = event.key;
  if (begun === "g" && places[key]) location.assign(places[key]);
  else if (key === "/") $("#search").focus();
  else if (key === "?") help.showModal();
  else if (key === "t") toggleTheme();
  else if (key === "j" || key === "k") move(key === "j" ? 1 : -1);
  else if (key === "u" && $("[data-up]")) location.assign($("[data-up]").href);
  else if (key === "x" && $(".list tr.at input")) { $(".list tr.at input").click(); showChosen(); }
  else { begun = key === "g" ? "g" : ""; return; }
  begun = "";
  event.preventDefault();
});
