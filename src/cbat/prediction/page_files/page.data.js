// What the page holds, and how it is written. Names come from users' files, so they only ever become text.
const parsed = (id) => JSON.parse(document.getElementById(id).textContent);
const data = parsed("data"), plots = parsed("plots");
const { pairs, enhancers, promoters, genes, words } = data;
const n = (pairs.score || []).length, nGenes = genes.name.length;
const MARGIN = 0.08, NONE = "–", ALL = "all are in predictions.bedpe.gz";
for (const table of [enhancers, promoters, genes]) table.chrom = table.chrom.map((at) => data.chroms[at]);
genes.end = genes.start.map((start, at) => start + genes.length[at]);

const byId = (id) => document.getElementById(id);
const element = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const button = (text, label) => {
  const made = element("button", text);
  made.type = "button";
  if (label) made.setAttribute("aria-label", label);
  return made;
};
const whole = (value) => (value === null ? NONE : value.toLocaleString("en"));
const counted = (count, thing) => `${whole(count)} ${thing}${count === 1 ? "" : "s"}`;
const decimals = (value, digits) => (value === null || value === undefined ? NONE : value.toFixed(digits));
const interval = (chrom, start, end) => `${chrom}:${whole(start)}-${whole(end)}`;
const place = (table, at) => interval(table.chrom[at], table.start[at], table.end[at]);
const order = (table, at) => data.chroms.indexOf(table.chrom[at]) * 1e10 + table.start[at];
const called = (table, at) => (table.name[at] === "." ? place(table, at) : table.name[at].replace(/,/g, ", "));
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
const linkOf = (at) => {
  const [e, p] = [pairs.enhancer[at], pairs.promoter[at]];
  const start = Math.min(enhancers.start[e], promoters.start[p]);
  const end = Math.max(enhancers.end[e], promoters.end[p]);
  const margin = Math.round(MARGIN * (end - start)), href = browserLink(promoters.chrom[p], start - margin, end + margin);
  if (!href) return "";
  const anchor = Object.assign(element("a", "UCSC"), { href, target: "_blank", rel: "noopener noreferrer" });
  anchor.addEventListener("click", (event) => event.stopPropagation());
  return anchor;
};

// ---- genes and their promoters: a promoter may have several names, and a gene several promoters ----
const lowerPromoter = promoters.name.map((name) => name.toLowerCase());
const lowerEnhancer = enhancers.name.map((name) => name.toLowerCase());
const known = { name: [], chrom: [], promoters: [] }, places = new Map();
const gene = (chrom, name, start, end) => {
  const key = name === "." ? `${chrom}:${start}-${end}` : `${chrom}\n${name}`;
  if (!places.has(key)) {
    places.set(key, known.name.length);
    // As in genes.tsv, which calls a gene without a name by the centre of its promoter.
    known.name.push(name === "." ? `${chrom}:${Math.floor((start + end) / 2)}` : name);
    known.chrom.push(chrom);
    known.promoters.push([]);
  }
  return places.get(key);
};
// Genes of the table come first, so that their places are its rows.
genes.name.forEach((name, at) => gene(genes.chrom[at], name, genes.start[at], genes.end[at]));
const genesOf = promoters.name.map((names, p) =>
  names.split(",").map((name) => gene(promoters.chrom[p], name, promoters.start[p], promoters.end[p])));
genesOf.forEach((all, p) => all.forEach((at) => known.promoters[at].push(p)));
const lowerGene = known.name.map((name) => name.toLowerCase());
const pairsOf = promoters.name.map(() => []);
for (let at = 0; at < n; at++) pairsOf[pairs.promoter[at]].push(at);
