/** All results of this page in one table, whose CSV can be taken. */

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
    const { entries } = this;
    this.csv.hidden = entries.length === 0;
    this.drawMore(entries);
    if (!entries.length) {
      this.table.showInstead(element("p", { class: "empty" },
        "There are no results yet: drop recordings in the first part of this page."));
      return;
    }
    const found = entries.flatMap((entry) => (
      this.session.rows(entry).map((one) => ({ entry, ...one }))));
    const columns = [...new Set(found.flatMap(({ row }) => Object.keys(row)))];
    const first = columns.includes("file") ? [] : ["file"];
    const rows = found.map(({ entry, item, row }) => ({
      texts: [...first.map(() => entry.name), ...columns.map((name) => row[name] ?? "")],
      open: () => this.open(entry, item),
    }));
    this.table.render([...first, ...columns], rows);
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
    const ids = this.entries.map((entry) => entry.id).join(",");
    try {
      const { blob } = await askFile("GET", address("table.csv", { ids }));
      download(blob, "results.csv");
      say("results.csv saved.");
    } catch (error) {
      this.more.append(element("p", { class: "error", role: "alert" }, error.message));
    }
  }
}
