/** An opened recording: what it came to and why, its plots, its numbers, what can be taken. */

import { button, counted, download, element, paintTone, say, setText, TONES, toneSign } from "./dom.js";
import { takesFiles } from "./drop.js";
import { PlotPanel } from "./plot.js";
import { unitOf } from "./plot_data.js";
import { address, ask, askFile } from "./server.js";
import { listed, NO_CHANGES } from "./session.js";
import { tableOf } from "./tables.js";

/** Shows the session's entry that `render` is given; `blind` leaves out what the bundle says. */
export class OpenedView {
  constructor(session, place) {
    this.session = session;
    this.place = place;
    this.panels = new Map();
    this.entry = null;
    this.item = null;
    this.blind = false;
    session.addEventListener("entry", ({ detail }) => {
      if (detail === this.entry) this.render(detail);
    });
  }

  render(entry, blind = this.blind) {
    const other = entry !== this.entry || (entry?.view?.item ?? null) !== this.item;
    this.entry = entry;
    this.item = entry?.view?.item ?? null;
    if (other || blind !== this.blind || !this.parts) this.begin();
    this.blind = blind;
    if (entry?.view) this.fill(entry.view);
    else this.fillEmpty(entry);
  }

  /** Empty the place, with a part for everything that an update may change. */
  begin() {
    for (const panel of this.panels.values()) panel.destroy();
    this.panels.clear();
    const part = (name, tag = "div") => element(tag, { class: name });
    this.parts = {
      head: part("opened-head"), error: element("p", { class: "error", role: "alert" }),
      answer: part("answer"), need: part("need"), takes: part("takes"), plots: part("plots"),
      tables: part("tables"),
    };
    this.place.replaceChildren(...Object.values(this.parts));
    this.needed = null;
  }

  fillEmpty(entry) {
    for (const part of Object.values(this.parts)) part.hidden = true;
    this.parts.answer.hidden = false;
    this.parts.answer.className = "answer empty";
    const words = { waiting: "waits for its turn.", sending: "is being sent.", reading: "is being read.",
      refused: "could not be read.", there: "is being opened." };
    const sentence = entry ? `${entry.name} ${words[entry.state] ?? ""}`
      : "What a recording comes to is shown here: the answer and how sure it is, the trace with its "
        + "spikes, and the numbers behind it.";
    const { note } = this.session.page;
    const more = entry?.error ? [element("p", { class: "error" }, entry.error)]
      : entry || !note ? [] : [element("p", { class: "small-print" }, note)];
    this.parts.answer.replaceChildren(element("p", {}, sentence), ...more);
  }

  fill(view) {
    const { parts, entry } = this;
    this.fillHead(view);
    setText(parts.error, entry.error);
    parts.error.hidden = entry.error === "";
    this.fillAnswer(view);
    this.fillNeed(view.need);
    this.fillTakes(view.takes);
    this.fillPlots(view.plots);
    const tables = this.blind ? [] : view.tables;
    parts.tables.hidden = tables.length === 0;
    parts.tables.replaceChildren(...tables.map(tableOf));
    this.place.setAttribute("aria-busy", String(entry.pending.size > 0));
  }

  fillHead(view) {
    const { head } = this.parts;
    head.hidden = false;
    if (head.childElementCount) return;
    head.append(element("h2", {}, view.title));
    if (view.items.length < 2) return;
    const id = `item-${this.entry.key}-${this.place.id}`;
    const choice = element("select", { id }, ...view.items.map((item) => (
      element("option", { value: item, selected: item === view.item }, item))));
    const go = (item) => this.session.show(this.entry, item).then(() => {
      document.getElementById(id)?.focus();
    });
    const step = (by) => {
      const place = view.items.indexOf(view.item) + by;
      if (view.items[place] !== undefined) go(view.items[place]);
    };
    choice.addEventListener("change", () => go(choice.value));
    head.append(element("div", { class: "items" },
      element("label", { for: id }, `Shown, of ${view.items.length}`), choice,
      button("‹", () => step(-1), { "aria-label": "Previous" }),
      button("›", () => step(1), { "aria-label": "Next" })));
  }

  fillAnswer(view) {
    const { answer } = this.parts;
    answer.hidden = this.blind || view.need !== null;
    answer.className = "answer";
    if (answer.hidden) return;
    const headline = element("p", { class: "headline" }, toneSign(view.tone), " ", view.headline,
      element("span", { class: "heard" }, ` (${TONES[view.tone]?.words ?? ""})`));
    paintTone(answer, view.tone, view.headline, this.session.page.classes);
    const changed = this.edited ? [element("p", { class: "changed" }, this.edited, " ",
      button("As the bundle has it", () => this.reset(), { class: "plain" }))] : [];
    answer.replaceChildren(
      headline,
      ...changed,
      element("ul", { class: "sentences" }, ...view.sentences.map((words) => element("li", {}, words))),
      ...(view.facts.length ? [facts(view.facts)] : []),
      ...(view.note ? [element("p", { class: "note" }, view.note)] : []));
    const spoken = `${view.headline}. ${view.sentences[0] ?? ""}`;
    if (this.edited && spoken !== this.spoken) say(spoken);
    this.spoken = spoken;
  }

