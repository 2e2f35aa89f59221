// A "copy" button beside every element with data-copy; without JavaScript the text can be marked and copied by hand.
(() => {
  if (!navigator.clipboard) return;
  const german = document.documentElement.lang.startsWith("de");
  const words = german ? ["Kopieren", "Kopiert"] : ["Copy", "Copied"];
  const addButtons = (root) => {
    for (const element of root.querySelectorAll("[data-copy]")) {
      const text = element.dataset.copy || element.textContent.trim();
      const button = document.createElement("button");
      button.type = "button";
      button.className = "billing-copy";
      button.textContent = words[0];
      button.setAttribute("aria-label", `${words[0]}: ${text}`);
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(text);
        button.textContent = words[1];
        setTimeout(() => { button.textContent = words[0]; }, 2000);
      });
      element.append(" ", button);
    }
  };
  addButtons(document);
  document.addEventListener("billing:shown", (event) => addButtons(event.target));
})();
