/** All results of this page in one table, whose CSV can be taken. */

import { csvText, neutral, parseCsv } from "./csv.js";
import { button, download, element, say } from "./dom.js";
import { address, askFile } from "./server.js";
import { SortableTable } from "./tables.js";

export class AllResults {
  constructor(session, open) {
    this.session = session;
    this.open = open;
    this.place = document.getElementById("cells");
    this.csv = document.getElementById("cells-csv");
    this.count = document.getElementById("n-cells");
    this.on_screen = false;
    this.judged = new Map(); // by entry: what became of "judge the others"
    this.more = element("div", { class: "more-results" });
    const rows = element("div");
    this.place.append(rows, this.more);
    this.table = new SortableTable(rows, "All results");
    this.csv.addEventListener("click", () => this.takeCsv());
    for (const event of ["entry", "list"]) session.addEventListener(event, () => this.changed());
  }

  get entries() {
    return this.session.entries.filter((entry) => (
      (entry.view && !entry.view.need) || (entry.summary?.row && Object.keys(entry.summary.row).length)));
  }

  /** What could not be read, and so has no results; they are no less of what was given. */
  get unread() {
    return this.session.entries.filter((entry) => (
      !entry.view && (entry.state === "refused" || entry.summary?.state === "not read")));
  }

  show(on_screen) {
    this.on_screen = on_screen;
    this.changed();
  }

  changed() {
    const { length } = this.entries;
    this.count.textContent = String(length);
    this.count.hidden = length === 0;
    if (this.on_screen) this.draw();
  }

  draw() {
    const { entries, unread } = this;
    this.csv.hidden = entries.length + unread.length === 0;
    this.drawMore(entries);
    if (!entries.length && !unread.length) {
      this.table.showInstead(element("p", { class: "empty" },
        "There are no results yet: drop recordings in the first part of this page."));
      return;
    }
    const found = entries.flatMap((entry) => (
      this.session.rows(entry).map((one) => ({ entry, ...one }))));
    const columns = columnsOf(found.map(({ row }) => row));
    const first = columns.some((name) => name === "file" || name === "cell") ? [] : ["file"];
    const rows = found.map(({ entry, item, row }) => ({
      texts: [...first.map(() => entry.name), ...columns.map((name) => row[name] ?? "")],
      open: () => this.open(entry, item),
    }));
    const missing = unread.map((entry) => ({
      texts: [entry.name], instead: `not read: ${reasonOf(entry)}`, open: () => this.open(entry),
    }));
    this.table.render([...first, ...columns], [...rows, ...missing]);
  }

  /** An item is judged when it is looked at; for those that nobody has looked at there is a button. */
  drawMore(entries) {
    const more = entries.filter((entry) => entry.view && entry.rows.size < entry.view.items.length);
    this.more.replaceChildren(...more.map((entry) => {
      const left = entry.view.items.length - entry.rows.size;
      const words = `Judge the other ${left} of ${entry.name}`;
      const told = this.judged.get(entry);
      return element("p", {}, told?.busy ? `Judging ${left} of ${entry.name} …`
        : button(words, () => this.judge(entry)), ...(told?.error ? [" ", told.error] : []));
    }));
  }

  async judge(entry) {
    this.judged.set(entry, { busy: true });
    this.draw();
    try {
      await this.session.judgeAll(entry);
      this.judged.delete(entry);
      say(`All of ${entry.name} is judged.`);
    } catch (error) {
      this.judged.set(entry, { error: error.message });
    }
    this.draw();
  }

  async takeCsv() {
    const { entries, unread } = this;
    const ids = entries.map((entry) => entry.id).join(",");
    try {
      const { blob } = ids ? await askFile("GET", address("table.csv", { ids })) : { blob: new Blob() };
      download(unread.length ? await withUnread(blob, unread) : blob, "results.csv");
      say("results.csv saved.");
    } catch (error) {
      this.more.append(element("p", { class: "error", role: "alert" }, error.message));
    }
  }
}

/** Columns of rows; without "file" where it says no more than "cell" does. */
function columnsOf(rows) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const repeats = ({ cell, file }) => file === cell || file?.startsWith(`${cell}.`);
  if (!rows.length) return ["result"];
  return columns.includes("cell") && rows.every(repeats) ? columns.filter((name) => name !== "file")
    : columns;
}

function reasonOf(entry) {
  return entry.error || entry.summary.sentence;
}

/** The table with a row of each file that could not be read, and why. */
async function withUnread(blob, unread) {
  const rows = parseCsv(await blob.text());
  const missing = unread.map((entry) => (
    { file: neutral(entry.name), "not read": neutral(reasonOf(entry)) }));
  const columns = [...new Set([...rows, ...missing].flatMap((row) => Object.keys(row)))];
  return new Blob([csvText(columns, [...rows, ...missing])], { type: "text/csv" });
}
