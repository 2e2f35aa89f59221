/* On a copy of the database only: fetches the banner and puts it at the top of the page. */
(async function () {
    const script = document.querySelector("script[data-billing-copy-banner]");
    const place = document.querySelector("#main .content") || document.getElementById("main");
    if (!script || !place || document.body.classList.contains("login")) return;
    const answer = await fetch(script.dataset.billingCopyBanner, { headers: { "X-Requested-With": "XMLHttpRequest" } });
    if (!answer.ok || answer.redirected) return;
    place.insertAdjacentHTML("afterbegin", await answer.text());
})();
