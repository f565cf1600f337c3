/** The buttons of a plot: all that the pointer does on it, they and the keys do, too. */

import { button, element, setText } from "./dom.js";
import { quantity, unitOf } from "./plot_data.js";

/** Parts to be placed, `spoken`, which says what the current mark is, and `update`. */
export function controls(panel) {
  const zoom = zoomButtons(panel);
  const marks = panel.marks ? markButtons(panel) : null;
  const threshold = panel.threshold === null ? null : thresholdField(panel);
  const keyWords = element("p", {}, keyHelp(panel.plot));
  const keys = element("details", { class: "keys" },
    element("summary", {}, "Pointer and keys"), keyWords);
  return {
    keys,
    keyWords,
    zoom: zoom.node,
    marks: marks?.node ?? null,
    threshold: threshold?.node ?? null,
    handle: threshold?.handle ?? null,
    get spoken() {
      return markSentence(panel);
    },
    update() {
      zoom.update();
      marks?.update();
      threshold?.update();
    },
  };
}

function keyHelp(plot) {
  const words = ["Drag, or wheel once clicked, to zoom; Shift-drag to move; double-click for all.",
    "Keys: arrows move, + and − zoom, 0 shows all"];
  if (plot.marks?.number.length) {
    words[1] += `, N and P step through the ${plot.marks.name}s`;
    if (plot.marks.can_change) words[1] += ", space rejects one or accepts it again";
  }
  return `${words.join(" ")}.`;
}

function zoomButtons(panel) {
  const small = (sign, label, act) => button(sign, act, { "aria-label": label, title: label });
  const left = small("←", "Move left", () => panel.pan(-0.4));
  const right = small("→", "Move right", () => panel.pan(0.4));
  const out = small("−", "Zoom out", () => panel.zoom(1 / 2));
  const close = small("+", "Zoom in", () => panel.zoom(2));
  const all = button("All", () => panel.show(...panel.plot.x_range), { "aria-label": "Show all" });
  const node = element("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
    left, right, out, close, all);
  const update = () => {
    // aria-disabled: a button that is disabled while it has the focus would lose it.
    for (const one of [left, right, out, all]) one.setAttribute("aria-disabled", panel.isWhole);
  };
  update();
  return { node, update };
}

function markSentence(panel) {
  const layer = panel.marks;
  const { name, x } = layer.marks;
  const left = layer.accepted.filter((accepted) => !accepted).length;
  if (layer.current === null) {
    const rejected = layer.marks.can_change ? `, ${left} rejected` : "";
    return `${layer.count} ${name}${layer.count === 1 ? "" : "s"}${rejected}`;
  }
  const width = panel.range[1] - panel.range[0];
  const state = layer.accepted[layer.current] ? ", accepted" : ", rejected";
  const counts = !layer.marks.can_change && x.every(Number.isInteger); // and no decimals of them
  return `${capital(name)} ${layer.current + 1} of ${layer.count}, `
    + `at ${quantity(x[layer.current], counts ? 1000 : Math.min(width, 1), panel.plot.x_label)}`
    + (layer.marks.can_change ? state : "");
}

function markButtons(panel) {
  const node = element("div", { class: "marks", role: "group" });
  const { name, can_change } = panel.plot.marks;
  node.setAttribute("aria-label", `${capital(name)}s`);
  const words = element("p", { class: "words" });
  const back = button("‹", () => panel.step(-1), { "aria-label": `Previous ${name}` });
  const next = button("›", () => panel.step(1), { "aria-label": `Next ${name}` });
  const flip = button("", () => panel.toggle(panel.marks.current));
  const reset = button("As the bundle has it", () => panel.owner.reset(), { class: "plain" });
  node.append(back, next, words, ...(can_change ? [flip] : []));
  if (can_change || panel.plot.threshold !== null) node.append(reset);
  const update = () => {
    const layer = panel.marks;
    setText(words, markSentence(panel));
    if (document.activeElement === reset && !panel.owner.is_changed) next.focus(); // it goes
    reset.hidden = !panel.owner.is_changed;
    flip.hidden = layer.current === null;
    if (layer.current !== null) {
      setText(flip, `${layer.accepted[layer.current] ? "Reject" : "Accept"} this ${name}`);
    }
  };
  update();
  return { node, update };
}

function thresholdField(panel) {
  const id = `threshold-${Math.random().toString(36).slice(2, 8)}`;
  const input = element("input", { type: "number", step: "any", id });
  const node = element("div", { class: "threshold" },
    element("label", { for: id }, thresholdName(panel.plot.y_label)), input);
  const handle = element("div", { class: "handle", "aria-hidden": "true", title: "Drag the threshold" },
    "threshold");
  input.addEventListener("change", () => {
    if (input.value !== "" && input.checkValidity()) panel.moveThreshold(Number(input.value), true);
    else update();
  });
  handle.addEventListener("pointerdown", (event) => startDrag(panel, handle, event));
  handle.addEventListener("mousedown", (event) => event.stopPropagation()); // uPlot would zoom
  const update = () => {
    const value = String(Number(panel.threshold.toPrecision(6)));
    if (input.value !== value) input.value = value;
  };
  update();
  return { node, handle, update };
}

/** "Threshold (pA)" of an axis "Current (pA)". */
function thresholdName(y_label) {
  const unit = unitOf(y_label);
  return unit ? `Threshold (${unit})` : `Threshold, ${y_label}`;
}

function startDrag(panel, handle, event) {
  event.stopPropagation();
  event.preventDefault();
  handle.setPointerCapture(event.pointerId);
  const { top } = panel.chart.over.getBoundingClientRect();
  const valueAt = (moved) => {
    const height = panel.chart.scales.y.max - panel.chart.scales.y.min;
    const step = 10 ** Math.floor(Math.log10(height / 200)); // no digits that nobody can aim at
    return Math.round(panel.chart.posToVal(moved.clientY - top, "y") / step) * step;
  };
  const move = (moved) => panel.moveThreshold(valueAt(moved), false);
  const end = (moved) => {
    handle.removeEventListener("pointermove", move);
    panel.moveThreshold(valueAt(moved), true);
  };
  handle.addEventListener("pointermove", move);
  handle.addEventListener("pointerup", end, { once: true });
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}
