// The payment page without reloading, and one click where two were made. All of it works without JavaScript as well.
(() => {
  // Ticks: ask for the page with them and show its amount and ways to pay.
  for (const form of document.querySelectorAll("form[data-choice]")) {
    form.querySelector(".billing-update").hidden = true;
    let latest = 0;
    form.addEventListener("change", async () => {
      const turn = ++latest;
      const query = new URLSearchParams(new FormData(form));
      const shown = document.getElementById(form.dataset.choice);
      shown.setAttribute("aria-busy", "true");
      // Nobody pays an amount that is about to change.
      for (const button of shown.querySelectorAll("button[name=way]")) button.disabled = true;
      try {
        const answer = await fetch(`${form.getAttribute("action")}?${query}`, { credentials: "same-origin" });
        if (!answer.ok) throw new Error(answer.status);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (turn !== latest) return;
        const fresh = page.getElementById(form.dataset.choice);
        const before = shown.querySelector("input[name=keep]");
        const after = fresh.querySelector("input[name=keep]");
        if (before && after) after.checked = before.checked;
        shown.replaceChildren(...fresh.childNodes);
        shown.removeAttribute("aria-busy");
        shown.dispatchEvent(new Event("billing:shown", { bubbles: true }));
      } catch {
        form.submit();
      }
    });
  }

  let sent = false;
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-once]")) return;
    if (sent) event.preventDefault();
    sent = true;
  });
  // Back from the provider's page with the browser's own button.
  addEventListener("pageshow", () => { sent = false; });
})();
