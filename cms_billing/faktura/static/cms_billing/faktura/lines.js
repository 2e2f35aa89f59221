/* The lines of a draft: added, removed, moved, and filled with what waits to be billed. Numbers are worked out by the
   server (totals.js). */
(function () {
    const form = document.querySelector("form[data-billing-draft]");
    if (!form) return;
    const place = form.querySelector("[data-billing-lines]");
    const template = form.querySelector("[data-billing-line-template]");
    const count = form.querySelector("[name='lines-TOTAL_FORMS']");
    const offers = form.querySelector("[data-billing-offers]");

    const lines = () => [...place.querySelectorAll(":scope > [data-billing-line]:not([hidden])")];
    const input = (line, name) => line.querySelector(`[name='${line.dataset.billingLine}-${name}']`);
    const changed = () => form.dispatchEvent(new Event("billing:changed"));

    function number() {
        lines().forEach((line, index, all) => {
            input(line, "ORDER").value = index + 1;
            line.querySelector("[data-billing-line-number]").textContent = `${form.dataset.line} ${index + 1}`;
            line.querySelector("[data-billing-up]").disabled = index === 0;
            line.querySelector("[data-billing-down]").disabled = index === all.length - 1;
        });
        const taken = new Set(lines().map((line) => input(line, "booking").value));
        offers.querySelectorAll("[data-billing-booking]").forEach((button) => {
            button.disabled = taken.has(button.dataset.billingBooking);
        });
    }

    function add(after) {
        const html = template.innerHTML.replaceAll("__prefix__", count.value);
        const made = document.createElement("template");
        made.innerHTML = html;
        const line = made.content.querySelector("[data-billing-line]");
        count.value = Number(count.value) + 1;
        if (after) after.after(line);
        else place.append(line);
        const before = line.previousElementSibling;
        if (before && before.matches("[data-billing-line]")) {
            input(line, "tax_code").value = input(before, "tax_code").value;
        }
        number();
        return line;
    }

    function remove(line) {
        const all = lines();
        const next = all[all.indexOf(line) + 1] || all[all.indexOf(line) - 1];
        const box = input(line, "DELETE");
        box.value = "on";
        line.hidden = true;
        if (!next) input(add(), "description").focus();
        else input(next, "description").focus();
        number();
        changed();
    }

    function move(line, step) {
        const all = lines();
        const other = all[all.indexOf(line) + step];
        if (!other) return;
        const focused = document.activeElement;
        if (step < 0) other.before(line);
        else other.after(line);
        number();
        if (line.contains(focused)) (focused.disabled ? input(line, "description") : focused).focus();
        changed();
    }

    function isBlank(line) {
        return !input(line, "description").value && !input(line, "unit_price").value && !input(line, "booking").value;
    }

    function putOn(button) {
        const values = JSON.parse(button.closest("li").querySelector("script").textContent);
        const blank = lines().find(isBlank);
        if (lines().every(isBlank)) {
            form.elements.currency.value = button.dataset.currency;
            form.elements.prices.value = button.dataset.prices;
        }
        const line = blank || add();
        Object.entries(values).forEach(([name, value]) => {
            const field = input(line, name);
            if (field) field.value = value === null ? "" : value;
        });
        number();
        changed();
    }

    place.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        const line = event.target.closest("[data-billing-line]");
        if (!button || !line) return;
        if (button.matches("[data-billing-remove]")) remove(line);
        if (button.matches("[data-billing-up]")) move(line, -1);
        if (button.matches("[data-billing-down]")) move(line, 1);
    });

    place.addEventListener("keydown", (event) => {
        const line = event.target.closest("[data-billing-line]");
        if (!line || !event.target.matches("input, select")) return;
        if (event.key === "Enter" && event.target.matches("input")) {
            event.preventDefault();
            input(add(line), "description").focus();
            changed();
        }
        if (event.altKey && event.key === "ArrowUp") {
            event.preventDefault();
            move(line, -1);
        }
        if (event.altKey && event.key === "ArrowDown") {
            event.preventDefault();
            move(line, 1);
        }
    });

    form.querySelector("[data-billing-add]").addEventListener("click", () => {
        input(add(), "description").focus();
    });

    offers.addEventListener("click", (event) => {
        const button = event.target.closest("[data-billing-booking]");
        if (button) putOn(button);
    });

    let customer = form.elements.customer.value;
    form.addEventListener("change", async (event) => {
        if (event.target !== form.elements.customer || event.target.value === customer) return;
        customer = event.target.value;
        const answer = await fetch(`${form.dataset.offersUrl}?customer=${encodeURIComponent(customer)}`);
        if (answer.ok && !answer.redirected) {
            offers.innerHTML = await answer.text();
            number();
            changed();
        }
    });

    number();
})();
