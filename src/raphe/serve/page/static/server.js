/** What the page asks of its server. Whatever goes wrong is one sentence, in a Refused. */

export class Refused extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

const SILENT = "The server does not answer; is raphe serve, or raphe demo, still running?";
const BUSY = 503;
const PATIENCE_MS = 120_000;

/** The address of something with its query; a value of null, undefined or "" is left out. */
export function address(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => ![null, undefined, ""].includes(value));
  const words = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length ? `${path}?${words}` : path;
}

/** Ask, waiting while the server is busy; the answer's JSON, null where it has none. */
export async function ask(method, path, body = null, signal = undefined) {
  const response = await answer(method, path, body, signal);
  return response.status === 204 ? null : response.json();
}

/** A file to save: its contents, and the name that the server gave it. */
export async function askFile(method, path, body = null) {
  const response = await answer(method, path, body);
  const told = response.headers.get("Content-Disposition") ?? "";
  const [, encoded] = /filename\*=UTF-8''([^;]+)/i.exec(told) ?? [];
  const [, plain] = /filename="?([^";]+)/i.exec(told) ?? [];
  const name = encoded ? decodeURIComponent(encoded) : plain ?? "raphe";
  return { blob: await response.blob(), name };
}

export async function askText(path) {
  return (await answer("GET", path)).text();
}

async function answer(method, path, body = null, signal = undefined) {
  const options = { method, signal, cache: "no-store" };
  if (body !== null) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  const response = await patiently(() => fetchOnce(path, options));
  if (!response.ok) throw new Refused(sentenceOf(await response.text()), response.status);
  return response;
}

async function fetchOnce(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(SILENT, 0);
  }
}

/** Send a file; `progress` hears the share of it that has gone, 0 to 1. */
export async function send(path, file, progress, signal) {
  const response = await patiently(() => sendOnce(path, file, progress, signal));
  if (response.status < 200 || response.status > 299) {
    throw new Refused(sentenceOf(response.responseText), response.status);
  }
  return JSON.parse(response.responseText);
}

function sendOnce(path, file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how far it has sent
    request.open("POST", path);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress(event.loaded / event.total);
    });
    request.upload.addEventListener("load", () => progress(1));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => reject(new Refused(brokenOff(file), 0)));
    request.addEventListener("abort", () => reject(new Refused("Sending was ended.", 0)));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** The browser does not tell a dead server from a file that changed or went while it was read. */
function brokenOff(file) {
  return `${file.name}: sending broke off; the file may have changed or the server has ended.`;
}

async function patiently(once) {
  const start = performance.now();
  for (let wait = 300; ; wait = Math.min(wait * 1.6, 4000)) {
    const response = await once();
    if (response.status !== BUSY || performance.now() - start > PATIENCE_MS) return response;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

function sentenceOf(text) {
  try {
    return JSON.parse(text).error ?? SILENT;
  } catch {
    return "The server gave an answer that this page cannot read; its terminal may say why.";
  }
}
