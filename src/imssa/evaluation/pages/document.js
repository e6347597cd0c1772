"use strict";
// Values under the pointer, series switched on and off, tables sorted, figures saved. The page is whole without it.
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const REACH = 26; // pixels from the pointer to a point
  const tip = document.getElementById("tip");

  const make = (name, text, where) => {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    if (where) where.append(element);
    return element;
  };

  const button = (text, where, press) => {
    const element = make("button", text, where);
    element.type = "button";
    element.addEventListener("click", () => press(element));
    return element;
  };

  // ---- values under the pointer -------------------------------------------------------------
  const nearest = (points, hidden, at) => {
    let best = null;
    for (const [x, y, words, series] of points) {
      if (hidden.has(series)) continue;
      const distance = Math.hypot(x * at.width - at.x, y * at.height - at.y);
      if (distance < REACH && (!best || distance < best.distance)) best = { distance, x, y, words };
    }
    return best;
  };

  const lookUp = (part, series, hidden, at) => {
    const [x0, y0, x1, y1] = part.box;
    const x = at.x / at.width, y = at.y / at.height;
    if (x < x0 - 0.02 || x > x1 + 0.02 || y < y0 - 0.02 || y > y1 + 0.02) return null;
    const point = part.points ? nearest(part.points, hidden, at) : null;
    if (point) return { marks: [[point.x, point.y]], words: point.words };
    const lines = (part.lines || []).filter((line) => !hidden.has(line.name) && line.at.length);
    if (!lines.length) return null;
    const found = lines.map((line) => {
      let best = 0;
      line.at.forEach(([lx], n) => { if (Math.abs(lx - x) < Math.abs(line.at[best][0] - x)) best = n; });
      return { line, best };
    });
    const first = found[0];
    const words = [`${(part.x || "x").split(" (")[0]} ${first.line.x[first.best]}`];
    for (const { line, best } of found) words.push(`${series[line.name]}: ${line.y[best]}`);
    const marks = found.map(({ line, best }) => line.at[best]).filter(([, ly]) => ly >= y0 - 0.01 && ly <= y1 + 0.01);
    return { marks, words: words.join("\n") };
  };

  const showTip = (words, event) => {
    tip.textContent = words;
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - width - 6);
    const top = event.clientY + height + 24 > window.innerHeight ? event.clientY - height - 12 : event.clientY + 14;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  };

  const follow = (svg, told, hidden) => {
    const box = svg.viewBox.baseVal;
    const layer = document.createElementNS(NS, "g");
    layer.classList.add("mark");
    svg.append(layer);
    const clear = () => { layer.replaceChildren(); tip.hidden = true; };
    const show = (event) => {
      const area = svg.getBoundingClientRect();
      const at = { x: event.clientX - area.left, y: event.clientY - area.top, width: area.width, height: area.height };
      let found = null;
      for (const part of told.axes) found = found || lookUp(part, told.series, hidden, at);
      layer.replaceChildren();
      if (!found) { tip.hidden = true; return; }
      for (const [x, y] of found.marks) {
        const ring = document.createElementNS(NS, "circle");
        ring.setAttribute("cx", x * box.width);
        ring.setAttribute("cy", y * box.height);
        ring.setAttribute("r", 4);
        layer.append(ring);
      }
      showTip(found.words, event);
    };
    svg.addEventListener("pointermove", show);
    svg.addEventListener("pointerdown", show);
    svg.addEventListener("pointerleave", clear);
    document.addEventListener("scroll", clear, { passive: true });
  };

  // ---- series on and off ---------------------------------------------------------------------
  const toggles = (svg, told, hidden, tools) => {
    told.series.forEach((name, number) => {
      const parts = svg.querySelectorAll(`[data-series="${number}"]`);
      if (!parts.length) return;
      const element = button(name, tools, () => {
        const on = hidden.delete(number);
        if (!on) hidden.add(number);
        element.setAttribute("aria-pressed", String(on));
        for (const part of parts) part.classList.toggle("off", !on);
      });
      element.setAttribute("aria-pressed", "true");
      element.dataset.toggle = number;
    });
  };

  // ---- saving --------------------------------------------------------------------------------
  const save = (svg, name) => {
    const copy = svg.cloneNode(true);
    copy.querySelectorAll(".mark").forEach((layer) => layer.remove());
    copy.querySelectorAll(".off").forEach((part) => part.remove());
    copy.removeAttribute("data-hover");
    copy.setAttribute("width", `${svg.viewBox.baseVal.width}pt`);
    copy.setAttribute("height", `${svg.viewBox.baseVal.height}pt`);
    const text = new XMLSerializer().serializeToString(copy)
      .replace(/var\(--[\w-]+, (#[0-9a-f]+)\)/g, "$1").replace(/currentColor/g, "#1b1b1f");
    const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    const link = make("a");
    link.href = url;
    link.download = `${name}.svg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };

  for (const figure of document.querySelectorAll("figure")) {
    const svg = figure.querySelector("svg");
    const tools = make("div", "", figure);
    tools.className = "tools";
    const hidden = new Set();
    if (svg.dataset.hover) {
      const told = JSON.parse(svg.dataset.hover);
      follow(svg, told, hidden);
      if (told.series.length > 1) toggles(svg, told, hidden, tools);
    }
    const saver = button("Save SVG", tools, () => save(svg, figure.dataset.name));
    saver.className = "save";
    saver.setAttribute("aria-label", `Save SVG of figure ${figure.dataset.name}`);
  }

  // ---- sorting -------------------------------------------------------------------------------
  const key = (cell) => (cell.dataset.value !== undefined ? Number(cell.dataset.value) : cell.textContent.trim());
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));

  for (const table of document.querySelectorAll("table")) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    if (original.length < 3) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const text = head.textContent;
      head.textContent = "";
      button(text, head, () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort") || "none"];
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        let rows = [...original];
        if (next !== "none") {
          head.setAttribute("aria-sort", next);
          rows.sort((a, b) => compare(key(a.cells[column]), key(b.cells[column])));
          if (next === "descending") rows.reverse();
        }
        body.replaceChildren(...rows);
      });
    });
  }

  // ---- contents and print --------------------------------------------------------------------
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-10% 0px -80% 0px" });
  document.querySelectorAll("main > section").forEach((section) => watcher.observe(section));
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
})();
