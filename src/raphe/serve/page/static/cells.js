/** All results of this page in one table, whose CSV can be taken. */

import { element } from "./dom.js";
import { address } from "./server.js";
import { SortableTable } from "./tables.js";

export class AllResults {
  constructor(session, open) {
    this.session = session;
    this.open = open;
    this.place = document.getElementById("cells");
    this.link = document.getElementById("cells-csv");
    this.count = document.getElementById("n-cells");
    this.table = new SortableTable(this.place, "All results");
    this.on_screen = false;
    this.drawing = false;
    this.stale = false;
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

  /** Rows may have to be asked for; what changed meanwhile is drawn after that. */
  async draw() {
    this.stale = this.drawing;
    if (this.drawing) return;
    this.drawing = true;
    try {
      await this.drawOnce();
    } finally {
      this.drawing = false;
    }
    if (this.stale) this.draw();
  }

  async drawOnce() {
    const { entries } = this;
    const ids = entries.map((entry) => entry.id);
    this.link.hidden = ids.length === 0;
    this.link.href = address("table.csv", { ids: ids.join(",") });
    if (!entries.length) {
      this.place.replaceChildren(element("p", { class: "empty" },
        "There are no results yet: drop recordings in the first part of this page."));
      return;
    }
    const found = [];
    for (const entry of entries) {
      for (const { item, row } of await this.session.rows(entry)) found.push({ entry, item, row });
    }
    const columns = [...new Set(found.flatMap(({ row }) => Object.keys(row)))];
    const first = columns.includes("file") ? [] : ["file"];
    const rows = found.map(({ entry, item, row }) => ({
      texts: [...first.map(() => entry.name), ...columns.map((name) => row[name] ?? "")],
      open: () => this.open(entry, item),
    }));
    this.table.render([...first, ...columns], rows);
  }
}
