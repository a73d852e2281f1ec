// Genes first; a gene shows its enhancers and its locus; below, all pairs of the page.
const GENES = 10, ENHANCERS = 8, PAIRS = 20, NAMES = 30;
let opened = -1;

// ---- one gene ----
const OF_PAIR = [
  { head: "probability", of: (at) => decimals(pairs.probability[at], 3), key: (at) => pairs.probability[at], number: true },
  { head: words.column, of: (at) => (pairs.called[at] ? "yes" : "no"), key: (at) => pairs.called[at],
    kind: (at) => (pairs.called[at] ? "yes" : "") },
  { head: "score", of: (at) => decimals(pairs.score[at], 2), key: (at) => pairs.score[at], number: true },
  { head: "U_I", of: (at) => decimals(pairs.potential[at], 2), key: (at) => pairs.potential[at], number: true },
  { head: "R_E", of: (at) => decimals(pairs.resistance[at], 2), key: (at) => pairs.resistance[at], up: true, number: true },
  ...(pairs.abc ? [{ head: "ABC", of: (at) => decimals(pairs.abc[at], 4), key: (at) => pairs.abc[at], number: true }] : []),
];
const RANK = { head: "rank", of: (at) => whole(pairs.rank[at]), key: (at) => pairs.rank[at], up: true, number: true };
const ENHANCER = { head: "enhancer", of: (at) => place(enhancers, pairs.enhancer[at]), key: (at) => order(enhancers, pairs.enhancer[at]), up: true };
const ITS_NAME = { head: "name", of: (at) => enhancers.name[pairs.enhancer[at]], up: true };
const DISTANCE = { head: "distance", of: (at) => whole(pairs.distance[at]), key: (at) => pairs.distance[at], up: true, number: true };
const ITS_PLACE = { head: "promoter", of: (at) => place(promoters, pairs.promoter[at]), key: (at) => order(promoters, pairs.promoter[at]), up: true };
const IN_BROWSER = { head: "see", of: linkOf, unsorted: true };
const named = enhancers.name.some((name) => name !== ".") ? [ITS_NAME] : [];
const linked = data.browser ? [IN_BROWSER] : [];
const OF_GENE = [RANK, ENHANCER, ...named, DISTANCE, ...OF_PAIR, ...linked, ITS_PLACE];
const byScore = (columns) => columns.findIndex(({ head }) => head === "score");
const enhancerTable = makeTable("of_gene", OF_GENE, { size: ENHANCERS, column: byScore(OF_GENE) });
const bestPlace = (at) =>
  (genes.best_start[at] === null ? NONE : interval(genes.chrom[at], genes.best_start[at], genes.best_start[at] + genes.best_length[at]));
// From a gene to its best enhancer, both as the table has them.
const spanOfRow = (at) => {
  const best = genes.best_start[at] === null ? genes.start[at] : genes.best_start[at];
  return [Math.min(genes.start[at], best), Math.max(genes.end[at], best + (genes.best_length[at] || 0))];
};
const sayGene = (at, held) => {
  const said = [], all = at < nGenes ? genes.pairs[at] : Infinity;
  if (at < nGenes) said.push(`${counted(genes.called[at], "called enhancer")} of ${counted(all, "scored pair")}.`);
  if (held && held < all) said.push(`The page holds the best ${whole(held)}; ${ALL}.`);
  if (!held && all) {
    said.push(`The best is ${bestPlace(at)}, ${whole(genes.distance[at])} bp away, of probability ${decimals(genes.probability[at], 3)}.`,
      `The page holds none of these pairs; ${ALL}.`);
  }
  byId("gene_said").textContent = said.join(" ");
};
const openGene = (at, jump) => {
  opened = at;
  const which = known.promoters[at], held = which.flatMap((p) => pairsOf[p]);
  byId("gene_name").textContent = known.name[at];
  byId("place").value = known.name[at];
  sayGene(at, held.length);
  enhancerTable.show(held);
  geneTable.draw();
  if (which.length) showPromoters(which, known.name[at]);
  else showRegion({ chrom: genes.chrom[at], ...widened(...spanOfRow(at), AROUND) }, known.name[at]);
  if (jump) byId("gene").scrollIntoView();
};

