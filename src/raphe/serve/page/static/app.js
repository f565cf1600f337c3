/** The page of `raphe serve`: its parts, and which of them is shown. */

import { AllResults } from "./cells.js";
import { CheckByHand } from "./check.js";
import { DropZone } from "./drop.js";
import { Fields } from "./fields.js";
import { FileList } from "./list.js";
import { Live } from "./live.js";
import { ask } from "./server.js";
import { Session } from "./session.js";
import { OpenedView } from "./view.js";

const PANES = ["recordings", "cells", "check", "live"];
const byId = (id) => document.getElementById(id);

function link(pane) {
  return document.querySelector(`nav a[data-pane="${pane}"]`);
}

/** Show the part that the address names, where this bundle has it. */
function showPane(shown) {
  const wanted = location.hash.slice(1);
  const pane = PANES.includes(wanted) && !link(wanted).hidden ? wanted : "recordings";
  for (const name of PANES) {
    byId(`pane-${name}`).hidden = name !== pane;
    if (name === pane) link(name).setAttribute("aria-current", "page");
    else link(name).removeAttribute("aria-current");
  }
  for (const [name, part] of Object.entries(shown)) part?.show(name === pane);
}

async function start() {
  if (location.search) history.replaceState(null, "", location.pathname + location.hash); // a token
  const page = await ask("GET", "page.json");
  const session = new Session(page);
  const fields = new Fields(page.fields, byId("needed-fields"), byId("more-fields"));
  new DropZone(session, fields);
  new FileList(session, fields);

  const opened = new OpenedView(session, byId("opened"));
  session.addEventListener("shown", ({ detail }) => opened.render(detail));
  opened.render(null);
  const open = (entry, item = null) => {
    location.hash = "recordings";
    showPane(parts); // the browser tells of another hash only later
    const scroll = () => byId("opened").scrollIntoView({ block: "start" });
    scroll();
    session.show(entry, item).then(scroll); // now that it has its height
  };
  const parts = { cells: new AllResults(session, open), check: null };
  if (page.labels.length) {
    link("check").hidden = false;
    parts.check = new CheckByHand(session);
  }
  if (page.folder !== null) {
    link("live").hidden = false;
    new Live(session, open);
  }
  addEventListener("hashchange", () => {
    showPane(parts);
    byId("main").focus({ preventScroll: true });
  });
  if (!location.hash && page.folder !== null) history.replaceState(null, "", "#live");
  showPane(parts);
  await session.restore();
}

start().catch((error) => {
  byId("page-problem").textContent = error.message;
  byId("page-problem").hidden = false;
});
