/* The form of a mail text: placeholders of the chosen kind, and a test mail to oneself. */
(() => {
    const { Controller } = window.StimulusModule;

    class Placeholders extends Controller {
        static targets = ["kind"];
        static values = { field: String };

        connect() {
            this.field = document.getElementById(this.fieldValue);
            this.show = () => this.kindTargets.forEach((list) => { list.hidden = list.dataset.kind !== this.field.value; });
            this.field?.addEventListener("change", this.show);
        }

        disconnect() {
            this.field?.removeEventListener("change", this.show);
        }
    }

    class TestMail extends Controller {
        static targets = ["button"];
        static values = { url: String };

        async send() {
            const form = this.element.closest("form");
            this.buttonTarget.disabled = true;
            let answer;
            try {
                const response = await fetch(this.urlValue, { method: "POST", body: new FormData(form) });
                answer = await response.json();
            } catch (problem) {
                answer = { error: String(problem) };
            }
            this.buttonTarget.disabled = false;
            document.dispatchEvent(new CustomEvent("w-messages:add", {
                detail: { clear: true, type: answer.error ? "error" : "success", text: answer.error || answer.message },
            }));
        }
    }

    window.wagtail.app.register("billing-placeholders", Placeholders);
    window.wagtail.app.register("billing-test-mail", TestMail);
})();
