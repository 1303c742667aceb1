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
