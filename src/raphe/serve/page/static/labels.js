/** What a person said of cells by hand: kept in this tab, and beside the recordings of a folder. */

import { ask } from "./server.js";

const KEPT = "raphe-labels"; // in the tab, so that a reload does not lose what was said
const RELOADED = "The page was reloaded before this was saved.";

/**
 * {label, note} by entry. Of a file of the folder what stands in its table counts: what was said
 * here is on its way there, or failed and waits to be tried again. One request is under way at a
 * time, so that what was said last is what stays. Event: "change".
 */
export class HandLabels extends EventTarget {
  constructor(session) {
    super();
    this.session = session;
    const { given, unsaved } = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    this.given = new Map(Object.entries(given ?? {})); // {label, note} by id
    this.unsaved = new Map(); // {label?, note?, error} by name in the folder; on its way without error
    for (const [name, said] of Object.entries(unsaved ?? {})) {
      this.unsaved.set(name, { ...said, error: said.error || RELOADED });
    }
    this.is_sending = false;
  }

  of(entry) {
    if (entry?.from !== "folder") return this.given.get(entry?.id) ?? { label: "", note: "" };
    const { label, note } = entry.summary;
    return { label, note, ...this.unsavedOf(entry) };
  }

  /** What was said of an entry and stands in no table; undefined where all does. */
  unsavedOf(entry) {
    return entry?.from === "folder" ? this.unsaved.get(entry.name) : undefined;
  }

  /** Entries of which something could not be saved. */
  get failed() {
    return this.session.entries.filter((entry) => this.unsavedOf(entry)?.error);
  }

  say(entry, some) {
    if (entry.from === "folder") {
      this.unsaved.set(entry.name, { ...this.unsavedOf(entry), ...some, error: "" });
      this.send();
    } else {
      this.given.set(entry.id, { ...this.of(entry), ...some });
    }
    this.changed();
  }

  tryAgain() {
    for (const entry of this.failed) {
      this.unsaved.set(entry.name, { ...this.unsavedOf(entry), error: "" });
    }
    this.send();
    this.changed();
  }

  async send() {
    if (this.is_sending) return; // what is under way goes on with whatever has come
    this.is_sending = true;
    for (let waiting = this.waiting; waiting.length; waiting = this.waiting) {
      await this.sendThese(waiting);
    }
    this.is_sending = false;
  }

  get waiting() {
    return this.session.entries.filter((entry) => this.unsavedOf(entry)?.error === "");
  }

  async sendThese(entries) {
    const sent = entries.map((entry) => ({ entry, said: this.unsavedOf(entry) }));
    const labels = sent.map(({ entry, said: { label, note } }) => ({ id: entry.id, label, note }));
    let errorOf;
    try {
      const { refused } = await ask("PUT", "labels", { labels });
      const errors = new Map(refused.map(({ id, error }) => [id, error]));
      errorOf = (id) => errors.get(id);
    } catch (error) {
      errorOf = () => error.message;
    }
    for (const [place, { entry, said }] of sent.entries()) {
      this.answered(entry, said, errorOf(labels[place].id));
    }
    this.changed();
  }

  answered(entry, said, error) {
    if (this.unsavedOf(entry) !== said) return; // something else was said meanwhile
    if (error) {
      this.unsaved.set(entry.name, { ...said, error });
      return;
    }
    const { label = entry.summary.label, note = entry.summary.note } = said;
    entry.summary = { ...entry.summary, label, note };
    this.unsaved.delete(entry.name);
  }

  changed() {
    sessionStorage.setItem(KEPT, JSON.stringify({
      given: Object.fromEntries(this.given), unsaved: Object.fromEntries(this.unsaved),
    }));
    this.dispatchEvent(new Event("change"));
  }
}