// ---- all genes ----
const nameButton = (at) => button(known.name[at], `show the enhancers of ${known.name[at]}`);
const asked = () => byId("search").value.trim().toLowerCase();
const OF_GENES = [
  { head: "gene", of: nameButton, key: (at) => lowerGene[at], up: true },
  { head: "chromosome", of: (at) => genes.chrom[at], key: (at) => order(genes, at), up: true, minor: true },
  { head: "called enhancers", of: (at) => whole(genes.called[at]), key: (at) => genes.called[at], number: true },
  { head: "best enhancer", of: bestPlace, key: (at) => (genes.best_start[at] === null ? null : order({ chrom: genes.chrom, start: genes.best_start }, at)), up: true },
  { head: "distance", of: (at) => whole(genes.distance[at]), key: (at) => genes.distance[at], up: true, number: true },
  { head: "score", of: (at) => decimals(genes.score[at], 2), key: (at) => genes.score[at], number: true, minor: true },
  { head: "probability", of: (at) => decimals(genes.probability[at], 3), key: (at) => genes.probability[at], number: true },
  { head: "share", of: (at) => (genes.share[at] === null ? NONE : `${(100 * genes.share[at]).toFixed(0)}%`), key: (at) => genes.share[at], number: true },
  { head: "candidates", of: (at) => whole(genes.pairs[at]), key: (at) => genes.pairs[at], number: true },
];
const geneTable = makeTable("genes_list", OF_GENES, {
  size: GENES, column: byScore(OF_GENES), open: (at) => openGene(at, true), marked: (at) => at === opened,
  // Who writes a whole name wants that gene before those that hold its letters.
  lead: (at) => (asked() && lowerGene[at] === asked() ? 0 : 1),
});
const findGenes = () => {
  const text = asked(), where = region(byId("search").value), only = byId("with_called").checked;
  const rows = [];
  for (let at = 0; at < nGenes; at++) {
    if (only && !genes.called[at]) continue;
    if (where ? inside(genes, at, where) : lowerGene[at].includes(text)) rows.push(at);
  }
  byId("genes_count").textContent = rows.length ? counted(rows.length, "gene") : "no gene of the page fits";
  geneTable.show(rows);
};
byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  findGenes();
  if (geneTable.first() !== undefined) openGene(geneTable.first(), true);
});
whenWritten("search", findGenes);
byId("with_called").addEventListener("change", findGenes);

// ---- locus ----
const choose = (text) => {
  const where = region(text), name = text.trim().toLowerCase();
  if (where && !data.chroms.includes(where.chrom)) {
    return say(`There is no chromosome ${where.chrom} in this prediction. It has ${data.chroms.join(", ")}.`, true);
  }
  if (where) return showRegion(where);
  if (!name) return say("Write the name of a gene, or a region.", true);
  const exact = lowerGene.indexOf(name), at = exact < 0 ? lowerGene.findIndex((one) => one.includes(name)) : exact;
  return at < 0 ? say(`No gene of the page is called ${text.trim()}.`, true) : openGene(at, false);
};
byId("choose").addEventListener("submit", (event) => { event.preventDefault(); choose(byId("place").value); });
for (const id of ["top", "uncalled"]) byId(id).addEventListener("change", draw);
const names = [...new Set(known.name)].sort();
byId("place").addEventListener("input", () => {
  const text = byId("place").value.trim().toLowerCase();
  const near = names.filter((name) => name.toLowerCase().startsWith(text)).slice(0, NAMES);
  byId("names").replaceChildren(...near.map((name) => Object.assign(element("option"), { value: name })));
});

// ---- all pairs ----
const openPair = (at) => openGene(genesOf[pairs.promoter[at]][0], true);
const OF_ALL = [
  { head: "gene", of: (at) => button(called(promoters, pairs.promoter[at])), key: (at) => called(promoters, pairs.promoter[at]), up: true },
  ENHANCER, ...named, DISTANCE, RANK, ...OF_PAIR, ...linked, ITS_PLACE,
];
const pairTable = makeTable("pairs_list", OF_ALL, { size: PAIRS, column: byScore(OF_ALL), open: openPair });
const findPairs = () => {
  const text = byId("pairs_search").value, where = region(text), part = text.trim().toLowerCase();
  const [only, first] = [byId("called_only").checked, byId("first").checked];
  const rows = [];
  for (let at = 0; at < n; at++) {
    if ((only && !pairs.called[at]) || (first && pairs.rank[at] !== 1)) continue;
    const [e, p] = [pairs.enhancer[at], pairs.promoter[at]];
    if (where ? inside(promoters, p, where) || inside(enhancers, e, where)
      : lowerPromoter[p].includes(part) || lowerEnhancer[e].includes(part)) rows.push(at);
  }
  byId("count").textContent = rows.length ? counted(rows.length, "pair") : "no pair of the page fits";
  pairTable.show(rows);
};
byId("filter").addEventListener("submit", (event) => event.preventDefault());
whenWritten("pairs_search", findPairs);
for (const id of ["called_only", "first"]) byId(id).addEventListener("change", findPairs);

findGenes();
findPairs();
Promise.all([Bokeh.embed.embed_item(plots.scores, "score_plot"), Bokeh.embed.embed_item(plots.arcs, "arc_plot")]).then(() => {
  model = { arcs: found("arcs"), elements: found("elements"), labels: found("labels"), range: found("region"),
    peaks: found("peaks"), arrows: found("arrows") };
  if (nGenes) openGene(geneTable.first(), false);
  else say("There is no gene to show.", true);
  document.body.dataset.ready = "yes";
});
