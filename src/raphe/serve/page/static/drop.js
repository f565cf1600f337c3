/** Files by drop and by the button; a dropped folder gives those of its files that can be read. */

import { counted, say, setText } from "./dom.js";
import { listed } from "./session.js";

/** Make a zone take files; `take` gets them as a list. */
export function takesFiles(zone, input, take) {
  zone.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    zone.classList.add("over");
  });
  for (const event of ["dragleave", "drop"]) {
    zone.addEventListener(event, () => zone.classList.remove("over"));
  }
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    document.body.classList.remove("over");
    take(await filesOf(event.dataTransfer));
  });
  input.addEventListener("change", () => {
    take([...input.files].map((file) => ({ file, named: true })));
    input.value = "";
  });
}

/**
 * A drop beside the zone would make the browser leave the page for the file. It is taken in whatever
 * part of the page, and the part that shows what becomes of it comes on the screen.
 */
function dropAnywhere(take) {
  const { body } = document;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    body.classList.toggle("over", event.dataTransfer.types.includes("Files"));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) body.classList.remove("over"); // it has left the window
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    body.classList.remove("over");
    const files = await filesOf(event.dataTransfer);
    if (!files.length) return;
    location.hash = "recordings";
    take(files);
  });
}

/** The drop zone of the page, which sends what it is given to the session. */
export class DropZone {
  constructor(session, fields) {
    this.session = session;
    this.fields = fields;
    this.pending = []; // given before a needed field had its value
    this.problem = document.getElementById("drop-problem");
    this.send = document.getElementById("send-held");
    const input = document.getElementById("file-input");
    const zone = document.getElementById("drop");
    document.getElementById("drop-suffixes").textContent = listed(session.page.suffixes);
    document.getElementById("drop-holds").textContent = session.page.files_hold;
    document.getElementById("choose").addEventListener("click", () => input.click());
    document.getElementById("fields").addEventListener("submit", (event) => {
      event.preventDefault();
      this.take([]);
    });
    takesFiles(zone, input, (files) => this.take(files));
    dropAnywhere((files) => this.take(files));
  }

  take(given) {
    const { suffixes } = this.session.page;
    const known = ({ file }) => suffixes.some((end) => file.name.toLowerCase().endsWith(end));
    // What lies in a folder beside recordings was not meant; what was named alone was.
    const files = given.filter((one) => one.named || known(one)).map(({ file }) => file);
    if (given.length && !files.length) {
      this.tell(`There is no file of ${listed(suffixes)} in that folder.`);
      return;
    }
    this.pending.push(...files);
    if (!this.pending.length) return;
    const values = this.fields.values();
    if (values === null) {
      const held = counted(this.pending.length, "file");
      this.tell(`${held} held back; first give: ${this.fields.lacking}.`);
      return;
    }
    this.session.add(this.pending.splice(0), values);
    this.tell("");
  }

  tell(sentence) {
    setText(this.problem, sentence);
    this.problem.hidden = sentence === "";
    this.send.hidden = !this.pending.length;
    if (sentence) say(sentence);
  }
}

async function filesOf(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  // All at once: after the first await the browser has emptied the list.
  const entries = items.map((item) => [item.webkitGetAsEntry?.(), item.getAsFile()]);
  const found = [];
  for (const [entry, file] of entries) {
    if (entry?.isDirectory) {
      for (const inside of await filesIn(entry)) found.push({ file: inside, named: false });
    } else if (file) {
      found.push({ file, named: true });
    }
  }
  return found;
}

async function filesIn(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (;;) { // Chromium gives 100 at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    entries.push(...some);
  }
  entries.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  const found = [];
  for (const entry of entries) {
    if (entry.isDirectory) found.push(...await filesIn(entry));
    else found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
  }
  return found;
}
