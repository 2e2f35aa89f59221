(function () {
    "use strict";

    // The form notices a change of a field that a script has set only when it is told.
    function tell(field) {
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.dispatchEvent(new Event("change", { bubbles: true }));
    }

    function connectColor(box) {
        const text = box.querySelector("input[type=text]");
        const picker = box.querySelector("input[type=color]");
        const show = function () {
            const color = text.value || text.placeholder;
            if (/^#[0-9a-f]{6}$/i.test(color)) { picker.value = color; }
        };
        show();
        text.addEventListener("input", show);
        picker.addEventListener("input", function (event) {
            event.stopPropagation();
            text.value = picker.value;
            tell(text);
        });
    }

    function connectBackground(box) {
        const value = box.querySelector("input[type=hidden]");
        const file = box.querySelector("input[type=file]");
        const picture = box.querySelector("img");
        const remove = box.querySelector("[data-remove]");
        const status = box.querySelector("[role=status]");

        function show(sha256, thumbnail) {
            value.value = sha256;
            picture.src = thumbnail;
            picture.hidden = !thumbnail;
            remove.hidden = !sha256;
            tell(value);
        }

        function say(text, isError) {
            status.textContent = text;
            status.classList.toggle("is-error", Boolean(isError));
        }

        file.addEventListener("change", async function (event) {
            event.stopPropagation();
            if (!file.files.length) { return; }
            const body = new FormData();
            body.append("file", file.files[0]);
            say(box.dataset.working);
            try {
                const token = box.closest("form").querySelector("[name=csrfmiddlewaretoken]").value;
                const response = await fetch(box.dataset.url, {
                    method: "POST", body: body, headers: { "X-CSRFToken": token }
                });
                const answer = await response.json();
                if (answer.error) {
                    say(answer.error, true);
                } else {
                    say("");
                    show(answer.sha256, answer.thumbnail);
                }
            } catch (error) {
                say(box.dataset.failed, true);
            }
            file.value = "";
        });
        remove.addEventListener("click", function () { show("", ""); say(""); file.focus(); });
    }

    function connect() {
        document.querySelectorAll("[data-letterhead-color]").forEach(connectColor);
        document.querySelectorAll("[data-letterhead-background]").forEach(connectBackground);
    }

    if (document.readyState === "loading") {
        document.addEventListener("DOMContentLoaded", connect);
    } else {
        connect();
    }
})();
