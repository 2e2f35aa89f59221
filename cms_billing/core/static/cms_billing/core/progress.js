/* Follows a run while it is under way: asks how far it is every two seconds, and reloads once it is finished. */
(function () {
    const place = document.querySelector("[data-billing-progress]");
    if (!place) return;
    const isRunning = () => place.querySelector("[data-running='true']") !== null;

    async function follow() {
        if (!document.hidden) {
            try {
                const answer = await fetch(place.dataset.billingProgress, { headers: { "X-Requested-With": "XMLHttpRequest" } });
                if (answer.ok && !answer.redirected) {
                    place.innerHTML = await answer.text();
                    if (!isRunning()) {
                        window.location.reload();
                        return;
                    }
                }
            } catch (error) {
                // The network is away for a moment: ask again later.
            }
        }
        window.setTimeout(follow, 2000);
    }

    if (isRunning()) window.setTimeout(follow, 2000);
})();
