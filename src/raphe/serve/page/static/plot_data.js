/** A Plot of the server as uPlot draws it: lines joined on one x, each role in its style. */

export const STYLES = { // width in CSS pixels; `dash` for the second line of a role and so on
  data: { colour: "--plot-data", width: 1 },
  faint: { colour: "--plot-faint", width: 1 },
  mean: { colour: "--plot-mean", width: 2.5 },
  answer: { colour: "--plot-answer", width: 2 },
  spread: { colour: "--plot-answer", width: 1 },
  truth: { colour: "--plot-truth", width: 1.5 },
  training: { colour: "--plot-training", width: 1.5 },
};
const DASHES = [undefined, [6, 4], [2, 3], [8, 3, 2, 3]];
const AREA_ALPHA = { spread: 0.22, training: 0.25 }; // a band that is meant as one; others are lines
const SEEN_FROM_AFAR_ALPHA = 0.55; // from the least to the most of a line, within a pixel or so

/** A colour of the style sheet, as it is now: light and dark differ. */
export function colour(name, alpha = 1) {
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return alpha === 1 ? value : value + Math.round(alpha * 255).toString(16).padStart(2, "0");
}

/** Options `series` and `bands`, the aligned `data`, and `shape`, which tells whether they fit others. */
export function drawn(plot) {
  const lines = plot.lines.filter((line) => line.x.length > 0);
  const tables = lines.map((line) => (line.low.length ? [line.x, line.high, line.low]
    : [line.x, line.y]));
  const series = [{}];
  const bands = [];
  const met = {};
  for (const line of lines) {
    const style = STYLES[line.role] ?? STYLES.data;
    const nth = line.role === "faint" ? 0 : (met[line.role] = (met[line.role] ?? -1) + 1);
    const stroke = () => colour(style.colour);
    const curve = {
      label: line.name, stroke, width: style.width, dash: DASHES[nth % DASHES.length],
      points: { show: false, size: 5 }, spanGaps: false,
    };
    if (line.low.length) {
      const area = AREA_ALPHA[line.role];
      const edge = { ...curve, dash: undefined, width: area ? 0 : Math.min(style.width, 0.75) };
      bands.push({
        series: [series.length, series.length + 1],
        fill: () => colour(style.colour, area ?? SEEN_FROM_AFAR_ALPHA),
      });
      series.push(edge, { ...edge });
    } else {
      // A lone point would not be seen; the ends of a line are no points that were measured.
      series.push({ ...curve, points: { show: line.x.length === 1, size: 6 } });
    }
  }
  const shape = lines.map((line) => `${line.role}|${line.low.length > 0}|${line.name}`).join("\n");
  return { series, bands, data: joined(tables), shape };
}

function joined(tables) {
  if (!tables.length) return [[]];
  const [first] = tables;
  const shared = tables.every(([x]) => x === first[0] || sameNumbers(x, first[0]));
  if (shared) return [first[0], ...tables.flatMap(([, ...ys]) => ys)];
  return uPlot.join(tables);
}

function sameNumbers(one, other) {
  return one.length === other.length && one.every((value, place) => value === other[place]);
}

/** What stands in a legend: [role, words] of each kind of line, faint ones counted. */
export function legend(plot) {
  const counts = new Map();
  for (const line of plot.lines) {
    if (!line.name) continue;
    const words = line.role === "faint" ? line.name.replace(/\s*#?\d+$/, "") : line.name;
    const key = `${line.role}\n${words}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const entries = [...counts].map(([key, count]) => {
    const [role, words] = key.split("\n");
    return [role, count > 1 ? `${words} (${count})` : words];
  });
  return entries.length > 8 ? entries.filter(([role]) => role !== "faint").slice(0, 8) : entries;
}

/** The unit of an axis "Current (pA)" is "pA"; "" where it names none. */
export function unitOf(label) {
  return /\(([^()]+)\)\s*$/.exec(label)?.[1] ?? "";
}

/** A value of an axis for a reader: "0.350 s", or "Spike 12" where the axis has no unit. */
export function quantity(value, width, label) {
  const unit = unitOf(label);
  return unit ? `${shown(value, width)} ${unit}` : `${label} ${shown(value, width)}`;
}

/** A number for a reader, with as many digits as the width of what is shown needs. */
function shown(value, width) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const digits = clampDigits(3 - Math.floor(Math.log10(Math.abs(width) || 1)));
  return value.toFixed(digits).replace("-", "−");
}

function clampDigits(digits) {
  return Math.min(Math.max(digits, 0), 6);
}

/** Behind a chart's lines: (x, 0 to 1) as a band around each x. */
export function drawShade(chart, shade) {
  const { ctx, bbox } = chart;
  const most = Math.max(...shade.map(([, value]) => value), 1e-9);
  for (const [place, [x, value]] of shade.entries()) {
    const before = shade[place - 1]?.[0] ?? x - ((shade[place + 1]?.[0] ?? x) - x);
    const after = shade[place + 1]?.[0] ?? x + (x - before);
    const left = Math.max(chart.valToPos((before + x) / 2, "x", true), bbox.left);
    const right = Math.min(chart.valToPos((x + after) / 2, "x", true), bbox.left + bbox.width);
    if (right <= left) continue;
    ctx.fillStyle = colour("--plot-shade", (0.5 * value) / Math.max(most, 1));
    // On whole pixels, or neighbours would show a seam.
    ctx.fillRect(Math.round(left), bbox.top, Math.round(right) - Math.round(left), bbox.height);
  }
}
