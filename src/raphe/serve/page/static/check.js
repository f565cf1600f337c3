/** A person says what the cells are, the least certain first, and it is written down. */

import { button, counted, download, element, say, setText, TONES } from "./dom.js";
import { HandLabels } from "./labels.js";
import { askFile } from "./server.js";
import { OpenedView } from "./view.js";

const SAVE_AFTER_MS = 600; // of silence in the note

export class CheckByHand {
  constructor(session) {
    this.session = session;
    this.labels = new HandLabels(session);
    this.queue = [];
    this.current = null;
    this.is_begun = false; // whether somebody has chosen a cell, or said something of one
    this.on_screen = false;
    this.place = document.getElementById("queue");
    this.count = document.getElementById("check-count");
    this.csv = document.getElementById("labels-csv");
    this.unsaved = document.getElementById("unsaved");
    this.again = document.getElementById("try-again");
    this.problem = document.getElementById("labels-problem");
    this.blind = document.getElementById("blind");
    this.form = element("form", { class: "hand", "aria-label": "What this cell is" });
    const shown = element("div", { id: "checked-view" });
    document.getElementById("checked").append(this.form, shown);
    this.opened = new OpenedView(session, shown);
    this.buildForm();
    this.blind.addEventListener("change", () => this.showCurrent());
    this.csv.addEventListener("click", () => this.takeCsv());
    document.addEventListener("keydown", (event) => this.pressed(event));
    this.again.addEventListener("click", () => this.labels.tryAgain());
    this.labels.addEventListener("change", () => this.draw());
    session.addEventListener("labels", () => this.draw());
    for (const event of ["entry", "list"]) session.addEventListener(event, () => this.changed());
  }

