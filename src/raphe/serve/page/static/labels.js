/** What a person said of cells by hand: kept in this tab, and beside the recordings of a folder. */

import { ask } from "./server.js";

const KEPT = "raphe-labels"; // in the tab, so that a reload does not lose what was said
const NOTHING = Object.freeze({ label: "", note: "" });
const RELOADED = "The page was reloaded before this was saved.";

/**
 * {label, note} of targets {entry, item}, the item null where a file has but one. In the folder what stands in its table counts: what was said
 * here is on its way there, or failed and waits to be tried again. One request is under way at a
 * time, so that what was said last is what stays. Event: "change".
 */
export class HandLabels extends EventTarget {
  constructor(session) {
    super();
    this.session = session;
    this.place = `${KEPT} ${session.page.folder_key ?? ""}`;
    const { given, unsaved } = JSON.parse(sessionStorage.getItem(this.place) ?? "{}");
    this.given = new Map(Object.entries(given ?? {})); // {label, note} by key
    this.unsaved = new Map(); // {label?, note?, error} by key; on its way without error
    for (const [key, said] of Object.entries(unsaved ?? {})) {
      this.unsaved.set(key, { ...said, error: said.error || RELOADED });
    }
    this.is_sending = false;
  }

  of(target) {
    if (target === null) return NOTHING;
    if (!isOfFolder(target)) return this.given.get(keyOf(target)) ?? NOTHING;
    const { label, note } = inTable(target);
    return { label, note, ...this.unsavedOf(target) };
  }

  /** What was said of a target and stands in no table; undefined where all does. */
  unsavedOf(target) {
    return target && isOfFolder(target) ? this.unsaved.get(keyOf(target)) : undefined;
  }

  /** Targets of which something could not be saved. */
  get failed() {
    return this.targets.filter((target) => this.unsavedOf(target)?.error);
  }

  /** On their way, or about to be. */
  get waiting() {
    return this.targets.filter((target) => this.unsavedOf(target)?.error === "");
  }

  get targets() {
    return this.session.entries.flatMap(targetsOf);
  }

  say(target, some) {
    if (isOfFolder(target)) {
      this.unsaved.set(keyOf(target), { ...this.unsavedOf(target), ...some, error: "" });
      this.send();
    } else {
      this.given.set(keyOf(target), { ...this.of(target), ...some });
    }
    this.changed();
  }

  tryAgain() {
    for (const target of this.failed) {
      this.unsaved.set(keyOf(target), { ...this.unsavedOf(target), error: "" });
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

  async sendThese(targets) {
    const sent = targets.map((target) => ({ target, said: this.unsavedOf(target) }));
    const labels = sent.map(({ target: { entry, item }, said: { label, note } }) => (
      { id: entry.id, item, label, note }));
    let errorOf;
    try {
      const { refused } = await ask("PUT", "labels", { labels });
      errorOf = ({ id, item }) => refused.find((of) => of.id === id && of.item === item)?.error;
    } catch (error) {
      errorOf = () => error.message;
    }
    for (const [place, { target, said }] of sent.entries()) {
      this.answered(target, said, errorOf(labels[place]));
    }
    this.changed();
  }

  answered(target, said, error) {
    if (this.unsavedOf(target) !== said) return; // something else was said meanwhile
    if (error) {
      this.unsaved.set(keyOf(target), { ...said, error });
      return;
    }
    const { label, note } = this.of(target);
    const { entry, item } = target;
    const now = entry.summary.said.map((of) => (of.item === item ? { item, label, note } : of));
    entry.summary = { ...entry.summary, said: now };
    this.unsaved.delete(keyOf(target));
  }

  changed() {
    sessionStorage.setItem(this.place, JSON.stringify({
      given: Object.fromEntries(this.given), unsaved: Object.fromEntries(this.unsaved),
    }));
    this.dispatchEvent(new Event("change"));
  }
}

/** Each cell of a file. What is not open here the server has told of. */
function targetsOf(entry) {
  const several = entry.view?.items.length > 1 ? entry.view.items : [null];
  const items = entry.view ? several : entry.summary?.said.map(({ item }) => item) ?? [null];
  return items.map((item) => ({ entry, item }));
}

/** The same for the same cell, also in a page that was reloaded. */
export function keyOf({ entry, item }) {
  return JSON.stringify([isOfFolder({ entry }) ? entry.name : entry.id, item]);
}

function isOfFolder({ entry }) {
  return entry.from === "folder";
}

function inTable({ entry, item }) {
  return entry.summary.said.find((of) => of.item === item) ?? NOTHING;
}
