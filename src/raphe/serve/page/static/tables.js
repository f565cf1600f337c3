/** Tables: of an opened recording, and of all results, which is sorted by any column. */

import { button, element } from "./dom.js";

const NUMBER = /^([<>]?)([−+-]?\d[\d.,]*(?:e[+-]?\d+)?)(?=[\s%–]|$)/i;
const BEYOND = { "<": -1, "": 0, ">": 1 };

/**
 * What a text such as "12 ms", "−3.5", ">0.99" or "0.1 to 0.3" is sorted by: its number, whether it
 * lies beyond that, and the same of the end of a range. Null of "2026_11_28.abf".
 */
function orderOf(text) {
  const [all, sign, digits] = NUMBER.exec(text) ?? [];
  if (!digits) return null;
  const value = Number.parseFloat(digits.replace("−", "-").replaceAll(",", ""));
  const [, end] = /^\s*(?:to|–)\s*(.+)$/.exec(text.slice(all.length)) ?? [];
  return [value, BEYOND[sign], ...(end ? orderOf(end) ?? [] : [value, BEYOND[sign]])];
}

function compare(one, other) {
  const [first, second] = [orderOf(one), orderOf(other)];
  const differs = first?.findIndex((value, place) => value !== (second?.[place] ?? value)) ?? -1;
  if (first && second && differs >= 0) return first[differs] - second[differs];
  return String(one).localeCompare(String(other), undefined, { numeric: true });
}

/** Which columns hold numbers alone, and so stand to the right. */
function numeric(rows, n_columns) {
  return Array.from({ length: n_columns }, (_, column) => {
    const texts = rows.map((row) => row[column]).filter((text) => text !== "" && text !== undefined);
    return texts.length > 0 && texts.every((text) => orderOf(text) !== null);
  });
}

function scrolled(table, label) {
  return element("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": label }, table);
}

/** A Table of a view; a row outside training's range has a sign and a word beside its colour. */
export function tableOf({ title, columns, rows, outside, caption }) {
  const right = numeric(rows, columns.length);
  const side = (column) => (right[column] ? "number" : null);
  const head = columns.map((name, place) => element("th", { scope: "col", class: side(place) }, name));
  const body = rows.map((row, number) => {
    const is_outside = outside.includes(number);
    const cells = row.map((text, place) => {
      const sign = is_outside && place === 0 ? [outsideSign()] : [];
      const tag = place === 0 ? "th" : "td";
      return element(tag, { class: side(place), scope: place === 0 ? "row" : null }, ...sign, text);
    });
    return element("tr", { class: is_outside ? "outside" : null }, ...cells);
  });
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...body));
  const words = outside.length ? `${caption} ▲ outside training's range.`.trim() : caption;
  return element("section", { class: "table" }, element("h3", {}, title), scrolled(table, title),
    ...(words ? [element("p", { class: "caption" }, words)] : []));
}

function outsideSign() {
  return element("span", { class: "outside-sign" }, element("span", { "aria-hidden": "true" }, "▲ "),
    element("span", { class: "heard" }, "outside training's range: "));
}

/** A table that a press on a column's name sorts; `rows` of {texts, open}, by column, or of
 * {texts: [name], instead, open}, whose other columns have one sentence instead. */
export class SortableTable {
  constructor(place, label) {
    this.place = place;
    this.label = label;
    this.by = null;
    this.down = false;
    this.drawn = "";
  }

  /** Draw what differs from before: what is the same keeps its place and the focus. */
  render(columns, rows) {
    const drawn = JSON.stringify([columns, rows.map((row) => [row.texts, row.instead])]);
    this.columns = columns;
    this.rows = rows;
    if (drawn !== this.drawn) this.draw();
    this.drawn = drawn;
  }

  /** Something else in the table's place, until it is rendered again. */
  showInstead(node) {
    this.drawn = "";
    this.place.replaceChildren(node);
  }

  draw() {
    const { columns, rows } = this;
    const at = columns.indexOf(this.by);
    const sorted = [...rows];
    if (at >= 0) {
      const empty = (row) => (row.texts[at] ?? "") === "";
      sorted.sort((one, other) => {
        if (empty(one) !== empty(other)) return empty(one) ? 1 : -1; // what is missing comes last
        return compare(one.texts[at], other.texts[at]) * (this.down ? -1 : 1);
      });
    }
    const right = numeric(rows.map((row) => row.texts), columns.length);
    const head = columns.map((name, place) => this.heading(name, right[place]));
    const body = sorted.map((row) => element("tr", {}, ...row.texts.map((text, place) => (
      element(place ? "td" : "th", {
        class: right[place] ? "number" : null, scope: place ? null : "row", title: text,
      }, place ? text : button(text, row.open, { class: "plain" })))),
    ...(row.instead ? [element("td", { class: "instead", colspan: columns.length - 1 }, row.instead)]
      : [])));
    const table = element("table", { class: "sortable" },
      element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
    this.place.replaceChildren(scrolled(table, this.label));
  }

  heading(name, right) {
    const mine = name === this.by;
    const sort = mine ? (this.down ? "descending" : "ascending") : null;
    const sign = element("span", { "aria-hidden": "true", class: "sort" },
      mine ? (this.down ? "▼" : "▲") : "↕");
    const press = () => this.sortBy(name);
    return element("th", { scope: "col", "aria-sort": sort, class: right ? "number" : null },
      button([name, sign], press, { class: "plain" }));
  }

  sortBy(name) {
    this.down = this.by === name && !this.down;
    this.by = name;
    this.draw();
    const place = this.columns.indexOf(name);
    this.place.querySelectorAll("thead button")[place].focus();
  }
}
