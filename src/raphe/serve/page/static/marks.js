/** Events on a plot, such as spikes: drawn, found under the pointer, gone through by keys. */

import { clamp } from "./dom.js";
import { colour } from "./plot_data.js";

const NEAR_PX = { mouse: 12, pen: 16, touch: 24 };

export class MarkLayer {
  constructor(marks) {
    this.current = null; // place of the one that keys act on
    this.update(marks);
  }

  update(marks) {
    this.marks = marks;
    this.accepted = [...marks.accepted];
    if (this.current !== null) this.current = clamp(this.current, 0, this.count - 1);
    if (!this.count) this.current = null;
  }

  get count() {
    return this.marks.number.length;
  }

  heightsWithin(from, to) {
    return this.marks.y.filter((_, place) => this.marks.x[place] >= from && this.marks.x[place] <= to);
  }

  /** Reject the mark, or accept it again, before the server has answered. */
  toggle(place) {
    this.accepted[place] = !this.accepted[place];
    this.current = place;
  }

  step(by, from) {
    const inside = this.marks.x.findIndex((x) => x >= from);
    if (this.current === null) this.current = Math.max(inside, 0);
    else this.current = clamp(this.current + by, 0, this.count - 1);
  }

  /** The place of the mark under the pointer, or null. */
  near(plot, left, top, kind) {
    let [best, least] = [null, NEAR_PX[kind] ?? NEAR_PX.mouse];
    for (const [place, x] of this.marks.x.entries()) {
      const far = Math.hypot(plot.valToPos(x, "x") - left, this.height(plot, place, false) - top);
      if (far < least) [best, least] = [place, far];
    }
    return best;
  }

  height(plot, place, on_canvas) {
    const y = this.marks.y[place];
    const edge = on_canvas ? plot.bbox.top + 8 * devicePixelRatio : 8;
    return y === null || y === undefined ? edge : plot.valToPos(y, "y", on_canvas);
  }

  draw(plot) {
    const { ctx, bbox } = plot;
    const { min, max } = plot.scales.x;
    const inside = this.marks.x.filter((x) => x >= min && x <= max).length;
    const radius = (inside > 150 ? 2.5 : 4) * devicePixelRatio;
    for (const [place, x] of this.marks.x.entries()) {
      if (x < min || x > max) continue;
      const left = plot.valToPos(x, "x", true);
      const top = clamp(this.height(plot, place, true), bbox.top, bbox.top + bbox.height);
      if (this.accepted[place]) this.dot(ctx, left, top, radius, "--plot-mark");
      else if (this.marks.can_change) this.cross(ctx, left, top, radius);
      else this.dot(ctx, left, top, radius, "--surface");
      if (place === this.current) this.ring(ctx, left, top, radius * 2.2);
    }
  }

  /** A dot is accepted, or of what cannot be rejected; hollow, it has not what the filled ones have. */
  dot(ctx, left, top, radius, fill) {
    ctx.beginPath();
    ctx.arc(left, top, radius, 0, 2 * Math.PI);
    ctx.fillStyle = colour(fill);
    ctx.fill();
    ctx.lineWidth = (fill === "--surface" ? 1.5 : 1) * devicePixelRatio;
    ctx.strokeStyle = colour(fill === "--surface" ? "--plot-mark" : "--surface");
    ctx.stroke();
  }

  /** A cross is rejected: the shape tells, too. */
  cross(ctx, left, top, radius) {
    ctx.beginPath();
    ctx.moveTo(left - radius, top - radius);
    ctx.lineTo(left + radius, top + radius);
    ctx.moveTo(left - radius, top + radius);
    ctx.lineTo(left + radius, top - radius);
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.strokeStyle = colour("--ink-quiet");
    ctx.stroke();
  }

  ring(ctx, left, top, radius) {
    ctx.beginPath();
    ctx.arc(left, top, radius, 0, 2 * Math.PI);
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.strokeStyle = colour("--accent");
    ctx.stroke();
  }
}
