"use strict";
// The page of a prediction: table, search and locus. Names come from users' files, so they only ever become text.
(() => {
  const parsed = (id) => JSON.parse(document.getElementById(id).textContent);
  const data = parsed("data"), plots = parsed("plots");
  const { pairs, enhancers, promoters } = data;
  const n = (pairs.score || []).length;
  const ROWS = 20, MOST_ARCS = 1500, POINTS = 40, GENES_LISTED = 30, MARGIN = 0.08, LETTER = 6.3, LONGEST = 24;
  const COLOURS = { enhancer: "#e0a030", promoter: "#7a3b8f", chosen: "#1b6ca8", other: "#9aa7b0",
    active_enhancers: "#b97a12", active_promoters: "#7a3b8f", insulators: "#2f7d4f" };
  const byId = (id) => document.getElementById(id);
  const whole = (value) => value.toLocaleString("en");
  const lower = promoters.name.map((name) => name.toLowerCase());
  const lowerEnhancer = enhancers.name.map((name) => name.toLowerCase());

  const place = (table, at) => `${table.chrom[at]}:${whole(table.start[at])}-${whole(table.end[at])}`;
  const called = (table, at) => (table.name[at] === "." ? place(table, at) : table.name[at]);
  const region = (text) => {
    const found = /^\s*(\S+?):([\d,]+)-([\d,]+)\s*$/.exec(text);
    if (!found) return null;
    const [start, end] = [found[2], found[3]].map((digits) => Number(digits.replace(/,/g, "")));
    return end > start ? { chrom: found[1], start, end } : null;
  };
  const inside = (table, at, { chrom, start, end }) =>
    table.chrom[at] === chrom && table.start[at] < end && table.end[at] > start;
  const browserLink = (chrom, start, end) => {
    if (!data.browser) return null;
    const position = `${data.prefix}${chrom}:${Math.max(start, 0) + 1}-${end}`;
    const query = `db=${encodeURIComponent(data.browser)}&position=${encodeURIComponent(position)}`;
    return `https://genome.ucsc.edu/cgi-bin/hgTracks?${query}`;
  };
  const spanOf = (at) => {
    const [e, p] = [pairs.enhancer[at], pairs.promoter[at]];
    const start = Math.min(enhancers.start[e], promoters.start[p]);
    const end = Math.max(enhancers.end[e], promoters.end[p]);
    const margin = Math.round(MARGIN * (end - start));
    return [promoters.chrom[p], start - margin, end + margin];
  };
  const element = (tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };

  // ---- table ----
  const COLUMNS = [
    { head: "promoter", of: (at) => called(promoters, pairs.promoter[at]), up: true },
    { head: "its place", of: (at) => place(promoters, pairs.promoter[at]), key: (at) => pairs.promoter[at], up: true },
    { head: "enhancer", of: (at) => called(enhancers, pairs.enhancer[at]), key: (at) => pairs.enhancer[at], up: true },
    { head: "distance", of: (at) => whole(pairs.distance[at]), key: (at) => pairs.distance[at], up: true, number: true },
    { head: "rank", of: (at) => whole(pairs.rank[at]), key: (at) => pairs.rank[at], up: true, number: true },
    { head: "score", of: (at) => pairs.score[at].toFixed(2), key: (at) => pairs.score[at], number: true },
    { head: "U_I", of: (at) => pairs.potential[at].toFixed(2), key: (at) => pairs.potential[at], number: true },
    { head: "R_E", of: (at) => pairs.resistance[at].toFixed(2), key: (at) => pairs.resistance[at], up: true, number: true },
    { head: "probability", of: (at) => pairs.probability[at].toFixed(3), key: (at) => pairs.probability[at], number: true },
    { head: "contact", of: (at) => (pairs.contact[at] ? "yes" : "no"), key: (at) => pairs.contact[at] },
  ];
  let sorted = { column: 5, up: false }, listed = [], from = 0;

  const matches = (text) => {
    const asked = text.trim().toLowerCase(), where = region(text);
    if (!asked) return () => true;
    if (where) {
      return (at) => inside(promoters, pairs.promoter[at], where) || inside(enhancers, pairs.enhancer[at], where);
    }
    return (at) => lower[pairs.promoter[at]].includes(asked) || lowerEnhancer[pairs.enhancer[at]].includes(asked);
  };
  const refilter = () => {
    const fits = matches(byId("search").value);
    const contacts = byId("contacts").checked, first = byId("first").checked;
    listed = [];
    for (let at = 0; at < n; at++) {
      if (contacts && !pairs.contact[at]) continue;
      if (first && pairs.rank[at] !== 1) continue;
      if (fits(at)) listed.push(at);
    }
    const column = COLUMNS[sorted.column], key = column.key || column.of, sign = sorted.up ? 1 : -1;
    const keys = new Map(listed.map((at) => [at, key(at)]));
    listed.sort((a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      return x < y ? -sign : x > y ? sign : a - b;
    });
    from = 0;
    redraw();
  };
  const row = (at) => {
    const made = document.createElement("tr");
    for (const { of, number, head } of COLUMNS) {
      const cell = element("td", of(at), number ? "number" : "");
      if (head === "promoter") cell.title = cell.textContent;
      if (head === "contact" && pairs.contact[at]) cell.className = "yes";
      made.append(cell);
    }
    const last = element("td"), show = element("button", "arcs");
    show.type = "button";
    show.setAttribute("aria-label", `show the locus of ${called(promoters, pairs.promoter[at])}`);
    last.append(show, " ");
    const link = browserLink(...spanOf(at));
    if (link) {
      const anchor = element("a", "UCSC");
      Object.assign(anchor, { href: link, target: "_blank", rel: "noopener noreferrer" });
      anchor.addEventListener("click", (event) => event.stopPropagation());
      last.append(anchor);
    }
    made.append(last);
    made.addEventListener("click", () => showPair(at, true));
    return made;
  };
  const redraw = () => {
    const shown = listed.slice(from, from + ROWS);
    byId("table").tBodies[0].replaceChildren(...shown.map(row));
    byId("count").textContent = listed.length ? `${whole(listed.length)} pairs` : "no pair of the page fits";
    byId("page").textContent = listed.length ? `${whole(from + 1)} to ${whole(from + shown.length)} of ${whole(listed.length)}` : "";
    byId("before").disabled = from === 0;
    byId("after").disabled = from + ROWS >= listed.length;
    for (const [at, head] of [...byId("table").tHead.rows[0].cells].entries()) {
      head.ariaSort = at === sorted.column ? (sorted.up ? "ascending" : "descending") : null;
      if (COLUMNS[at]) head.firstChild.textContent = COLUMNS[at].head + (at === sorted.column ? (sorted.up ? " ▲" : " ▼") : "");
    }
  };
  for (const [at, column] of COLUMNS.entries()) {
    const head = element("th", undefined, column.number ? "number" : ""), button = element("button", column.head);
    button.type = "button";
    button.addEventListener("click", () => {
      sorted = { column: at, up: sorted.column === at ? !sorted.up : Boolean(column.up) };
      refilter();
    });
    head.append(button);
    byId("table").tHead.rows[0].append(head);
  }
  byId("table").tHead.rows[0].append(element("th", "see"));
  byId("before").addEventListener("click", () => { from = Math.max(from - ROWS, 0); redraw(); });
  byId("after").addEventListener("click", () => { from += ROWS; redraw(); });
  byId("filter").addEventListener("submit", (event) => event.preventDefault());
  let waiting;
  byId("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(refilter, 120); });
  for (const id of ["contacts", "first"]) byId(id).addEventListener("change", refilter);

  // ---- locus ----
  let chosen = null, model = null;
  const found = (name) => {
    for (const document_ of Bokeh.documents) {
      const one = document_.get_model_by_name(name);
      if (one) return one;
    }
    return null;
  };
  const say = (text, wrong) => {
    byId("said").textContent = text;
    byId("said").className = wrong ? "wrong" : "";
  };
  const ofPromoters = (which) => {
    let [start, end] = [Infinity, -Infinity];
    for (const p of which) [start, end] = [Math.min(start, promoters.start[p]), Math.max(end, promoters.end[p])];
    for (let at = 0; at < n; at++) {
      if (!which.has(pairs.promoter[at])) continue;
      start = Math.min(start, enhancers.start[pairs.enhancer[at]]);
      end = Math.max(end, enhancers.end[pairs.enhancer[at]]);
    }
    const margin = Math.max(Math.round(MARGIN * (end - start)), 500);
    return { start: start - margin, end: end + margin };
  };
  const choose = (text) => {
    const where = region(text), asked = text.trim().toLowerCase();
    if (where) {
      if (!(where.chrom in data.sizes)) {
        return say(`There is no chromosome ${where.chrom} in this prediction. It has ${Object.keys(data.sizes).join(", ")}.`, true);
      }
      chosen = { ...where, promoters: new Set(), title: "" };
      return draw();
    }
    const exact = [], part = [];
    if (asked && asked !== ".") {
      lower.forEach((name, at) => { if (name === asked) exact.push(at); else if (name.includes(asked)) part.push(at); });
    }
    const hits = exact.length ? exact : part;
    if (!hits.length) return say(asked ? `No promoter of the page is called ${text.trim()}.` : "Write the name of a gene, or a region.", true);
    // Promoters of one name on several chromosomes: the first chromosome is shown.
    const chrom = promoters.chrom[hits[0]], name = promoters.name[hits[0]];
    const which = new Set(hits.filter((at) => promoters.chrom[at] === chrom && promoters.name[at] === name));
    chosen = { chrom, ...ofPromoters(which), promoters: which, title: name };
    draw();
  };
  const showPair = (at, jump) => {
    const p = pairs.promoter[at], which = new Set([p]);
    chosen = { chrom: promoters.chrom[p], ...ofPromoters(which), promoters: which, title: called(promoters, p) };
    byId("place").value = chosen.title;
    draw();
    if (jump) byId("locus").scrollIntoView();
  };
  const arcOf = (left, right, height) => {
    const [xs, ys] = [[], []];
    for (let step = 0; step <= POINTS; step++) {
      const share = step / POINTS;
      xs.push(left + share * (right - left));
      ys.push(4 * height * share * (1 - share));
    }
    return [xs, ys];
  };
  // ---- tracks ----
  const KINDS = [["active_enhancers", "peak of active enhancers"], ["active_promoters", "peak of active promoters"], ["insulators", "insulator"]];
  const LOWEST = -0.42, ROW = 0.24, TALLEST = 0.15, WIDER = 1;
  const unpacked = new Map();
  // Starts are stored as differences, and added up when a chromosome is first looked at.
  const peaksOf = (kind, chrom) => {
    const packed = ((data.tracks || {})[kind] || {})[chrom];
    if (!packed) return null;
    const key = `${kind}\n${chrom}`;
    if (!unpacked.has(key)) {
      let at = 0;
      unpacked.set(key, { ...packed, start: packed.start.map((step) => (at += step)) });
    }
    return unpacked.get(key);
  };
  const drawTracks = () => {
    if (!data.tracks || !model.peaks) return;
    const boxes = { left: [], right: [], top: [], bottom: [], colour: [], alpha: [], what: [], place: [], strength: [] };
    const arrows = { x: [], y: [], angle: [], marker: [], colour: [], alpha: [], what: [], place: [], strength: [] };
    const room = WIDER * (chosen.end - chosen.start);
    KINDS.forEach(([kind, what], row) => {
      const peaks = peaksOf(kind, chosen.chrom);
      if (!peaks) return;
      const floor = LOWEST - ROW * (row + 1) + 0.02;
      const pale = data.expected.includes(kind) ? 0.45 : 1;
      peaks.start.forEach((start, at) => {
        const end = start + peaks.length[at];
        if (end < chosen.start - room || start > chosen.end + room) return;
        const share = peaks.height[at] / 100;
        const to = kind === "insulators" ? arrows : boxes;
        const strand = peaks.strand ? peaks.strand[at] : ".";
        if (kind === "insulators") {
          arrows.x.push((start + end) / 2);
          arrows.y.push(floor + 0.02 + TALLEST * share);
          arrows.angle.push(strand === "+" ? -Math.PI / 2 : strand === "-" ? Math.PI / 2 : 0);
          arrows.marker.push(strand === "." ? "diamond" : "triangle");
        } else {
          boxes.left.push(start);
          boxes.right.push(end);
          boxes.bottom.push(floor);
          boxes.top.push(floor + 0.01 + TALLEST * share);
        }
        to.colour.push(COLOURS[kind]);
        to.alpha.push(pale * (0.4 + 0.6 * share));
        to.what.push(strand === "." || kind !== "insulators" ? what : `${what}, ${strand} strand`);
        to.place.push(`${chosen.chrom}:${whole(start)}-${whole(end)}`);
        to.strength.push(String(peaks.height[at]));
      });
    });
    model.peaks.data = boxes;
    model.arrows.data = arrows;
  };

  const draw = () => {
    if (!chosen || !model) return;
    const only = byId("only").checked;
    let within = [];
    for (let at = 0; at < n; at++) {
      if (only && !pairs.contact[at]) continue;
      if (inside(promoters, pairs.promoter[at], chosen) && inside(enhancers, pairs.enhancer[at], chosen)) within.push(at);
    }
    const all = within.length;
    const weight = (at) => (chosen.promoters.has(pairs.promoter[at]) ? 1 : 0);
    // The pairs of the page stand from the highest score down.
    within.sort((a, b) => weight(b) - weight(a) || a - b);
    within = within.slice(0, MOST_ARCS).reverse();
    const middle = (table, at) => (table.start[at] + table.end[at]) / 2;
    const arcs = { xs: [], ys: [], colour: [], width: [], alpha: [], gene: [], enhancer: [], probability: [], rank: [], distance: [] };
    const longest = Math.max(1, ...within.map((at) => pairs.distance[at]));
    for (const at of within) {
      const [e, p] = [pairs.enhancer[at], pairs.promoter[at]], own = weight(at) || !chosen.promoters.size;
      const [xs, ys] = arcOf(middle(enhancers, e), middle(promoters, p), 0.15 + 0.85 * pairs.distance[at] / longest);
      arcs.xs.push(xs);
      arcs.ys.push(ys);
      arcs.colour.push(own ? COLOURS.chosen : COLOURS.other);
      arcs.width.push(0.8 + 3.2 * pairs.probability[at]);
      arcs.alpha.push(own ? 0.25 + 0.7 * pairs.probability[at] : 0.12 + 0.3 * pairs.probability[at]);
      arcs.gene.push(called(promoters, p));
      arcs.enhancer.push(called(enhancers, e));
      arcs.probability.push(pairs.probability[at].toFixed(3));
      arcs.rank.push(String(pairs.rank[at]));
      arcs.distance.push(`${whole(pairs.distance[at])} bp`);
    }
    model.arcs.data = arcs;
    const boxes = { left: [], right: [], top: [], bottom: [], colour: [], what: [], name: [], place: [] };
    const labels = { x: [], y: [], text: [] };
    // Labels are as wide as their letters, whatever the width of the window.
    const unit = (chosen.end - chosen.start) / Math.max(byId("arc_plot").clientWidth - 60, 200);
    const halfOf = (text) => (LETTER * text.length / 2 + 4) * unit;
    for (const [what, table, top, bottom] of [["enhancer", enhancers, -0.02, -0.07], ["promoter", promoters, -0.09, -0.14]]) {
      table.start.forEach((_, at) => {
        if (!inside(table, at, chosen)) return;
        boxes.left.push(table.start[at]);
        boxes.right.push(table.end[at]);
        boxes.top.push(top);
        boxes.bottom.push(bottom);
        boxes.colour.push(COLOURS[what]);
        boxes.what.push(what);
        boxes.name.push(table.name[at] === "." ? "no name" : table.name[at]);
        boxes.place.push(place(table, at));
      });
    }
    const named = promoters.start.map((_, at) => at)
      .filter((at) => promoters.name[at] !== "." && inside(promoters, at, chosen))
      .sort((a, b) => chosen.promoters.has(b) - chosen.promoters.has(a) || promoters.start[a] - promoters.start[b]);
    const taken = [[], [], []];
    for (const at of named) {
      const x = middle(promoters, at), text = promoters.name[at].slice(0, LONGEST), half = halfOf(text);
      const free = (others) => others.every(([other, room]) => Math.abs(other - x) > half + room);
      const lane = taken.findIndex(free);
      if (lane < 0) continue;
      taken[lane].push([x, half]);
      labels.x.push(x);
      labels.y.push(-0.17 - 0.08 * lane);
      labels.text.push(text);
    }
    drawTracks();
    model.elements.data = boxes;
    model.labels.data = labels;
    model.range.setv({ start: chosen.start, end: chosen.end, reset_start: chosen.start, reset_end: chosen.end });
    const where = `${chosen.chrom}:${whole(Math.max(chosen.start, 0))}-${whole(chosen.end)}`;
    const cut = all > MOST_ARCS ? `, of which the ${whole(MOST_ARCS)} best are drawn` : "";
    say(`${chosen.title ? chosen.title + ", " : ""}${where}: ${whole(all)} pairs of the page${cut}.`, false);
    const link = browserLink(chosen.chrom, chosen.start, chosen.end);
    byId("browser").hidden = !link;
    if (link) byId("browser").href = link;
  };
  byId("choose").addEventListener("submit", (event) => { event.preventDefault(); choose(byId("place").value); });
  byId("only").addEventListener("change", draw);
  const genes = [...new Set(promoters.name.filter((name) => name !== "."))].sort();
  byId("place").addEventListener("input", () => {
    const asked = byId("place").value.trim().toLowerCase();
    const near = genes.filter((name) => name.toLowerCase().startsWith(asked)).slice(0, GENES_LISTED);
    byId("genes").replaceChildren(...near.map((name) => Object.assign(element("option"), { value: name })));
  });

  refilter();
  Promise.all([Bokeh.embed.embed_item(plots.scores, "score_plot"), Bokeh.embed.embed_item(plots.arcs, "arc_plot")]).then(() => {
    model = { arcs: found("arcs"), elements: found("elements"), labels: found("labels"), range: found("region"),
      peaks: found("peaks"), arrows: found("arrows") };
    if (n) showPair(0, false);
    else say("There is no pair to show.", true);
    document.body.dataset.ready = "yes";
  });
})();
