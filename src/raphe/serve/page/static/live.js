/** The watched folder: the cell now on the rig, large enough to be read across a room. */

import { button, element, paintTone, setText, toneSign } from "./dom.js";
import { listed } from "./session.js";

export const STATES = { growing: "being recorded", settled: "finished", "not read": "not read" };

export class Live {
  constructor(session, open) {
    this.session = session;
    this.open = open;
    this.entries = [];
    this.now = document.getElementById("now");
    this.earlier = document.getElementById("earlier");
    this.state = document.getElementById("live-state");
    this.tell("connecting");
    const source = new EventSource("live");
    source.addEventListener("open", () => this.tell("open"));
    source.addEventListener("error", () => {
      this.tell(source.readyState === EventSource.CLOSED ? "closed" : "lost");
    });
    source.addEventListener("file", (event) => this.file(JSON.parse(event.data)));
    source.addEventListener("labels", (event) => session.tellLabels(JSON.parse(event.data)));
    source.addEventListener("gone", (event) => this.gone(JSON.parse(event.data)));
    this.draw();
  }

  tell(state) {
    const { folder, watched } = this.session.page;
    this.state.dataset.state = state;
    setText(this.state, {
      connecting: `Connecting to watch ${folder} …`,
      open: `Watching ${folder}${watched.length ? ` for ${listed(watched)} files` : ""}.`,
      lost: "The connection was lost; trying again. What is shown may be out of date.",
      closed: "The server has ended the connection; reload this page to try again.",
    }[state]);
  }

  file(told) {
    const entry = this.session.sight(told);
    if (!this.entries.includes(entry)) this.entries.push(entry);
    this.draw();
  }

  gone({ id }) {
    this.entries = this.entries.filter((entry) => entry.id !== id);
    this.session.gone(id);
    this.draw();
  }

  draw() {
    // By the order in which the folder changed: that an old cell got a label does not bring it back.
    this.entries.sort((one, other) => other.summary.order - one.summary.order);
    const [entry, ...earlier] = this.entries;
    if (entry) this.drawNow(entry);
    else this.now.replaceChildren(element("p", { class: "empty" }, "Nothing has been recorded yet."));
    this.earlier.replaceChildren(...earlier.map((other) => this.row(other)));
    document.getElementById("earlier-title").hidden = earlier.length === 0;
  }

  drawNow(entry) {
    const { headline, tone, sentence, state } = entry.summary;
    const words = element("p", { class: "huge" }, toneSign(tone), " ", headline || STATES[state]);
    paintTone(words, tone, headline, this.session.page.classes);
    this.now.dataset.state = state;
    this.now.replaceChildren(
      element("p", { class: "what" }, entry.name, element("span", { class: "state" }, STATES[state])),
      words,
      element("p", { class: "lead" }, sentence),
      button("Open", () => this.open(entry), { "aria-label": `Open ${entry.name}` }));
  }

  row(entry) {
    const { headline, tone, state } = entry.summary;
    const result = element("span", { class: "file-result" }, toneSign(tone), headline || STATES[state]);
    paintTone(result, tone, headline, this.session.page.classes);
    const name = element("span", { class: "file-name", title: entry.name }, entry.name);
    return element("li", {}, button([name, result], () => this.open(entry), { class: "file-open" }));
  }
}
