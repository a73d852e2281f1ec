// A table that is sorted by its heads and shown in pieces.
// columns: { head, of: text or node of a row, key: what it is sorted by, up: rising first, kind: class of a row's cell,
// number, unsorted, minor: left out where there is little room }
const makeTable = (id, columns, { size, column, up = false, lead = () => 0, open = null, marked = () => false }) => {
  const table = byId(id), [before, after, page] = ["before", "after", "page"].map((part) => byId(`${id}_${part}`));
  const order = { column, up };
  let listed = [], from = 0;

  const classOf = ({ number, minor }) => `${number ? "number" : ""} ${minor ? "minor" : ""}`.trim();
  const row = (at) => {
    const made = element("tr", undefined, marked(at) ? "chosen" : "");
    for (const { of, kind, ...what } of columns) {
      const cell = element("td", undefined, `${classOf(what)} ${kind ? kind(at) : ""}`.trim());
      const content = of(at);
      cell.append(...(Array.isArray(content) ? content : [content]));
      if (typeof content === "string") cell.title = content;
      made.append(cell);
    }
    if (open) made.addEventListener("click", () => open(at));
    return made;
  };
  const draw = () => {
    const shown = listed.slice(from, from + size);
    table.tBodies[0].replaceChildren(...shown.map(row));
    page.textContent = listed.length ? `${whole(from + 1)} to ${whole(from + shown.length)} of ${whole(listed.length)}` : "";
    table.hidden = !listed.length;
    page.parentNode.hidden = listed.length <= size;
    before.disabled = from === 0;
    after.disabled = from + size >= listed.length;
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      head.ariaSort = at === order.column ? (order.up ? "ascending" : "descending") : null;
      head.firstChild.textContent = columns[at].head + (at === order.column ? (order.up ? " ▲" : " ▼") : "");
    });
  };
  const sort = () => {
    const { key, of } = columns[order.column], keyOf = key || of, sign = order.up ? 1 : -1;
    const keys = new Map(listed.map((at) => [at, [lead(at), keyOf(at)]]));
    listed.sort((a, b) => {
      const [[first, x], [second, y]] = [keys.get(a), keys.get(b)];
      if (first !== second) return first - second;
      // What has no number stands last, whichever way the others go.
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      return x < y ? -sign : x > y ? sign : a - b;
    });
    from = 0;
    draw();
  };
  columns.forEach(({ head, up: rising, unsorted, ...what }, at) => {
    const cell = element("th", undefined, classOf(what)), inner = unsorted ? element("span", head) : button(head);
    if (!unsorted) {
      inner.addEventListener("click", () => {
        Object.assign(order, { column: at, up: order.column === at ? !order.up : Boolean(rising) });
        sort();
      });
    }
    cell.append(inner);
    table.tHead.rows[0].append(cell);
  });
  before.addEventListener("click", () => { from = Math.max(from - size, 0); draw(); });
  after.addEventListener("click", () => { from += size; draw(); });
  return { show: (rows) => { listed = rows; sort(); }, first: () => listed[0], draw };
};
// Run when a user has stopped writing.
const whenWritten = (id, run) => {
  let waiting;
  byId(id).addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(run, 120); });
};
