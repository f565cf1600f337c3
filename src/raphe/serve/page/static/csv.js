/** A table of RFC 4180 as rows by column. */
export function parseCsv(text) {
  const [columns = [], ...rows] = cells(text);
  return rows.map((row) => Object.fromEntries(columns.map((name, place) => [name, row[place] ?? ""])));
}

function cells(text) {
  const rows = [[]];
  const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  CELL.lastIndex = text.startsWith("\ufeff") ? 1 : 0;
  while (CELL.lastIndex < text.length) {
    const match = CELL.exec(text);
    if (!match) break;
    rows.at(-1).push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
    if (match[3].endsWith("\n")) rows.push([]);
    if (match[3] === "") break;
  }
  return rows.filter((row) => row.length > 0);
}

/** Rows by column as such a table. */
export function csvText(columns, rows) {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const line = (texts) => texts.map(quoted).join(",");
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ""))].map(line);
  return lines.map((text) => `${text}\n`).join("");
}

/** A text that a spreadsheet would compute, so that it does not, as the server's tables have it. */
export function neutral(text) {
  return /^'*[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
}
