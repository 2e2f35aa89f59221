/* Live totals: a form with data-totals-url is sent to the server a moment after each change; the answer is shown. All
   arithmetic is the server's. A late answer to an earlier question is thrown away. */
(function () {
    const form = document.querySelector("form[data-totals-url]");
    if (!form) return;
    const place = form.querySelector("[data-billing-totals]");
    let waiting = 0;
    let question = 0;

    function show(answer) {
        place.innerHTML = answer.html;
        const total = place.querySelector("[data-billing-total]");
        form.querySelectorAll("[data-billing-echo]").forEach((echo) => {
            echo.textContent = total ? total.textContent : "";
        });
        form.querySelectorAll("[data-billing-line]").forEach((line) => {
            const amount = line.querySelector("[data-billing-line-amount]");
            if (amount) amount.textContent = answer.lines[line.dataset.billingLine] || "";
        });
    }

    async function ask() {
        const mine = ++question;
        try {
            const answer = await fetch(form.dataset.totalsUrl, {
                method: "POST",
                body: new FormData(form),
                headers: { "X-Requested-With": "XMLHttpRequest" },
            });
            if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
            const content = await answer.json();
            if (mine === question) show(content);
        } catch (error) {
            if (mine === question) place.querySelector(".billing-hints")?.remove();
            if (mine === question) {
                const hint = document.createElement("p");
                hint.className = "billing-hints";
                hint.textContent = form.dataset.offline || "";
                place.append(hint);
            }
        }
    }

    function soon() {
        window.clearTimeout(waiting);
        waiting = window.setTimeout(ask, 300);
    }

    form.addEventListener("input", soon);
    form.addEventListener("change", soon);
    form.addEventListener("billing:changed", soon);
    ask();
})();
