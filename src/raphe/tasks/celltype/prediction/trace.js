// The recording in place of its picture: to zoom into, to move along, and from spike to spike.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("trace-data").textContent);
  const place = document.querySelector(".trace");
  const MISSING = -32768;
  const numbers = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Int16Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i, true));
  };
  const sweeps = data.sweeps.map((sweep) => ({
    ...sweep, low: numbers(sweep.low), high: numbers(sweep.high),
  }));
  const waves = numbers(data.spikes);
  const last = sweeps[sweeps.length - 1];
  const end = last.start + last.step * last.low.length;
  const window_s = data.spikeSamples / data.rate;
  const style = getComputedStyle(document.documentElement);
  const [ink, grey, line] = ["--ink", "--grey", "--line"].map((n) => style.getPropertyValue(n));
  const colour = place.dataset.colour;

  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  const state = document.createElement("span");
  state.setAttribute("aria-live", "polite");
  const tools = document.createElement("div");
  tools.className = "tools";
  const help = document.createElement("p");
  help.textContent = "Drag to move. Zoom with two fingers, with Ctrl and the wheel, or with the "
    + "wheel once the picture is clicked. Keys: + and −, the arrows, Home for all of it, N and P "
    + "for the next and the previous spike.";
  const step_ms = 1000 * Math.max(...sweeps.map((sweep) => sweep.step));
  help.textContent += ` Grey lies between the lowest and the highest sample of each `
    + `${step_ms.toPrecision(2)} ms; from close by, spikes are drawn as they were sampled.`;
  let from = 0;
  let to = end;

  const show = (start, stop) => {
    const span = Math.min(Math.max(stop - start, window_s / 4), end);
    from = Math.min(Math.max(start + (stop - start - span) / 2, 0), end - span);
    to = from + span;
    draw();
  };
  const zoom = (times, at = (from + to) / 2) => show(at - (at - from) / times, at + (to - at) / times);
  const move = (share) => show(from + share * (to - from), to + share * (to - from));
  const toSpike = (step) => {
    const middle = (from + to) / 2;
    const away = window_s / 4; // the middle of a spike's window lies behind its crossing
    const times = data.times.slice().sort((a, b) => a - b).map((t) => t + away);
    const next = step > 0 ? times.find((t) => t > middle + 1e-4)
      : times.reverse().find((t) => t < middle - 1e-4);
    if (next === undefined) return;
    const span = Math.min(to - from, 5 * window_s);
    show(next - span / 2, next + span / 2);
  };

  const ticks = (low, high, most) => {
    const rough = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const values = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i += 1) {
      values.push([i * step, (i * step).toFixed(digits).replace("-", "−")]);
    }
    return values;
  };

  // The lowest and highest value of each stretch or, where these are finer, each column of pixels:
  // [x, low, high, width].
  const columns = (sweep, toX) => {
    const first = Math.max(0, Math.floor((from - sweep.start) / sweep.step));
    const stop = Math.min(sweep.low.length, Math.ceil((to - sweep.start) / sweep.step) + 1);
    const found = [];
    for (let i = first; i < stop; i += 1) {
      if (sweep.low[i] === MISSING || sweep.high[i] === MISSING) continue;
      const x = Math.floor(toX(sweep.start + i * sweep.step));
      const width = Math.max(1, Math.ceil(toX(sweep.start + (i + 1) * sweep.step)) - x);
      const before = found[found.length - 1];
      if (before && before[0] === x) {
        before[1] = Math.min(before[1], sweep.low[i]);
        before[2] = Math.max(before[2], sweep.high[i]);
      } else {
        found.push([x, sweep.low[i], sweep.high[i], width]);
      }
    }
    return found;
  };

  const draw = () => {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const [left, right, top, bottom] = [64, width - 8, 18, height - 42];
    const toX = (t) => left + ((t - from) / (to - from)) * (right - left);
    const drawn = sweeps.map((sweep) => columns(sweep, toX));
    const inView = data.times.filter((t) => t >= from && t <= to).length;
    const asSampled = window_s / (to - from) > 12 / (right - left)
      ? data.drawn.map((spike, i) => [data.times[spike] - data.before / data.rate, i])
        .filter(([t]) => t + window_s > from && t < to) : [];
    let [low, high] = [Infinity, -Infinity];
    drawn.flat().forEach(([, a, b]) => { low = Math.min(low, a); high = Math.max(high, b); });
    if (low > high) [low, high] = [-1, 1];
    if (data.threshold !== null) {
      low = Math.min(low, data.threshold * data.perUnit);
      high = Math.max(high, data.threshold * data.perUnit);
    }
    const room = 0.05 * (high - low || 1);
    [low, high] = [(low - room) / data.perUnit, (high + room) / data.perUnit];
    const toY = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
    const rawY = (value) => toY(value / data.perUnit);

    pen.font = "13px system-ui, sans-serif";
    pen.lineWidth = 1;
    pen.fillStyle = ink;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    ticks(low, high, 5).forEach(([value, text]) => {
      pen.strokeStyle = line;
      pen.beginPath(); pen.moveTo(left, toY(value)); pen.lineTo(right, toY(value)); pen.stroke();
      pen.fillText(text, left - 6, toY(value));
    });
    pen.textAlign = "center";
    pen.textBaseline = "top";
    ticks(from, to, Math.max(2, width / 110)).forEach(([value, text]) => {
      pen.strokeStyle = ink;
      pen.beginPath(); pen.moveTo(toX(value), bottom); pen.lineTo(toX(value), bottom + 5);
      pen.stroke();
      pen.fillText(text, toX(value), bottom + 7);
    });
    pen.fillText("time (s)", (left + right) / 2, height - 17);
    pen.save();
    pen.translate(2, (top + bottom) / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(place.dataset.quantity, 0, 0);
    pen.restore();

    pen.save();
    pen.beginPath(); pen.rect(left, 0, right - left, bottom + 1); pen.clip();
    pen.fillStyle = asSampled.length ? line : grey;
    drawn.flat().forEach(([x, a, b, wide]) => {
      pen.fillRect(x, rawY(b), wide, Math.max(1, rawY(a) - rawY(b)));
    });
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    asSampled.forEach(([t, i]) => {
      pen.beginPath();
      for (let s = 0; s < data.spikeSamples; s += 1) {
        const y = rawY(waves[i * data.spikeSamples + s]);
        pen[s ? "lineTo" : "moveTo"](toX(t + s / data.rate), y);
      }
      pen.stroke();
    });
    pen.lineWidth = 1.5;
    data.times.forEach((t) => {
      if (t < from || t > to) return;
      pen.beginPath(); pen.moveTo(toX(t), 3); pen.lineTo(toX(t), 13); pen.stroke();
    });
    if (data.threshold !== null) {
      pen.strokeStyle = ink;
      pen.lineWidth = 1;
      pen.setLineDash([6, 4]);
      pen.beginPath();
      pen.moveTo(left, toY(data.threshold)); pen.lineTo(right, toY(data.threshold));
      pen.stroke();
    }
    pen.restore();
    const digits = Math.max(1, Math.min(4, Math.ceil(2 - Math.log10(to - from))));
    const told = `${from.toFixed(digits)} to ${to.toFixed(digits)} s, `
      + `${inView} spike${inView === 1 ? "" : "s"}`;
    state.textContent = told;
    canvas.setAttribute("aria-label", `Recording from ${told}`);
  };

  const button = (text, label, run) => {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.setAttribute("aria-label", label);
    element.addEventListener("click", run);
    tools.append(element);
  };
  button("+", "zoom in", () => zoom(2));
  button("−", "zoom out", () => zoom(0.5));
  button("←", "earlier", () => move(-0.5));
  button("→", "later", () => move(0.5));
  if (data.times.length) {
    button("previous spike", "previous spike", () => toSpike(-1));
    button("next spike", "next spike", () => toSpike(1));
  }
  button("all", "the whole recording", () => show(0, end));
  tools.append(state);

  const keys = {
    "+": () => zoom(2), "=": () => zoom(2), "-": () => zoom(0.5), "−": () => zoom(0.5),
    ArrowUp: () => zoom(2), ArrowDown: () => zoom(0.5),
    ArrowLeft: () => move(-0.25), ArrowRight: () => move(0.25), Home: () => show(0, end),
    n: () => toSpike(1), p: () => toSpike(-1),
  };
  canvas.addEventListener("keydown", (event) => {
    const run = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!run || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    run();
  });
  const timeAt = (x) => {
    const left = 64;
    return from + ((x - left) / (canvas.clientWidth - 8 - left)) * (to - from);
  };
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return; // else the page scrolls
    event.preventDefault();
    zoom(2 ** (-Math.sign(event.deltaY) / 2), timeAt(event.offsetX));
  }, { passive: false });
  const pointers = new Map();
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event.offsetX);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    const before = pointers.get(event.pointerId);
    const others = [...pointers].filter(([id]) => id !== event.pointerId);
    if (others.length) {
      const fixed = others[0][1];
      const [was, is] = [Math.abs(before - fixed), Math.abs(event.offsetX - fixed)];
      if (was > 10 && is > 10) zoom(is / was, timeAt(fixed));
    } else {
      const moved = timeAt(before) - timeAt(event.offsetX);
      show(from + moved, to + moved);
    }
    pointers.set(event.pointerId, event.offsetX);
  });
  ["pointerup", "pointercancel"].forEach((name) => {
    canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
  });

  place.replaceChildren(tools, canvas, help);
  new ResizeObserver(draw).observe(canvas);
})();
