/** Elements of the page. A text goes in as text: nothing that a file says becomes HTML. */

/** An element; `on` holds listeners by event, other attributes that are false or null are left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.flat().filter((child) => child !== null && child !== false));
  return made;
}

/** A button; `words` are a text, or several nodes. */
export function button(words, press, attributes = {}) {
  return element("button", { type: "button", ...attributes, on: { click: press } }, words);
}

/** Change a text only where it differs, so that a reader of the screen does not hear it again. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Tell what happened to whoever hears the page instead of seeing it. */
export function say(sentence) {
  setText(document.getElementById("said"), sentence);
}

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** "1 file", "2 files". */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Save what the server made under a name. */
export function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The signs of tones: what is certain differs in shape, not by colour alone. */
export const TONES = {
  called: { sign: "●", words: "answered" },
  unsure: { sign: "◐", words: "not sure" },
  unlike: { sign: "▲", words: "unlike training" },
  nothing: { sign: "○", words: "no answer" },
};

export function toneSign(tone) {
  return element("span", { class: "sign", "aria-hidden": "true" }, TONES[tone]?.sign ?? "○");
}

/** Colour an element by its tone, and by the class where the headline names one of the bundle's. */
export function paintTone(node, tone, headline, classes) {
  node.dataset.tone = tone ?? "nothing";
  const place = tone === "called" ? classes.indexOf(headline) : -1;
  if (place >= 0) node.dataset.class = String(place % 8);
  else delete node.dataset.class;
}
