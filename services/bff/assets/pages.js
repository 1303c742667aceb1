// What a script adds to pages that work without one.
"use strict";

// "Copy" beside a command.
const offerCopying = (root) => {
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = !navigator.clipboard;
};
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  await navigator.clipboard.writeText(field.value);
  button.parentElement.querySelector("[role=status]").textContent = button.dataset.copied;
});
offerCopying(document);
document.addEventListener("htmx:after:swap", () => offerCopying(document));

// The live view: rows come as the server writes them. It begins where the page was read and goes on from where it paused.
const LIVE_ROWS = 200;
let live = null;

const startLiveView = () => {
  live?.source?.close();
  const box = document.querySelector("[data-live]");
  if (!box || !window.EventSource) { live = null; return; }
  box.hidden = false;
  live = {box, button: box.querySelector("button"), status: box.querySelector("[role=status]"), after: box.dataset.after, fresh: 0};
  live.button.onclick = () => (live.source ? pauseLiveView("paused") : connectLiveView());
  connectLiveView();
};

const say = (view, state) => {
  view.button.textContent = view.box.dataset[state === "running" ? "pause" : "resume"];
  view.status.textContent = view.box.dataset[state];
};

const connectLiveView = () => {
  const view = live;
  const source = new EventSource(`${view.box.dataset.live}&after=${encodeURIComponent(view.after)}`);
  view.source = source;
  const take = (show) => (event) => {
    if (event.lastEventId) view.after = event.lastEventId;
    if (placeRow(event.data, show) && show) tell(view);
  };
  source.addEventListener("event", take(true));
  source.addEventListener("left", take(false));
  source.addEventListener("end", () => endLiveView(view));
  source.onopen = () => say(view, "running");
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) endLiveView(view); };
};

const pauseLiveView = (state) => {
  live.source.close();
  live.source = null;
  say(live, state);
};

const endLiveView = (view) => {
  view.source?.close();
  view.source = null;
  view.button.hidden = true;
  view.status.textContent = view.box.dataset.ended;
};

// Puts a row where it belongs, the newest first; whether it is new.
const placeRow = (html, show) => {
  const rows = document.getElementById("events");
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const row = holder.content.firstElementChild;
  const known = document.getElementById(row.id);
  if (known) {
    const focused = known.contains(document.activeElement) && document.activeElement.getAttribute("href");
    known.replaceWith(row);
    if (focused) row.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    return false;
  }
  if (!show) return false;
  const moment = (of) => of.querySelector("time").dateTime;
  const next = [...rows.children].find((other) => moment(other) <= moment(row));
  rows.insertBefore(row, next ?? null);
  while (rows.children.length > LIVE_ROWS) rows.lastElementChild.remove();
  document.getElementById("no-events")?.remove();
  return true;
};

// Says how many came, once in a while: a reader is not interrupted for each.
const tell = (view) => {
  view.fresh += 1;
  view.telling ??= setTimeout(() => {
    view.status.textContent = `${view.box.dataset.running} ${view.box.dataset.fresh} ${view.fresh}`;
    view.fresh = 0;
    view.telling = null;
  }, 2000);
};

startLiveView();
document.addEventListener("htmx:after:swap", startLiveView);
