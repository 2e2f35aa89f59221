// Shows the pages of a document one after the other, until the server says there is none.
(() => {
    function address(first, page) {
        return first.replace(/\/1\/$/, `/${page}/`);
    }

    function follow(box, first, page) {
        if (page > Number(box.dataset.maxPages)) return;
        const entry = box.querySelector("template").content.firstElementChild.cloneNode(true);
        const image = entry.querySelector("img");
        const url = address(first.getAttribute("src"), page);
        image.alt = first.alt.replace(/\d+$/, page);
        image.srcset = first.srcset.split(first.getAttribute("src")).join(url);
        image.addEventListener("load", () => follow(box, first, page + 1), { once: true });
        image.addEventListener("error", () => entry.remove(), { once: true });
        image.src = url;
        box.insertBefore(entry, box.querySelector("template"));
    }

    document.querySelectorAll("[data-billing-pages]").forEach((box) => {
        const first = box.querySelector("img");
        const begin = () => follow(box, first, 2);
        if (first.complete && first.naturalWidth) begin();
        else first.addEventListener("load", begin, { once: true });
    });
})();
