/** The list of files beside the opened one: how far each is, what it came to, or why it did not. */

import { button, element, paintTone, say, setText, toneSign } from "./dom.js";
import { STATES } from "./live.js";

const MOST_OF_FOLDER = 100; // of the watched folder's files, the newest; Live has all
const narrow = matchMedia("(max-width: 60rem)");

export class FileList {
  constructor(session, fields) {
    this.session = session;
    this.fields = fields;
    this.rows = new Map(); // by the key of an entry
    this.place = document.getElementById("files");
    this.empty = document.getElementById("no-files");
    session.addEventListener("list", () => this.draw());
    session.addEventListener("shown", () => this.draw());
    session.addEventListener("entry", ({ detail }) => this.drawEntry(detail));
    this.draw();
  }

  draw() {
    const listed = this.listed();
    const keys = new Set(listed.map((entry) => entry.key));
    for (const [key, row] of this.rows) {
      if (!keys.has(key)) {
        row.node.remove();
        this.rows.delete(key);
      }
    }
    let at = this.place.firstElementChild;
    for (const entry of listed) {
      if (!this.rows.has(entry.key)) this.rows.set(entry.key, this.makeRow(entry));
      const { node } = this.rows.get(entry.key);
      if (node === at) at = at.nextElementSibling;
      else this.place.insertBefore(node, at);
      this.drawEntry(entry);
    }
    const all = this.session.entries.length;
    this.empty.hidden = listed.length > 0 && listed.length === all;
    setText(this.empty, all
      ? `${listed.length} of ${all} files: of the watched folder the newest. Live has all.`
      : "None yet.");
  }

  /** What was given, then of the watched folder the newest, and what was opened, so that there is
   * a way back to it. */
  listed() {
    const { entries, shown } = this.session;
    const ofFolder = entries.filter(({ from }) => from === "folder")
      .sort((one, other) => other.summary.order - one.summary.order);
    return [...entries.filter(({ from }) => from === "given"), ...ofFolder.filter((entry, place) => (
      place < MOST_OF_FOLDER || entry.view !== null || entry === shown))];
  }

  makeRow(entry) {
    const name = element("span", { class: "file-name", title: entry.name }, entry.name);
    const result = element("span", { class: "file-result" });
    const open = button([name, result], () => this.open(entry), { class: "file-open" });
    const bar = element("progress", { max: "1", "aria-label": `Sending ${entry.name}` });
    const error = element("p", { class: "error" });
    const asked = element("div", { class: "asks" });
    const again = button("Try again", () => this.retry(entry), { class: "small" });
    asked.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.retry(entry);
    });
    const remove = button("×", () => this.remove(entry), {
      class: "remove", "aria-label": `Remove ${entry.name}`, title: "Remove",
    });
    remove.hidden = entry.from === "folder"; // which the folder has until it is deleted there
    const node = element("li", {}, open, remove, bar, error, asked, again);
    return { node, open, result, bar, error, asked, again, said: "" };
  }

  open(entry) {
    const shown = this.session.show(entry);
    if (!narrow.matches) return;
    const scroll = () => document.getElementById("opened").scrollIntoView(); // it stands below
    scroll();
    shown.then(scroll); // now that it has its height
  }

  retry(entry) {
    const values = this.fields.values();
    if (!values) return;
    const lacking = this.fields.named(entry.error);
    const others = this.session.entries.filter((other) => (
      other.can_retry && other.state === "refused"
      && this.fields.named(other.error).some((field) => lacking.includes(field))));
    for (const one of new Set([entry, ...others])) this.session.retry(one, values);
  }

  /** Beside an error that names a field, that field: it is most often what the file lacks. */
  ask(entry, row) {
    const fields = entry.can_retry && entry.state === "refused" ? this.fields.named(entry.error) : [];
    const names = fields.map(({ name }) => name).join(" ");
    row.asked.hidden = fields.length === 0;
    if (row.asked.dataset.names === names) return;
    row.asked.dataset.names = names;
    row.asked.replaceChildren(...fields.map((field) => (
      this.fields.asked(field, `${field.label} of ${entry.name}: ${field.meaning}`))));
  }

  remove(entry) {
    const next = this.rows.get(entry.key).node.nextElementSibling;
    this.session.remove(entry);
    (next?.querySelector(".remove") ?? document.getElementById("choose")).focus();
    say(`${entry.name} removed.`);
  }

  drawEntry(entry) {
    const row = this.rows.get(entry.key);
    if (!row) return;
    const { classes } = this.session.page;
    const on_way = entry.state === "sending" || entry.state === "reading";
    row.node.dataset.state = entry.state;
    row.bar.hidden = !on_way;
    if (entry.state === "reading") row.bar.removeAttribute("value");
    else row.bar.value = entry.share;
    setText(row.error, entry.error);
    row.error.hidden = entry.error === "";
    row.again.hidden = entry.state !== "refused" || !entry.can_retry;
    this.ask(entry, row);
    if (this.session.shown === entry) row.open.setAttribute("aria-current", "true");
    else row.open.removeAttribute("aria-current");
    const words = resultOf(entry);
    if (row.result.textContent !== words.text) {
      row.result.replaceChildren(...(words.tone ? [toneSign(words.tone)] : []), words.text);
    }
    paintTone(row.result, words.tone, words.text, classes);
    const sentence = entry.error || (entry.state === "open" ? `${entry.name}: ${words.text}.` : "");
    if (sentence && sentence !== row.said) say(sentence);
    row.said = sentence || row.said;
  }
}

/** What stands beside a file's name. */
function resultOf(entry) {
  if (entry.state === "waiting") return { text: "waiting" };
  if (entry.state === "sending") return { text: `sending, ${Math.floor(entry.share * 100)} %` };
  if (entry.state === "reading") return { text: "reading" };
  if (entry.state === "refused") return { text: "not read" };
  if (!entry.view && entry.summary) {
    const { headline, tone, state } = entry.summary;
    return headline ? { text: headline, tone } : { text: STATES[state] };
  }
  if (!entry.view) return { text: "being opened" };
  if (entry.view.need) return { text: "needs a second file" };
  return { text: entry.view.headline, tone: entry.view.tone };
}
