/* The frame beside the form shows what guests would get by what is chosen in it. */
(() => {
  const form = document.getElementById("rule-form");
  const frame = document.getElementById("rule-preview");
  if (!form || !frame) return;
  let waiting;
  let shown = "";
  const show = () => {
    const given = new URLSearchParams(new FormData(form));
    given.delete("csrfmiddlewaretoken");
    const address = `${frame.dataset.src}?${given}`;
    if (address === shown) return;
    shown = address;
    // In place of the old one, so that the back button still leaves the form.
    frame.contentWindow.location.replace(address);
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 400);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  show();
})();
