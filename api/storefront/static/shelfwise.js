// Search as you type. Without this file the same form and links work, page by page.
//
// Each pause in the typing fetches a fragment of results, which the shop doesn't log. Once the query has settled (a
// longer pause, or Enter) it is asked again and logged, and the links on the page take over the id of that search.
"use strict";
(() => {
  const PAUSE = 120, SETTLED = 700; // milliseconds
  const form = document.querySelector("form.search");
  const answer = document.getElementById("answer");
  if (!form || !answer) return;
  const input = form.elements.q;
  const announcement = document.getElementById("announcement");
  const queryNow = () => input.value.trim().replace(/\s+/g, " ");
  let shown = answer.dataset.query; // what the page answers
  let logged = shown;
  let place = location.pathname + location.search;
  let moved = false; // whether the address in the bar is one we put there
  let pending = null;
  let pauseTimer, settledTimer;

  async function ask(settled) {
    const query = queryNow();
    pending?.abort();
    pending = null;
    answer.removeAttribute("aria-busy");
    if (query === (settled ? logged : shown)) return;
    const request = (pending = new AbortController());
    const url = new URL(form.action);
    url.search = new URLSearchParams({ q: query, fragment: "1", ...(settled && { settled: "1" }) });
    answer.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(url, { signal: request.signal });
      if (response.ok) show(query, await response.text(), settled || !query);
    } catch (problem) {
      if (problem.name !== "AbortError") console.warn("search failed:", problem.message);
    } finally {
      if (pending === request) answer.removeAttribute("aria-busy");
    }
  }

  function show(query, html, settled) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    if (query !== shown || !relink(fresh.content)) answer.replaceChildren(fresh.content);
    shown = query;
    dropBrokenImages();
    if (!settled) return;
    logged = query;
    announcement.textContent = answer.querySelector("[data-summary]")?.textContent ?? "";
    const address = new URL(form.action);
    if (query) address.search = new URLSearchParams({ q: query });
    history[moved ? "replaceState" : "pushState"](null, "", address);
    place = location.pathname + location.search;
    moved = true;
  }

  // The same products again: only their links change, so that focus and scrolling stay where they are.
  function relink(fresh) {
    const before = [...answer.querySelectorAll("a.card")], after = [...fresh.querySelectorAll("a.card")];
    const same = before.length === after.length && before.every((card, i) => card.dataset.item === after[i].dataset.item);
    if (same) before.forEach((card, i) => { card.href = after[i].href; });
    return same && before.length > 0;
  }

  // Behind each image is a tile that does without it.
  function dropBrokenImages() {
    for (const image of answer.querySelectorAll(".tile img")) {
      if (image.complete && !image.naturalWidth) image.remove();
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(pauseTimer);
    clearTimeout(settledTimer);
    pauseTimer = setTimeout(ask, PAUSE, false);
    settledTimer = setTimeout(ask, SETTLED, true);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(pauseTimer);
    clearTimeout(settledTimer);
    ask(true);
    input.blur(); // the phone's keyboard covers the results
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches(".sort select")) event.target.form.requestSubmit();
  });
  document.addEventListener("error", (event) => {
    if (event.target.matches?.(".tile img")) event.target.remove();
  }, true);
  window.addEventListener("popstate", () => {
    if (location.pathname + location.search !== place) location.reload(); // else it was a #link
  });
  window.addEventListener("pageshow", () => ask(true)); // the browser may have kept what was typed
  dropBrokenImages();
})();
