// Draws every chart on the page from its JSON, in the colours of the stylesheet, and again when the theme changes.
"use strict";

(function () {
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const COLORS = 8;

  const CHINESE = document.documentElement.lang.startsWith("zh");
  const SYMBOLS = { CNY: "¥", GBP: "£", USD: "$", EUR: "€", JPY: "¥", HKD: "HK$" };

  // Large numbers as readers say them: 12万 in Chinese, 120k in English.
  function shortNumber(value) {
    const size = Math.abs(value);
    const [unit, word] = CHINESE
      ? size >= 1e8 ? [1e8, "亿"] : size >= 1e4 ? [1e4, "万"] : [1, ""]
      : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
    return (value / unit).toLocaleString("en-US", { maximumFractionDigits: 2 }) + word;
  }

  // Intervals are read against nothing at all: zero is always in sight, and no end is cut off.
  function intervalTicks(data) {
    const ends = data.series.flatMap((s) => [...s.lows, ...s.highs]).filter((v) => v !== null);
    const high = Math.max(0, ...ends);
    const low = Math.min(0, ...ends);
    const room = (high - low) * 0.08 || 1;
    return { range: [low - room, high + room], zeroline: true, zerolinewidth: 1.6, zerolinecolor: token("--text-3"),
      ticksuffix: data.unit === "rate" ? "%" : "", nticks: 6 };
  }

  function axisTicks(data) {
    if (data.kind === "interval") return intervalTicks(data);
    const heights = (counts) => data.labels.map((_, i) => data.series.reduce((sum, s) => {
      const value = counts(s, i) ? s.values[i] || 0 : 0;
      return data.kind === "stacked" ? sum + Math.max(value, 0) : Math.max(sum, value);
    }, 0));
    // A month that has just begun, or a group of three people, must not press everything else flat: it may reach a
    // third above what is final, and is cut off there. What it says stands beside the pointer and in the table.
    const all = Math.max(...heights(() => true));
    const final = Math.max(...heights((s, i) => !s.notes[i]));
    const top = final > 0 ? Math.min(all, final * 1.3) : all;
    const lows = data.labels.map((_, i) => data.series.reduce((sum, s) => {
      const value = Math.min(s.values[i] || 0, 0);
      return data.kind === "stacked" ? sum + value : Math.min(sum, value);
    }, 0));
    const high = Math.max(top, data.target || 0);
    const low = Math.min(0, ...lows);
    const rough = (high - low) / 4 || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= rough) * power;
    const tickvals = [];
    for (let k = Math.floor(low / step); k * step <= high + step / 2; k += 1) tickvals.push(k * step);
    const before = data.unit === "minor" ? SYMBOLS[data.currency] || "" : "";
    const after = data.unit === "rate" ? "%" : "";
    const room = (high - low) * 0.08 || 1;
    return { tickmode: "array", tickvals, range: [low < 0 ? low - room : 0, high + room],
      ticktext: tickvals.map((v) => (v < 0 ? "-" : "") + before + shortNumber(Math.abs(v)) + after) };
  }

  // Days or steps lie on a true scale; periods and groups stand beside each other.
  const isNumeric = (data) => data.kind === "line" && data.labels.every((label) => /^\d{1,3}$/.test(label));

  // From the last finished point on, the line is dotted: what follows may still change.
  function unfinished(series, open, shared, color) {
    const values = series.values.map((v, i) => (open[i] || open[i + 1] || (open[i - 1] && series.values[i] !== null) ? v : null));
    return { ...shared, y: values, type: "scatter", mode: "lines", showlegend: false, hoverinfo: "skip", hovertemplate: null,
      line: { color, width: 1.6, dash: "dot" } };
  }

  function traces(data) {
    return data.series.flatMap((series, index) => {
      const color = token(`--chart-${(index % COLORS) + 1}`);
      const surface = token("--surface");
      const open = series.notes.map(Boolean);
      const hover = series.texts.map((text, i) => text + (series.notes[i] ? ` · ${series.notes[i]}` : ""));
      const shared = { name: series.name, x: isNumeric(data) ? data.labels.map(Number) : data.labels, y: series.values, text: hover, textposition: "none",
        hovertemplate: data.series.length > 1 ? "%{fullData.name} %{text}<extra></extra>" : "%{text}<extra></extra>" };
      if (data.kind === "line") {
        const few = data.labels.length <= 60;
        const markers = { size: 6, color: open.map((o) => (o ? surface : color)), line: { color, width: 1.6 } };
        if (!open.some(Boolean)) return [{ ...shared, type: "scatter", mode: few ? "lines+markers" : "lines", line: { color, width: 2 }, marker: markers }];
        const solid = series.values.map((v, i) => (open[i] ? null : v));
        const lines = { ...shared, y: solid, type: "scatter", mode: "lines", hoverinfo: "skip", hovertemplate: null, line: { color, width: 2 } };
        const points = { ...shared, type: "scatter", mode: "markers", showlegend: false, marker: markers };
        return [lines, unfinished(series, open, shared, color), points];
      }
      if (data.kind === "interval") {
        const reach = (ends, sign) => ends.map((end, i) => (end === null || series.values[i] === null ? 0 : sign * (end - series.values[i])));
        return [{ ...shared, type: "scatter", mode: "markers", marker: { size: 9, color },
          error_y: { type: "data", symmetric: false, array: reach(series.highs, 1), arrayminus: reach(series.lows, -1), color, thickness: 1.6, width: 5 } }];
      }
      return [{ ...shared, type: "bar",
        marker: { color: open.map((o) => (o ? surface : color)), line: { color, width: open.map((o) => (o ? 1.4 : 0)) } } }];
    });
  }

  // As many labels of periods and groups as fit beside each other.
  function xTicks(data, width) {
    if (isNumeric(data)) return { type: "linear", nticks: width < 480 ? 6 : 12, ...(data.labels.length <= 13 && data.labels.at(-1) < 13 ? { dtick: 1 } : {}) };
    const longest = Math.max(...data.labels.map((label) => label.length));
    const step = Math.ceil((data.labels.length * (longest * 8 + 14)) / Math.max(width - 60, 100));
    const tickvals = data.labels.filter((_, i) => (data.labels.length - 1 - i) % step === 0);
    return { type: "category", tickmode: "array", tickvals, ticktext: tickvals.map((label) => (label.length > 16 ? `${label.slice(0, 15)}…` : label)) };
  }

  function layout(data, width) {
    const grid = token("--line");
    const text = token("--text-3");
    const shapes = [];
    const annotations = [];
    if (data.target !== null) {
      shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: data.target, y1: data.target,
        line: { color: token("--warn"), width: 1.2, dash: "dash" } });
      annotations.push({ xref: "paper", x: 1, y: data.target, xanchor: "right", yanchor: "bottom", showarrow: false,
        text: data.targetText, font: { color: token("--warn"), size: 11 } });
    }
    return {
      margin: { l: 8, r: 8, t: 8, b: 8 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: text },
      hovermode: "x unified",
      hoverlabel: { bgcolor: token("--surface"), bordercolor: token("--line"), font: { color: token("--text") } },
      barmode: data.kind === "stacked" ? "relative" : "group",
      bargap: 0.28,
      showlegend: data.series.length > 1,
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      xaxis: { ...xTicks(data, width), automargin: true, title: { text: data.labelTitle, font: { size: 11 } }, gridcolor: grid, linecolor: grid, tickangle: 0, zeroline: false,
        fixedrange: true, showgrid: false },
      yaxis: { automargin: true, gridcolor: grid, zerolinecolor: grid, fixedrange: true, ...axisTicks(data) },
      shapes,
      annotations,
    };
  }

  function draw(plot) {
    const data = JSON.parse(document.getElementById(plot.dataset.source).textContent);
    Plotly.react(plot, traces(data), layout(data, plot.clientWidth), { displayModeBar: false, responsive: true });
    plot.dataset.drawn = "1";
  }

  function drawAll() {
    document.querySelectorAll("[data-source]").forEach(draw);
  }

  document.addEventListener("huitou:theme", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.addEventListener("htmx:afterSwap", drawAll);
  drawAll();
})();
