/** A person says what the cells are, the least certain first, and it is written down. */

import { button, counted, download, element, say, setText, TONES } from "./dom.js";
import { HandLabels, keyOf } from "./labels.js";
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
    this.blind.addEventListener("change", () => {
      this.draw();
      this.showCurrent();
    });
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
      element("div", { class: "labels" }, ...this.buttons),
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
    this.follow();
    const known = new Map(this.queue.map((target) => [keyOf(target), target]));
    const read = this.labels.targets.map((target) => known.get(keyOf(target)) ?? target)
      .filter((target) => isRead(target.entry) || this.labelOf(target));
    const come = read.filter((target) => !this.queue.includes(target));
    const rest = this.queue.filter((target) => read.includes(target));
    // Nothing jumps under a hand: the cell that somebody works on stays, with all before it.
    const kept = this.is_begun ? rest.splice(0, rest.indexOf(this.current) + 1) : [];
    rest.push(...come);
    if (come.length || !this.is_begun) rest.sort(leastCertainFirst);
    this.queue = [...kept, ...rest];
    if (!this.on_screen) return;
    const first = this.queue.find((target) => !this.labelOf(target)) ?? this.queue[0] ?? null;
    const stays = this.is_begun ? this.queue.includes(this.current) : first === this.current;
    if (stays) this.draw();
    else this.choose(first);
  }

  /** Of a file with several items another one was chosen: that one is what a label is of now. */
  follow() {
    const { current } = this;
    const shown = current?.entry.view?.item;
    if (!shown || this.is_loading || (current.item ?? shown) === shown) return;
    const other = this.queue.find(({ entry, item }) => entry === current.entry && item === shown);
    if (other) this.begin(other);
  }

  labelOf(target) {
    return this.labels.of(target).label;
  }

  /** Whether a cell has a label that stands where it is to stand. */
  isDone(target) {
    return this.labelOf(target) !== "" && this.labels.unsavedOf(target)?.label === undefined;
  }

  draw() {
    if (!this.on_screen) return;
    const { queue, current, place } = this;
    const focused = place.contains(document.activeElement);
    place.replaceChildren(...queue.map((target) => this.row(target)));
    if (focused) place.querySelector("[aria-current]")?.focus();
    const done = queue.filter((target) => this.isDone(target)).length;
    setText(this.count, queue.length ? `${done} of ${queue.length} checked.`
      : "There is nothing to check yet: open recordings first.");
    this.drawProblems();
    this.csv.hidden = !this.given.length;
    this.form.hidden = current === null;
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
    const which = failed.length > 1 ? counted(failed.length, "cell") : failed[0] && nameOf(failed[0]);
    setText(this.unsaved, failed.length
      ? `Not saved: ${which}. ${this.labels.unsavedOf(failed[0]).error}` : "");
    this.unsaved.hidden = this.again.hidden = !failed.length;
    const problem = this.session.labels_problem;
    setText(this.problem, problem ? `No label can be saved until this is mended: ${problem}.` : "");
    this.problem.hidden = !problem;
  }

  row(target) {
    const name = nameOf(target);
    return element("li", {}, button([
      element("span", { class: "file-name", title: name }, name),
      element("span", { class: "file-result" }, this.words(target)),
    ], () => this.begin(target), {
      class: "file-open", "aria-current": target === this.current && "true",
    }));
  }

  words(target) {
    const label = this.labelOf(target);
    const unsaved = this.labels.unsavedOf(target);
    if (unsaved?.error) return `▲ ${label || (unsaved.note ? "note" : "no label")}, not saved`;
    if (this.isDone(target)) return `✓ ${label}`;
    if (label) return `${label}, being saved`;
    return this.blind.checked ? "no label yet" : doubtWords(target);
  }

  begin(target) {
    this.is_begun = true;
    this.choose(target);
  }

  choose(target) {
    this.saveNote();
    this.current = target;
    this.note.value = this.labels.of(target).note;
    setText(this.limit, "");
    this.before = "";
    this.draw();
    this.showCurrent();
  }

  async showCurrent() {
    const target = this.current;
    this.is_loading = true; // what is shown meanwhile is another item
    await this.session.load(target?.entry, target?.item);
    if (target !== this.current) return;
    this.is_loading = false;
    this.opened.render(target?.entry ?? null, this.blind.checked && !this.labelOf(target));
  }

  step() {
    const rest = this.queue.filter((target) => target !== this.current && !this.labelOf(target));
    const place = this.queue.indexOf(this.current);
    const next = rest.find((target) => this.queue.indexOf(target) > place) ?? rest[0];
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
    if (this.current !== null && note !== this.labels.of(this.current).note) this.say({ note });
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
    if (current.entry.from !== "folder") {
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
    return this.queue.filter((target) => target.entry.from === "given" && this.labelOf(target))
      .map((target) => ({ id: target.entry.id, item: target.item, ...this.labels.of(target) }));
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

/** {uncertainty, tone, doubt} of what was looked at; of the folder's files the server has seen the first. */
function judged({ entry, item }) {
  if (entry.summary && entry.summary.said[0].item === item) return entry.summary;
  return entry.judged.get(item ?? entry.view?.item) ?? null;
}

/** What was not judged comes last: an order among the judged would be made up. */
function leastCertainFirst(one, other) {
  return (judged(other)?.uncertainty ?? -1) - (judged(one)?.uncertainty ?? -1);
}

function doubtWords(target) {
  const answer = judged(target);
  if (!answer) return "not looked at yet";
  if (answer.uncertainty === null) return "not judged";
  return answer.doubt || TONES[answer.tone].words;
}

function nameOf({ entry, item }) {
  return item === null ? entry.name : `${entry.name}: ${item}`;
}

/** Whether there is a recording to look at, with an answer or without one. */
function isRead(entry) {
  if (entry.view) return entry.view.need === null;
  return Object.keys(entry.summary?.row ?? {}).length > 0;
}