  buildForm() {
    const { labels, longest_note: longest } = this.session.page;
    this.buttons = labels.map((label, place) => {
      const key = place < 9 ? [element("kbd", {}, String(place + 1)), " "] : [];
      return button([...key, label], () => this.press(label), { "aria-pressed": "false" });
    });
    this.note = element("input", {
      id: "hand-note", maxlength: String(longest), autocomplete: "off",
      "aria-describedby": "hand-note-limit",
    });
    this.limit = element("p", { id: "hand-note-limit", class: "meaning", role: "status" });
    this.of_file = element("p", { class: "small-print" });
    this.state = element("p", { id: "hand-state", class: "small-print", role: "status" });
    this.next = button("Next cell", () => this.step(), { class: "primary" });
    this.note.addEventListener("input", () => {
      this.is_begun = true;
      setText(this.limit, this.note.value.length < longest ? ""
        : `A note has at most ${longest} characters; what is beyond them was left out.`);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.saveNote(), SAVE_AFTER_MS);
    });
    this.note.addEventListener("change", () => this.saveNote());
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.append(
      element("div", { class: "labels" }, ...this.buttons), this.of_file,
      element("div", { class: "field" }, element("label", { for: "hand-note" }, "Note"), this.note,
        this.limit),
      this.next, this.state);
  }

  /** Come on the screen, or leave it; the whole queue is sorted then. */
  show(on_screen) {
    this.on_screen = on_screen;
    if (!on_screen) return;
    this.queue.sort(leastCertainFirst);
    this.changed();
  }

  changed() {
    const read = this.session.entries.filter((entry) => isRead(entry) || this.labelOf(entry));
    const come = read.filter((entry) => !this.queue.includes(entry));
    const rest = this.queue.filter((entry) => read.includes(entry));
    // Nothing jumps under a hand: the cell that somebody works on stays, with all before it.
    const kept = this.is_begun ? rest.splice(0, rest.indexOf(this.current) + 1) : [];
    rest.push(...come);
    if (come.length || !this.is_begun) rest.sort(leastCertainFirst);
    this.queue = [...kept, ...rest];
    if (!this.on_screen) return;
    const first = this.queue.find((entry) => !this.labelOf(entry)) ?? this.queue[0] ?? null;
    const stays = this.is_begun ? this.queue.includes(this.current) : first === this.current;
    if (stays) this.draw();
    else this.choose(first);
  }

  labelOf(entry) {
    return this.labels.of(entry).label;
  }

  /** Whether an entry has a label that stands where it is to stand. */
  isDone(entry) {
    return this.labelOf(entry) !== "" && this.labels.unsavedOf(entry)?.label === undefined;
  }

  draw() {
    if (!this.on_screen) return;
    const { queue, current, place } = this;
    const focused = place.contains(document.activeElement);
    place.replaceChildren(...queue.map((entry) => this.row(entry)));
    if (focused) place.querySelector("[aria-current]")?.focus();
    const done = queue.filter((entry) => this.isDone(entry)).length;
    setText(this.count, queue.length ? `${done} of ${queue.length} checked.`
      : "There is nothing to check yet: open recordings first.");
    this.drawProblems();
    this.csv.hidden = !this.given.length;
    this.form.hidden = current === null;
    const items = current?.view?.items ?? [];
    setText(this.of_file, items.length > 1 ? `A label is of the whole file, with all ${items.length} `
      + `of its parts; shown is ${current.view.item}.` : "");
    setText(this.state, this.stateWords);
    // What another person, or a spreadsheet, wrote meanwhile.
    if (document.activeElement !== this.note) this.note.value = this.labels.of(current).note;
    for (const [number, label] of this.session.page.labels.entries()) {
      this.buttons[number].setAttribute("aria-pressed", String(label === this.labelOf(current)));
    }
  }

  /** What could not be saved, or would not be: nothing that was said is lost without a word. */
  drawProblems() {
    const { failed } = this.labels;
    const which = failed.length > 1 ? counted(failed.length, "cell") : failed[0]?.name;
    setText(this.unsaved, failed.length
      ? `Not saved: ${which}. ${this.labels.unsavedOf(failed[0]).error}` : "");
    this.unsaved.hidden = this.again.hidden = !failed.length;
    const problem = this.session.labels_problem;
    setText(this.problem, problem ? `No label can be saved until this is mended: ${problem}.` : "");
    this.problem.hidden = !problem;
  }

  row(entry) {
    return element("li", {}, button([
      element("span", { class: "file-name", title: entry.name }, entry.name),
      element("span", { class: "file-result" }, this.words(entry)),
    ], () => this.begin(entry), { class: "file-open", "aria-current": entry === this.current }));
  }

  words(entry) {
    const label = this.labelOf(entry);
    const unsaved = this.labels.unsavedOf(entry);
    if (unsaved?.error) return `▲ ${label || (unsaved.note ? "note" : "no label")}, not saved`;
    if (this.isDone(entry)) return `✓ ${label}`;
    return label ? `${label}, being saved` : uncertaintyWords(entry);
  }

  begin(entry) {
    this.is_begun = true;
    this.choose(entry);
  }

  choose(entry) {
    this.saveNote();
    this.current = entry;
    this.note.value = this.labels.of(entry).note;
    setText(this.limit, "");
    this.before = "";
    this.draw();
    this.showCurrent();
  }

  async showCurrent() {
    const entry = this.current;
    await this.session.load(entry);
    if (entry !== this.current) return;
    this.opened.render(entry, this.blind.checked && !this.labelOf(entry));
  }

  step() {
    const rest = this.queue.filter((entry) => entry !== this.current && !this.labelOf(entry));
    const place = this.queue.indexOf(this.current);
    const next = rest.find((entry) => this.queue.indexOf(entry) > place) ?? rest[0];
    if (next) {
      this.begin(next);
      this.buttons[0].focus();
    } else {
      this.before = "Every cell of the queue has a label.";
      this.draw();
    }
  }

  /** A label that is pressed again is taken back; a key pressed twice takes nothing back. */
  press(label) {
    if (this.labelOf(this.current) === label) this.say({ label: "" });
    else this.label(label);
  }

  label(label) {
    this.say({ label });
    this.showCurrent();
    this.next.focus();
  }

  saveNote() {
    clearTimeout(this.timer);
    const note = this.note.value.trim();
    if (this.current && note !== this.labels.of(this.current).note) this.say({ note });
  }

  say(some) {
    this.is_begun = true;
    this.has_said = this.current;
    this.before = "";
    this.labels.say(this.current, some);
  }

  /** What has become of what was said of the current cell. */
  get stateWords() {
    const { current, labels } = this;
    if (this.before) return this.before;
    if (!current || this.has_said !== current) return "";
    const { label, note } = labels.of(current);
    if (current.from !== "folder") {
      return label ? `${label}: kept here until you download cells.csv.`
        : "No label: cells.csv will not have this cell.";
    }
    const words = label || (note ? "No label, but the note" : "No label");
    const unsaved = labels.unsavedOf(current);
    if (!unsaved) return `${words}: saved in cells.csv.`;
    return unsaved.error ? `${words}: not saved. ${unsaved.error}` : `${words}: being saved.`;
  }

  /** What was said of files that lie in no folder of the server. */
  get given() {
    return this.queue.filter((entry) => entry.from === "given" && this.labelOf(entry))
      .map((entry) => ({ id: entry.id, ...this.labels.of(entry) }));
  }

  async takeCsv() {
    this.saveNote();
    try {
      const { blob } = await askFile("POST", "labels.csv", { labels: this.given });
      download(blob, "cells.csv");
      say("cells.csv saved.");
    } catch (error) {
      setText(this.state, error.message);
    }
  }

  /** A number key says the label of that number, wherever nothing is being typed. */
  pressed(event) {
    if (!this.on_screen || !this.current || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
    const label = this.session.page.labels[Number(event.key) - 1];
    if (label === undefined) return;
    event.preventDefault();
    this.label(label);
  }
}

/** Of the item that is shown, and of one that nobody has opened here the first; null: not judged. */
function uncertainty(entry) {
  return entry.view ? entry.view.uncertainty : entry.summary?.uncertainty ?? null;
}

/** What was not judged comes last: an order among the judged would be made up. */
function leastCertainFirst(one, other) {
  return (uncertainty(other) ?? -1) - (uncertainty(one) ?? -1);
}

function uncertaintyWords(entry) {
  const value = uncertainty(entry);
  const tone = (entry.view ?? entry.summary)?.tone;
  const judged = tone === "unlike" ? TONES.unlike.words : `${Math.round(value * 100)} % uncertain`;
  const words = value === null ? "not judged" : judged;
  return entry.view?.items.length > 1 ? `${entry.view.item}: ${words}` : words;
}

/** Whether there is a recording to look at, with an answer or without one. */
function isRead(entry) {
  if (entry.view) return entry.view.need === null;
  return Object.keys(entry.summary?.row ?? {}).length > 0;
}
