/* “Change the rule” in the side panel: the form in a dialog, so that nobody leaves what they are writing. Without this
   the link leads to the form's own page. */
(() => {
  const SELECTOR = ".billing-paywall-panel";

  const loaded = (name) => document.querySelector(`#page-edit-form [name=${name}]`);

  /* The page's text is as it was: what is being written belongs to the version that has the new rule. */
  const followVersion = (version) => {
    if (!version || !loaded("loaded_revision_id")) return;
    loaded("loaded_revision_id").value = version.id;
    loaded("loaded_revision_created_at").value = version.created_at;
  };

  const saved = (dialog, said) => {
    document.querySelectorAll(SELECTOR).forEach((panel) => {
      panel.outerHTML = said.panel;
    });
    const icon = document.querySelector("[data-side-panel-toggle=paywall] use");
    if (icon) icon.setAttribute("href", said.closed ? "#icon-lock" : "#icon-lock-open");
    followVersion(said.version);
    document.dispatchEvent(
      new CustomEvent("w-messages:add", { detail: { clear: true, text: said.says, type: "success" } }),
    );
    dialog.close();
  };

  const ask = (dialog) => {
    const form = dialog.body[0].querySelector("#rule-form");
    dialog.container.addClass("billing-rule-modal");
    window.billingRuleForm(dialog.body[0]);
    const wrong = form.querySelector(".error-message");
    if (wrong) wrong.scrollIntoView({ block: "center" });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = new URLSearchParams(new FormData(form));
      const version = loaded("loaded_revision_id");
      if (version) given.set("loaded_revision_id", version.value);
      dialog.postForm(form.action, given.toString());
    });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest(`${SELECTOR} [data-rule-dialog]`);
    if (!link || !window.ModalWorkflow || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    window.ModalWorkflow({
      url: link.href,
      triggerElement: link,
      onload: { rule: ask, saved },
      onError: () => window.location.assign(link.href),
    });
  });
})();
