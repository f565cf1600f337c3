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
