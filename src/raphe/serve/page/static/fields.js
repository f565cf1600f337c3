/** What may be said beside a file, such as its rate: asked before it is sent where it is needed. */

import { element } from "./dom.js";

export class Fields {
  constructor(fields, needed, more) {
    this.inputs = new Map();
    for (const field of fields) {
      const place = field.needed ? needed : more;
      place.append(this.row(field));
    }
    needed.hidden = !fields.some((field) => field.needed);
    more.closest("details").hidden = fields.every((field) => field.needed);
  }

  row(field) {
    const name = `field-${field.name}`;
    const input = element("input", {
      id: name, "aria-describedby": `${name}-meaning`, required: field.needed, autocomplete: "off",
      ...kindOfInput(field.kind),
    });
    input.addEventListener("input", () => input.removeAttribute("aria-invalid"));
    this.inputs.set(field, input);
    return element("div", { class: "field" },
      element("label", { for: name }, field.label),
      input,
      element("p", { id: `${name}-meaning`, class: "meaning" }, field.meaning));
  }

  /** The values given, or null, and the first field that lacks one has the focus. */
  values() {
    const values = {};
    for (const [field, input] of this.inputs) {
      const value = input.type === "checkbox" ? (input.checked ? "true" : "") : input.value.trim();
      if ((field.needed && value === "") || !input.checkValidity()) {
        input.setAttribute("aria-invalid", "true");
        input.closest("details")?.setAttribute("open", "");
        input.focus();
        return null;
      }
      if (value !== "") values[field.name] = value;
    }
    return values;
  }

  /** The fields that a sentence names, as one that says what a file lacks. */
  named(sentence) {
    return [...this.inputs.keys()].filter(({ label }) => sentence.includes(`“${label}”`));
  }

  /** A second input for a field, whose value is that of the first, too. */
  asked(field, label) {
    const first = this.inputs.get(field);
    const input = element("input", { "aria-label": label, ...kindOfInput(field.kind) });
    input.value = first.value;
    input.checked = first.checked;
    input.addEventListener("input", () => {
      first.value = input.value;
      first.checked = input.checked;
    });
    return element("label", { class: "asked" }, field.label, input);
  }

  /** What is asked for, to stand in a sentence: "Rate, Hz (frames a second)". */
  get lacking() {
    for (const [field, input] of this.inputs) {
      if (input.getAttribute("aria-invalid") === "true") {
        return `${field.label} (${field.meaning})`;
      }
    }
    return "";
  }
}

function kindOfInput(kind) {
  if (kind === "flag") return { type: "checkbox" };
  if (kind === "number") return { type: "number", step: "any" };
  if (kind === "whole") return { type: "number", step: "1" };
  return { type: "text", maxlength: "200" };
}