  fillNeed(need) {
    const { need: place } = this.parts;
    place.hidden = !need;
    if (!need || this.needed === need.role) return;
    this.needed = need.role;
    const input = element("input", { type: "file", hidden: true });
    const zone = element("div", { class: "drop second" },
      element("p", { class: "lead" }, need.sentence),
      button(`Choose a file of ${listed(need.suffixes)}`, () => input.click(), { class: "primary" }),
      input);
    takesFiles(zone, input, ([given]) => given && this.session.sendBeside(this.entry, given.file));
    const fits = ({ name }) => need.suffixes.some((end) => name.toLowerCase().endsWith(end));
    const others = this.session.entries.filter((other) => (
      other !== this.entry && other.file && fits(other) && !answered(other)));
    for (const other of others) {
      zone.append(button(`Use ${other.name}`, () => this.useOther(other)));
    }
    place.replaceChildren(zone);
  }

  /** The second file was dropped beside the first, and so became a recording of its own. */
  useOther(other) {
    this.session.sendBeside(this.entry, other.file);
    this.session.remove(other);
  }

  fillTakes(takes) {
    const { takes: place } = this.parts;
    place.hidden = takes.length === 0 || this.blind;
    const wanted = takes.map((take) => take.name).join("\n");
    if (place.dataset.wanted === wanted) return;
    place.dataset.wanted = wanted;
    place.replaceChildren(...takes.map((take) => (
      button(take.label, () => this.take(take)))));
  }

  async take({ name, label }) {
    const { entry } = this;
    say(`${label}: being made.`);
    try {
      const path = address(`files/${entry.id}/take`, { name, item: entry.view.item });
      const file = await askFile("GET", path);
      download(file.blob, file.name);
      say(`${file.name} saved.`);
    } catch (error) {
      this.session.update(entry, { error: error.message });
    }
  }

  fillPlots(all) {
    const { plots: place } = this.parts;
    const plots = this.blind ? all.map(withoutAnswer).filter(Boolean) : all;
    place.hidden = plots.length === 0;
    const same = plots.length === this.panels.size
      && plots.every((plot) => this.panels.get(plot.name)?.fits(plot));
    if (same) { // what has the focus keeps it
      if (this.entry.pending.has(this.item)) return; // what the hand did wins until it is answered
      for (const plot of plots) this.panels.get(plot.name).update(plot);
      return;
    }
    for (const panel of this.panels.values()) panel.destroy();
    this.panels = new Map(plots.map((plot) => [plot.name, new PlotPanel(plot, this)]));
    place.replaceChildren(...[...this.panels.values()].map((panel) => panel.node));
  }

  // What a panel asks of its owner

  detail(name, from, to, points, signal) {
    const path = address(`files/${this.entry.id}/plot`, { name, item: this.item, from, to, points });
    return ask("GET", path, null, signal);
  }

  /** Other spikes cross another threshold: what was rejected of the old ones says nothing of them. */
  moveThreshold(threshold) {
    this.session.change(this.entry, { threshold, rejected: [] });
  }

  toggleMark(number) {
    const { rejected } = this.session.decided(this.entry);
    const others = rejected.filter((other) => other !== number);
    const toggled = others.length < rejected.length ? others : [...others, number];
    this.session.change(this.entry, { rejected: toggled });
  }

  /** Whether marks are those of the threshold that was decided: its answer may not be here yet. */
  get can_mark() {
    return this.session.decided(this.entry).threshold === this.entry.changes.threshold;
  }

  reset() {
    for (const panel of this.panels.values()) panel.acceptAll();
    this.session.change(this.entry, NO_CHANGES);
  }

  /** Whether anything is decided otherwise than the bundle has it, answered or not. */
  get is_changed() {
    const { threshold, rejected } = this.session.decided(this.entry);
    return threshold !== null || rejected.length > 0;
  }

  /** What was decided otherwise in what is shown, in words; "" where nothing was. */
  get edited() {
    const { threshold, rejected } = this.entry.changes;
    const plot = this.entry.view.plots.find(({ marks }) => marks?.can_change);
    const words = [];
    if (threshold !== null) {
      const unit = unitOf(plot?.y_label ?? "");
      words.push(`the threshold at ${String(threshold).replace("-", "−")}${unit && ` ${unit}`}`);
    }
    if (rejected.length) words.push(`${counted(rejected.length, plot?.marks.name ?? "mark")} rejected`);
    return words.length ? `Changed by hand: ${words.join(", ")}.` : "";
  }
}

/** Whether a file is a recording on its own. */
function answered(entry) {
  return entry.state !== "refused" && entry.view !== null && entry.view.need === null;
}

/** A plot of what was recorded, without a hint of the answer; null where it shows nothing else. */
function withoutAnswer(plot) {
  const tells = plot.lines.some(({ role }) => role === "answer")
    || plot.marks?.can_change === false; // as the votes of networks
  if (tells || !plot.lines.length) return null;
  return plot.shade.length ? { ...plot, shade: [], caption: "" } : plot;
}

/** Of a fact that is rather a paragraph, and is set as one. */
function isLong({ value, meaning }) {
  return value.length > 32 || meaning.length > 120;
}

function facts(list) {
  return element("dl", { class: "facts" }, ...list.map((fact) => (
    element("div", { class: `fact${fact.warns ? " warns" : ""}${isLong(fact) ? " long" : ""}` },
      element("dt", {}, fact.name),
      element("dd", { class: "value" }, fact.warns ? "▲ " : "", fact.value),
      ...(fact.meaning ? [element("dd", { class: "meaning" }, fact.meaning)] : [])))));
}
