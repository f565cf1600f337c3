/** One panel of a recording: drawn by uPlot, with zoom, pan, marks and a threshold. */

import { clamp, element, say, setText } from "./dom.js";
import { MarkLayer } from "./marks.js";
import { controls } from "./plot_controls.js";
import { colour, drawn, drawShade, legend, quantity, STYLES } from "./plot_data.js";

const DETAIL_AFTER_MS = 120;
const KEY_STEP = 0.2; // of the width shown
const ZOOM_STEP = 1.6;
const darkness = matchMedia("(prefers-color-scheme: dark)");

/**
 * `owner` has `detail(name, from, to, points, signal)`, which answers a closer Plot,
 * for what a person decides here `moveThreshold(value)`, `toggleMark(number)` and `reset()`;
 * `can_mark`: whether the marks are those of the threshold that was decided.
 */
export class PlotPanel {
  constructor(plot, owner) {
    this.owner = owner;
    this.plot = plot;
    this.closer = null; // a Plot of a part of x, in more detail
    this.range = [...plot.x_range];
    this.marks = plot.marks ? new MarkLayer(plot.marks) : null;
    this.threshold = plot.threshold;
    this.canvas = element("div", {
      class: "canvas", tabindex: "0", role: "application", "aria-roledescription": "plot",
    });
    this.build();
    this.listen();
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.canvas);
    this.repaint = () => this.draw(true);
    darkness.addEventListener("change", this.repaint);
  }

  build() {
    const { plot } = this;
    const id = `plot-${plot.name}-${Math.random().toString(36).slice(2, 8)}`;
    this.title = element("h3", { id }, plot.title);
    this.caption = element("p", { class: "caption" }, plot.caption);
    this.legend = element("ul", { class: "legend", "aria-hidden": "true" });
    this.readout = element("p", { class: "readout", "aria-hidden": "true" });
    this.controls = controls(this);
    this.canvas.setAttribute("aria-labelledby", id);
    this.canvas.setAttribute("aria-describedby", `${id}-keys`);
    this.controls.keyWords.id = `${id}-keys`;
    this.node = element("figure", { class: "plot", role: "group", "aria-labelledby": id },
      element("div", { class: "plot-head" }, this.title, this.controls.zoom),
      element("div", { class: "over" }, this.legend, this.readout),
      this.canvas, this.controls.marks, this.controls.threshold,
      element("figcaption", {}, this.caption, this.controls.keys));
    if (plot.has_detail || plot.marks) this.node.classList.add("broad");
    this.drawLegend();
  }

  destroy() {
    this.observer.disconnect();
    darkness.removeEventListener("change", this.repaint);
    this.leaving?.abort();
    clearTimeout(this.timer);
    this.chart?.destroy();
  }

  /** Whether another plot can take the place of this one's. */
  fits(plot) {
    return Boolean(plot.marks) === Boolean(this.marks)
      && (plot.threshold === null) === (this.threshold === null);
  }

  /** The same panel with other values, as after a spike was rejected; the zoom stays. */
  update(plot) {
    const whole = this.isWhole;
    this.plot = plot;
    this.closer = null;
    this.marks?.update(plot.marks);
    this.threshold = plot.threshold;
    if (whole) this.range = [...plot.x_range];
    setText(this.title, plot.title);
    this.drawLegend();
    this.draw();
    this.controls.update();
    if (!whole) this.askForDetail();
  }

  get isWhole() {
    const [low, high] = this.plot.x_range;
    return this.range[0] <= low && this.range[1] >= high;
  }

  get height() {
    const broad = this.node.classList.contains("broad");
    return this.canvas.clientWidth < 480 ? 220 : broad ? 300 : 260;
  }

  fit() {
    const width = this.canvas.clientWidth;
    if (!width) return;
    if (!this.chart) this.draw();
    else this.chart.setSize({ width, height: this.height });
  }

  /** Draw what there is of the range: more closely where that has come. */
  draw(anew = false) {
    if (!this.canvas.clientWidth) return; // not on the page yet
    const closer = this.closer;
    const covers = closer && closer.span[0] <= this.range[0] && closer.span[1] >= this.range[1];
    const seen = covers ? closer : this.plot;
    // From afar there may be more marks than can be told apart: they come with the detail alone.
    this.seen_marks = this.marks ?? (seen.marks ? new MarkLayer(seen.marks) : null);
    setText(this.caption, seen.caption);
    const { series, bands, data, shape } = drawn(seen);
    const [min, max] = this.range;
    if (!anew && this.chart && shape === this.shape) {
      this.chart.batch(() => {
        this.chart.setData(data, false);
        this.chart.setScale("x", { min, max });
      });
    } else {
      this.chart?.destroy();
      this.shape = shape;
      this.chart = new uPlot(this.options(series, bands), data, this.canvas);
      this.hear(this.chart.over);
    }
  }

  options(series, bands) {
    const axis = {
      stroke: () => colour("--ink-quiet"), font: FONT, labelFont: FONT, labelSize: 20, gap: 4,
      grid: { stroke: () => colour("--line-faint"), width: 1 },
      ticks: { stroke: () => colour("--line"), width: 1, size: 5 },
    };
    return {
      width: this.canvas.clientWidth, height: this.height, series, bands,
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false,
        bind: { dblclick: () => () => this.show(...this.plot.x_range) },
      },
      scales: {
        x: { time: false, range: () => this.range },
        y: { range: (_, low, high) => this.heights(low, high) },
      },
      axes: [
        { ...axis, label: this.plot.x_label, size: 30 },
        { ...axis, label: this.plot.y_label, size: 54 },
      ],
      hooks: {
        drawClear: [(chart) => drawShade(chart, this.plot.shade)],
        draw: [(chart) => this.drawOver(chart)],
        setSelect: [(chart) => this.selected(chart)],
        setCursor: [(chart) => this.readOut(chart)],
      },
    };
  }

  heights(low, high) {
    const marks = this.seen_marks?.heightsWithin(...this.range) ?? [];
    const given = [low, high, this.threshold, ...marks].filter((value) => Number.isFinite(value));
    if (!given.length) return [0, 1];
    const [least, most] = [Math.min(...given), Math.max(...given)];
    const margin = (most - least || Math.abs(most) || 1) * 0.07;
    return [least - margin, most + margin];
  }

  drawOver(chart) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    if (this.threshold !== null) {
      const top = chart.valToPos(this.threshold, "y", true);
      ctx.beginPath();
      ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.moveTo(bbox.left, top);
      ctx.lineTo(bbox.left + bbox.width, top);
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.strokeStyle = colour("--accent");
      ctx.stroke();
      ctx.setLineDash([]);
    }
    this.seen_marks?.draw(chart);
    ctx.restore();
    this.placeHandle(chart);
  }

  drawLegend() {
    const entries = legend(this.plot).map(([role, words]) => {
      const line = element("span", { class: `stroke role-${role in STYLES ? role : "data"}` });
      return element("li", {}, line, words);
    });
    if (this.plot.shade.length) {
      entries.push(element("li", {}, element("span", { class: "stroke shade" }), this.plot.shade_name));
    }
    this.legend.replaceChildren(...(entries.length > 1 || this.plot.shade.length ? entries : []));
  }

  // Where one looks

  /** Show x from one value to another, as far as there is something. */
  show(from, to) {
    const [low, high] = this.plot.x_range;
    const width = clamp(to - from, (high - low) * 1e-5, high - low);
    const start = clamp(from, low, high - width);
    this.range = [start, start + width];
    this.draw();
    this.controls.update();
    this.askForDetail();
  }

  zoom(factor, share = 0.5) {
    const [from, to] = this.range;
    const centre = from + (to - from) * share;
    this.show(centre - (centre - from) / factor, centre + (to - centre) / factor);
  }

  pan(share) {
    const by = (this.range[1] - this.range[0]) * share;
    this.show(this.range[0] + by, this.range[1] + by);
  }

  askForDetail() {
    clearTimeout(this.timer);
    this.leaving?.abort();
    if (!this.plot.has_detail || this.isWhole) return;
    this.timer = setTimeout(() => this.fetchDetail(), DETAIL_AFTER_MS);
  }

  async fetchDetail() {
    const [low, high] = this.plot.x_range;
    const [from, to] = this.range;
    const margin = (to - from) / 2; // so that a small step of the pan has its detail
    const span = [Math.max(low, from - margin), Math.min(high, to + margin)];
    const points = Math.round(2 * this.canvas.clientWidth * Math.min(devicePixelRatio, 2));
    const leaving = (this.leaving = new AbortController());
    try {
      const closer = await this.owner.detail(this.plot.name, ...span, points, leaving.signal);
      if (leaving.signal.aborted) return;
      this.closer = { ...closer, span };
      this.draw();
    } catch (error) {
      if (error.name !== "AbortError") setText(this.readout, error.message);
    }
  }

  // What one does

  listen() {
    this.canvas.addEventListener("keydown", (event) => this.pressed(event));
    this.canvas.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
  }

  hear(over) {
    let down = null;
    over.addEventListener("pointerdown", (event) => {
      this.canvas.focus({ preventScroll: true });
      down = [event.clientX, event.clientY];
      if (event.shiftKey || event.pointerType === "touch") this.startPan(event);
    });
    over.addEventListener("click", (event) => {
      if (!down || Math.hypot(event.clientX - down[0], event.clientY - down[1]) > 4) return;
      const { left, top } = over.getBoundingClientRect();
      const kind = event.pointerType;
      const place = this.marks?.near(this.chart, event.clientX - left, event.clientY - top, kind);
      if (place !== null && place !== undefined) this.toggle(place);
    });
    if (this.controls.handle) over.append(this.controls.handle);
  }

  startPan(event) {
    const { canvas } = this; // the chart inside it may be made anew meanwhile
    let last = event.clientX;
    const move = (moved) => {
      this.pan((last - moved.clientX) / this.chart.over.clientWidth);
      last = moved.clientX;
    };
    const end = () => {
      canvas.removeEventListener("pointermove", move);
      this.panning = false;
    };
    this.panning = true;
    canvas.addEventListener("pointermove", move);
    for (const kind of ["pointerup", "pointercancel"]) {
      addEventListener(kind, end, { once: true });
    }
  }

  selected(chart) {
    const { left, width } = chart.select;
    if (width < 4) return;
    const [from, to] = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")];
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (!this.panning) this.show(from, to);
  }

  /** The wheel zooms where the plot has the focus or Ctrl is held; else the page scrolls. */
  wheeled(event) {
    const focused = document.activeElement === this.canvas;
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!(focused || event.ctrlKey) || (sideways && this.isWhole)) return;
    event.preventDefault();
    const { left, width } = this.chart.over.getBoundingClientRect();
    if (sideways || event.shiftKey) this.pan((event.deltaX + event.deltaY) / width);
    else this.zoom(1.0015 ** -event.deltaY, clamp((event.clientX - left) / width, 0, 1));
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = this.keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  get keys() {
    const moves = {
      ArrowLeft: () => this.pan(-KEY_STEP), ArrowRight: () => this.pan(KEY_STEP),
      "+": () => this.zoom(ZOOM_STEP), "=": () => this.zoom(ZOOM_STEP),
      "-": () => this.zoom(1 / ZOOM_STEP), 0: () => this.show(...this.plot.x_range),
      Home: () => this.show(this.plot.x_range[0], this.plot.x_range[0] + this.range[1] - this.range[0]),
      End: () => this.show(this.plot.x_range[1] - this.range[1] + this.range[0], this.plot.x_range[1]),
    };
    if (!this.marks?.count) return moves;
    const press = () => this.marks.current !== null && this.toggle(this.marks.current);
    return {
      ...moves, n: () => this.step(1), p: () => this.step(-1), " ": press, Enter: press,
    };
  }

  /** Go to the next mark, or with -1 to the one before, and have it in sight. */
  step(by) {
    if (!this.marks?.count) return;
    this.marks.step(by, this.range[0]);
    const x = this.marks.marks.x[this.marks.current];
    const [from, to] = this.range;
    if (x < from || x > to) this.show(x - (to - from) / 2, x + (to - from) / 2);
    this.chart?.redraw(false);
    this.controls.update();
    say(this.controls.spoken);
  }

  toggle(place) {
    this.marks.current = place;
    const { can_change, name } = this.marks.marks;
    if (can_change && !this.owner.can_mark) {
      say(`The ${name}s at this threshold are still being found.`);
      return;
    }
    if (can_change) {
      this.marks.toggle(place);
      this.owner.toggleMark(this.marks.marks.number[place]);
    }
    this.chart.redraw(false);
    this.controls.update();
    say(this.controls.spoken);
  }

  /** Before the server has answered that all is as the bundle has it. */
  acceptAll() {
    if (!this.marks?.marks.can_change) return;
    this.marks.accepted.fill(true);
    this.draw();
    this.controls.update();
  }

  moveThreshold(value, last) {
    this.threshold = value;
    this.chart.redraw(false);
    this.controls.update();
    if (last) this.owner.moveThreshold(value);
  }

  placeHandle(chart) {
    const { handle } = this.controls;
    if (handle) handle.style.top = `${chart.valToPos(this.threshold, "y")}px`;
  }

  readOut(chart) {
    const { left, top } = chart.cursor;
    if (left === undefined || left < 0) return;
    const [x, y] = [chart.posToVal(left, "x"), chart.posToVal(top, "y")];
    const width = this.range[1] - this.range[0];
    const height = chart.scales.y.max - chart.scales.y.min;
    const { x_label, y_label } = this.plot;
    setText(this.readout, `${quantity(x, width, x_label)} · ${quantity(y, height, y_label)}`);
  }
}

const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
