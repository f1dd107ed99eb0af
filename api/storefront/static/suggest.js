// Suggestions below the search field: a combobox whose list can be walked with the arrow keys.
//
// The field keeps the focus and what was typed; a suggestion that is chosen is put into it and searched for. See
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/ ("list autocomplete with manual selection").
"use strict";
(() => {
  const PAUSE = 80, MOST = 7; // milliseconds, suggestions
  const form = document.querySelector("form.search");
  if (!form) return;
  const input = form.elements.q;
  const list = document.createElement("ul");
  list.id = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  form.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) input.setAttribute(name, value);
  let active = -1; // which suggestion the arrow keys have reached
  let pending = null;
  let timer;

  async function ask() {
    pending?.abort();
    const typed = input.value;
    if (!typed.trim()) return close();
    const request = (pending = new AbortController());
    const url = new URL(form.dataset.suggest, location.href);
    url.search = new URLSearchParams({ q: typed, limit: MOST });
    try {
      const response = await fetch(url, { signal: request.signal });
      const found = response.ok ? (await response.json()).suggestions : [];
      if (pending === request) show(found, typed.trim().toLowerCase());
    } catch (problem) {
      if (problem.name !== "AbortError") close();
    }
  }

  function show(found, typed) {
    const others = found.filter(({ text }) => text.toLowerCase() !== typed);
    list.replaceChildren(...others.map(({ text, kind }, place) => option(text, kind, place, typed)));
    reach(-1);
    list.hidden = !others.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  }

  // What was typed stands out where a word begins with it.
  function option(text, kind, place, typed) {
    const row = document.createElement("li"), shown = document.createElement("span");
    row.id = `suggestion-${place}`;
    row.setAttribute("role", "option");
    row.dataset.text = text;
    const start = ` ${text}`.toLowerCase().indexOf(` ${typed}`);
    const same = document.createElement("b");
    same.textContent = start < 0 ? "" : text.slice(start, start + typed.length);
    shown.append(text.slice(0, Math.max(start, 0)), same, text.slice(Math.max(start, 0) + same.textContent.length));
    row.append(shown);
    if (kind === "brand" || kind === "category") {
      const label = document.createElement("small");
      label.textContent = kind;
      row.append(label);
    }
    return row;
  }

  function reach(place) {
    active = place;
    [...list.children].forEach((row, n) => row.setAttribute("aria-selected", String(n === place)));
    if (place < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", list.children[place].id);
    list.children[place]?.scrollIntoView({ block: "nearest" });
  }

  function close() {
    clearTimeout(timer);
    pending?.abort();
    pending = null;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    reach(-1);
  }

  function choose(row) {
    input.value = row.dataset.text;
    form.requestSubmit();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    const { key, isComposing } = event, count = list.children.length;
    if (isComposing) return;
    if ((key === "ArrowDown" || key === "ArrowUp") && list.hidden) {
      if (input.value.trim()) ask();
    } else if (key === "ArrowDown") {
      reach(active + 1 < count ? active + 1 : -1);
    } else if (key === "ArrowUp") {
      reach(active < 0 ? count - 1 : active - 1);
    } else if (key === "Enter" && active >= 0) {
      choose(list.children[active]);
    } else if (key === "Escape" && !list.hidden) {
      close();
    } else {
      return;
    }
    event.preventDefault();
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  list.addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row) choose(row);
  });
  form.addEventListener("submit", close);
  input.addEventListener("blur", close);
})();
