/* Draws what a table says: each <canvas data-billing-chart> holds its labels and series as JSON. The table below it has
   the same figures, for whoever cannot see or does not run this. Colours are Wagtail's variables, read again when the
   theme changes. */
(function () {
    const TONES = {
        0: "var(--w-color-info-100)",
        1: "var(--w-color-secondary-100)",
        2: "var(--w-color-warning-100)",
        3: "var(--w-color-critical-200)",
        text: "var(--w-color-text-label)",
        meta: "var(--w-color-text-meta)",
        lines: "var(--w-color-border-furniture)",
    };
    const charts = [];

    /* A variable may be a calculation; the browser gives its result only as the colour of an element. */
    function colours() {
        const probe = document.createElement("span");
        probe.hidden = true;
        document.body.append(probe);
        const found = {};
        for (const [name, value] of Object.entries(TONES)) {
            probe.style.color = value;
            found[name] = getComputedStyle(probe).color;
        }
        probe.remove();
        return found;
    }

    function formatter(data) {
        const options = data.currency
            ? { style: "currency", currency: data.currency, maximumFractionDigits: 0 }
            : { maximumFractionDigits: 1 };
        const numbers = new Intl.NumberFormat(document.documentElement.lang || "en", options);
        return (value) => numbers.format(value) + (data.unit ? " " + data.unit : "");
    }

    function options(data, tone) {
        const write = formatter(data);
        const axis = { stacked: data.stacked, border: { color: tone.lines }, grid: { color: tone.lines } };
        return {
            animation: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
            maintainAspectRatio: false,
            scales: {
                x: { ...axis, grid: { display: false }, ticks: { color: tone.text } },
                y: {
                    ...axis,
                    beginAtZero: true,
                    max: data.unit === "%" ? 100 : undefined,
                    ticks: { color: tone.meta, precision: data.currency ? undefined : 0, callback: write },
                },
            },
            plugins: {
                legend: { position: "bottom", labels: { color: tone.text, boxWidth: 14 } },
                tooltip: { callbacks: { label: (item) => item.dataset.label + ": " + write(item.parsed.y) } },
            },
        };
    }

    function draw(canvas) {
        const data = JSON.parse(canvas.dataset.billingChart);
        const tone = colours();
        const datasets = data.series.map((series, number) => ({
            label: series.label,
            data: series.values,
            backgroundColor: tone[number % 4],
            borderRadius: 2,
            maxBarThickness: 64,
        }));
        return new window.Chart(canvas, {
            type: "bar",
            data: { labels: data.labels, datasets },
            options: options(data, tone),
        });
    }

    function drawAll() {
        charts.splice(0).forEach((chart) => chart.destroy());
        document.querySelectorAll("canvas[data-billing-chart]").forEach((canvas) => charts.push(draw(canvas)));
    }

    drawAll();
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
    new MutationObserver(drawAll).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
})();
