/** The files of this page: those that were given, and those of the watched folder. */

import { address, ask, askText, Refused, send } from "./server.js";
import { parseCsv } from "./csv.js";

const AT_ONCE = 2; // files on their way; what comes after waits here, not at the server
const KEPT = "raphe-files"; // in the tab, so that a reload does not lose what was given
export const NO_CHANGES = Object.freeze({ threshold: null, rejected: [] });

/**
 * Entries in the order in which they came, newest last. `state` is "waiting", "sending", "reading",
 * "open", "there" (in the folder, not opened here) or "refused". Events: "entry" when one changed,
 * "list" when one came or went, "shown" when another is shown, "labels" when the folder's table of
 * labels became readable or was damaged. `changes` of an entry is what a
 * person decided of the item of its `view`, as the server keeps it; `pending`, by item, what it has
 * not answered yet.
 */
export class Session extends EventTarget {
  constructor(page) {
    super();
    this.page = page;
    this.entries = [];
    this.shown = null;
    this.keys = 0;
    this.under_way = 0;
    this.labels_problem = ""; // why the folder's table of labels cannot be read
  }

  tell(kind, entry = null) {
    this.dispatchEvent(new CustomEvent(kind, { detail: entry }));
  }

  update(entry, values) {
    Object.assign(entry, values);
    const { view } = values;
    if (view) {
      entry.rows.set(view.item, view.row);
      const { uncertainty, tone, doubt } = view;
      entry.judged.set(view.item, { uncertainty, tone, doubt });
    }
    this.tell("entry", entry);
  }

  make(values) {
    const entry = {
      key: (this.keys += 1), name: "", from: "given", state: "waiting", share: 0, error: "",
      id: null, view: null, changes: NO_CHANGES, rows: new Map(), judged: new Map(), file: null, can_retry: false, fields: {},
      pending: new Map(), summary: null, leaving: null,
      ...values,
    };
    this.entries.push(entry);
    this.tell("list");
    return entry;
  }

  /** Take files that somebody gave, with values of the bundle's fields. */
  add(files, fields) {
    const added = files.map((file) => {
      const error = this.objection(file.name, file.size, this.page.suffixes);
      return this.make({ name: file.name, file, fields, error, state: error ? "refused" : "waiting" });
    });
    if (!this.shown) this.show(added.find((entry) => !entry.error) ?? null);
    this.sendNext();
    return added;
  }

