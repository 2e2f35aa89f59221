/* The form of a rule: the frame beside it shows what guests would get by what is chosen in it. */
(() => {
  const INHERITED = "section";

  const previewIn = (form, frame) => {
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
  };

  /* A rule that refines its section begins with what others see there; any other cannot refer to a section. */
  const followSection = (form) => {
    const previews = form.elements.preview;
    let own = previews.value === INHERITED ? "page" : previews.value;
    const choose = (value) => {
      if (previews.value === value) return;
      previews.value = value;
      form.querySelector("[name=preview]:checked").dispatchEvent(new Event("change", { bubbles: true }));
    };
    const settle = () => {
      const follows = form.elements.opens_to.value === INHERITED;
      const inherited = form.querySelector(`[name=preview][value=${INHERITED}]`);
      (inherited.closest("label") || inherited).parentElement.hidden = !follows;
      return follows;
    };
    form.addEventListener("change", ({ target }) => {
      if (target.name === "preview" && target.value !== INHERITED) own = target.value;
      if (target.name !== "opens_to") return;
      const before = own;
      choose(settle() ? INHERITED : before);
      own = before;
    });
    settle();
  };

  window.billingRuleForm = (root) => {
    const form = root.querySelector("#rule-form");
    const frame = root.querySelector("#rule-preview");
    if (!form || !frame) return;
    followSection(form);
    previewIn(form, frame);
  };
  window.billingRuleForm(document);
})();
