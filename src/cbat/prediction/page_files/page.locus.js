// The plot of a locus: arcs of pairs, elements, and tracks.
const MOST_ARCS = 400, POINTS = 40, LETTER = 6.3, LONGEST = 24, AROUND = 25000, CLOSE = 2000;
const COLOURS = { enhancer: "#e0a030", promoter: "#7a3b8f", chosen: "#1b6ca8", other: "#9aa7b0",
  active_enhancers: "#b97a12", active_promoters: "#7a3b8f", insulators: "#2f7d4f" };
const KINDS = [["active_enhancers", "peak of active enhancers"], ["active_promoters", "peak of active promoters"], ["insulators", "insulator"]];
const LOWEST = -0.42, ROW = 0.24, TALLEST = 0.15, WIDER = 1;
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
const best = () => Number(byId("top").value);
const isDrawn = (at) => pairs.rank[at] <= best() && (byId("uncalled").checked || pairs.called[at]);
const middle = (table, at) => (table.start[at] + table.end[at]) / 2;

const widened = (start, end, least) => {
  const margin = Math.max(Math.round(MARGIN * (end - start)), least);
  return { start: start - margin, end: end + margin };
};
// Where to look: at the promoters of a gene and the enhancers whose arcs are drawn; without these around the promoters.
const aroundPromoters = (which) => {
  let [start, end] = [Infinity, -Infinity];
  const reach = (table, at) => [start, end] = [Math.min(start, table.start[at]), Math.max(end, table.end[at])];
  for (const p of which) {
    reach(promoters, p);
    pairsOf[p].filter(isDrawn).forEach((at) => reach(enhancers, pairs.enhancer[at]));
  }
  const any = [...which].some((p) => pairsOf[p].some(isDrawn));
  return widened(start, end, any ? CLOSE : AROUND);
};
const showRegion = (where, title = "") => {
  chosen = { ...where, promoters: new Set(), title };
  draw();
};
const showPromoters = (which, title) => {
  chosen = { chrom: promoters.chrom[which[0]], promoters: new Set(which), title };
  draw();
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
const drawArcs = (within) => {
  const arcs = { xs: [], ys: [], colour: [], width: [], alpha: [], gene: [], enhancer: [], probability: [], rank: [], distance: [] };
  const longest = within.reduce((most, at) => Math.max(most, pairs.distance[at]), 1);
  for (const at of within) {
    const [e, p] = [pairs.enhancer[at], pairs.promoter[at]], own = chosen.promoters.has(p) || !chosen.promoters.size;
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
};
const drawElements = () => {
  const boxes = { left: [], right: [], top: [], bottom: [], colour: [], what: [], name: [], place: [] };
  for (const [what, table, top, bottom] of [["enhancer", enhancers, -0.02, -0.07], ["promoter", promoters, -0.09, -0.14]]) {
    table.start.forEach((_, at) => {
      if (!inside(table, at, chosen)) return;
      boxes.left.push(table.start[at]);
      boxes.right.push(table.end[at]);
      boxes.top.push(top);
      boxes.bottom.push(bottom);
      boxes.colour.push(COLOURS[what === "promoter" && chosen.promoters.has(at) ? "chosen" : what]);
      boxes.what.push(what);
      boxes.name.push(table.name[at] === "." ? "no name" : table.name[at]);
      boxes.place.push(place(table, at));
    });
  }
  model.elements.data = boxes;
};
const drawLabels = () => {
  const labels = { x: [], y: [], text: [] };
  // Labels are as wide as their letters, whatever the width of the window.
  const unit = (chosen.end - chosen.start) / Math.max(byId("arc_plot").clientWidth - 60, 200);
  const halfOf = (text) => (LETTER * text.length / 2 + 4) * unit;
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
  model.labels.data = labels;
};

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
  if (chosen.promoters.size) Object.assign(chosen, aroundPromoters(chosen.promoters));
  const own = (at) => chosen.promoters.has(pairs.promoter[at]);
  let within = [];
  for (let at = 0; at < n; at++) {
    if (isDrawn(at) && inside(promoters, pairs.promoter[at], chosen) && inside(enhancers, pairs.enhancer[at], chosen)) within.push(at);
  }
  const all = within.length;
  // The pairs of the page stand from the highest score down.
  within.sort((a, b) => own(b) - own(a) || a - b);
  within = within.slice(0, MOST_ARCS).reverse();
  drawArcs(within);
  drawElements();
  drawLabels();
  drawTracks();
  model.range.setv({ start: chosen.start, end: chosen.end, reset_start: chosen.start, reset_end: chosen.end });
  sayDrawn(all, within.filter(own).length);
  const link = browserLink(chosen.chrom, chosen.start, chosen.end);
  byId("browser").hidden = !link;
  if (link) byId("browser").href = link;
};
const sayDrawn = (all, own) => {
  const where = interval(chosen.chrom, Math.max(chosen.start, 0), chosen.end);
  const what = byId("uncalled").checked ? "pairs" : words.called;
  const cut = all > MOST_ARCS ? `, of which the ${whole(MOST_ARCS)} best are drawn` : "";
  const others = all > own ? `, ${whole(all - own)} of other promoters in between` : "";
  const of = chosen.promoters.size ? `${whole(own)} of ${chosen.title}${others}` : whole(all);
  const none = chosen.promoters.size && !own && !byId("uncalled").checked
    ? " Ask for pairs that are not called too to see its best ones." : "";
  say(`${chosen.title ? `${chosen.title}, ` : ""}${where}. ${what[0].toUpperCase()}${what.slice(1)}: ${of}${cut}.${none}`, false);
};