  /** Why a file need not be sent, "" where it may be. */
  objection(name, size, suffixes) {
    if (!suffixes.some((suffix) => name.toLowerCase().endsWith(suffix))) {
      return `${name}: expected a file of ${listed(suffixes)}.`;
    }
    if (size > this.page.max_bytes) {
      const allowed = (this.page.max_bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });
      return `${name}: ${Math.ceil(size / 1e6)} MB, expected at most ${allowed} MB; `
        + "raphe serve --max-mb allows more.";
    }
    return size === 0 ? `${name}: the file is empty.` : "";
  }

  retry(entry, fields) {
    this.update(entry, { state: "waiting", error: "", share: 0, fields });
    this.sendNext();
  }

  sendNext() {
    while (this.under_way < AT_ONCE) {
      const entry = this.entries.find((other) => other.state === "waiting");
      if (!entry) return;
      this.sendEntry(entry, address("files", { name: entry.name, ...entry.fields }), entry.file);
    }
  }

  async sendEntry(entry, path, file) {
    this.under_way += 1;
    entry.leaving = new AbortController();
    this.update(entry, { state: "sending", share: 0 });
    const progress = (share) => {
      this.update(entry, { share, state: share < 1 ? "sending" : "reading" });
    };
    try {
      const { id, name, view, changes } = await send(path, file, progress, entry.leaving.signal);
      if (!this.entries.includes(entry)) ask("DELETE", `files/${id}`).catch(() => {});
      this.update(entry, { state: "open", id, name, view, changes, share: 1 });
      this.keep();
    } catch (error) {
      this.update(entry, { state: "refused", error: error.message, can_retry: true });
    } finally {
      this.under_way -= 1;
      this.sendNext();
    }
  }

  /** Send the second file without which there is no answer. */
  async sendBeside(entry, file) {
    const { role, suffixes } = entry.view.need;
    const objection = this.objection(file.name, file.size, suffixes);
    if (objection) {
      this.update(entry, { error: objection });
      return;
    }
    this.update(entry, { error: "" });
    const path = address(`files/${entry.id}/beside`, { role, name: file.name });
    const before = { id: entry.id, state: "open" };
    await this.sendEntry(entry, path, file);
    if (entry.state === "refused") this.update(entry, before); // the first file is as good as it was
  }

  async show(entry, item = null) {
    this.shown = entry;
    this.tell("shown", entry);
    await this.load(entry, item);
    if (this.shown === entry) this.tell("shown", entry);
  }

  /** Have the view of an item, by default whichever there is. */
  async load(entry, item = null) {
    if (!entry?.id || (entry.view && (item === null || entry.view.item === item))) return;
    try {
      const { view, changes } = await ask("GET", address(`files/${entry.id}`, { item }));
      this.update(entry, { view, changes, error: "", state: "open" });
    } catch (error) {
      this.update(entry, { error: error.message, state: entry.view ? entry.state : "refused" });
    }
  }

  /** What is decided of the item that is shown, answered or not. */
  decided(entry) {
    return entry.pending.get(entry.view.item) ?? entry.changes;
  }

  /** Ask for the verdict with something decided otherwise; what was decided before stays. */
  async change(entry, some) {
    const { pending } = entry;
    const is_asking = pending.size > 0;
    pending.set(entry.view.item, { ...this.decided(entry), ...some });
    if (is_asking) return;
    this.tell("entry", entry);
    try {
      while (pending.size) await this.sendChanges(entry);
    } catch (error) {
      pending.clear();
      this.update(entry, { error: error.message });
    }
  }

  async sendChanges(entry) {
    const [[item, sent]] = entry.pending;
    const { view, changes } = await ask("PUT", `files/${entry.id}/changes`, { ...sent, item });
    if (entry.pending.get(item) !== sent) return; // decided otherwise meanwhile
    entry.pending.delete(item);
    if (entry.view.item === item) this.update(entry, { view, changes, error: "" });
    else this.tell("entry", entry);
  }

  remove(entry) {
    const place = this.entries.indexOf(entry);
    this.entries.splice(place, 1);
    entry.leaving?.abort();
    if (entry.id) ask("DELETE", `files/${entry.id}`).catch(() => {});
    this.keep();
    this.tell("list");
    if (this.shown === entry) this.show(this.entries[place] ?? this.entries[place - 1] ?? null);
  }

  /** A file of the watched folder, as the server tells of it. */
  sight(event) {
    const { id, name } = event;
    // A server that was started again has other ids for the same files.
    const entry = this.entries.find((other) => other.from === "folder" && other.name === name);
    if (!entry) return this.make({ id, name, from: "folder", state: "there", summary: event });
    this.update(entry, { id, summary: event });
    if (entry.view) this.refresh(entry);
    else if (entry === this.shown) this.load(entry);
    return entry;
  }

  async refresh(entry) {
    try {
      const { view, changes } = await ask("GET",
        address(`files/${entry.id}`, { item: entry.view.item }));
      if (!entry.pending.size && entry.view.item === view.item) this.update(entry, { view, changes });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  tellLabels({ problem }) {
    this.labels_problem = problem;
    this.tell("labels");
  }

  gone(id) {
    const entry = this.entries.find((other) => other.id === id && other.from === "folder");
    if (!entry) return;
    this.entries.splice(this.entries.indexOf(entry), 1);
    this.tell("list");
    if (this.shown === entry) this.show(null);
  }

  /** What is known of an entry for the table of all results: [{item, row}], in the file's order. */
  rows(entry) {
    if (!entry.view) return [{ item: null, row: entry.summary?.row ?? {} }];
    return entry.view.items.filter((item) => entry.rows.has(item))
      .map((item) => ({ item, row: entry.rows.get(item) }));
  }

  /** Have every item of an entry judged, which may take a while. */
  async judgeAll(entry) {
    const table = parseCsv(await askText(address("table.csv", { ids: entry.id })));
    for (const [place, item] of entry.view.items.entries()) entry.rows.set(item, table[place]);
    this.tell("entry", entry);
  }

  keep() {
    const given = this.entries.filter((entry) => entry.id && entry.from === "given");
    sessionStorage.setItem(KEPT, JSON.stringify(given.map((entry) => entry.id)));
  }

  /** Open again what this tab had before it was reloaded, where the server still has it. */
  async restore() {
    const ids = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    for (const id of ids) {
      try {
        const { name, view, changes } = await ask("GET", `files/${id}`);
        const entry = this.make({ id, name });
        this.update(entry, { view, changes, state: "open", share: 1 });
        if (!this.shown) this.show(entry);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
    }
  }
}

export function listed(words) {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
