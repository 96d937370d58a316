
"use strict";
const order = new Intl.Collator("en", { numeric: true });

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

// Each title sorts by its column, and once more the other way round.
function sorts(table, rows) {
  [...table.tHead.rows[0].cells].forEach((title, column) => {
    const button = make("button", { type: "button", textContent: title.textContent });
    button.addEventListener("click", () => {
      const down = title.getAttribute("aria-sort") === "ascending";
      for (const other of title.parentElement.cells) other.removeAttribute("aria-sort");
      title.setAttribute("aria-sort", down ? "descending" : "ascending");
      const cell = (row) => row.cells[column].textContent;
      rows.sort((one, other) => order.compare(cell(one), cell(other)) * (down ? -1 : 1));
      table.tBodies[0].append(...rows);
    });
    title.replaceChildren(button);
  });
}

// Only rows with all of the words are shown.
function filters(table, rows) {
  const label = make("label", { className: "filter", textContent: "Rows with " });
  const input = make("input", { type: "search", autocomplete: "off" });
  const count = make("output", { textContent: `${rows.length} rows` });
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} rows`;
  });
  label.append(input, count);
  table.caption.append(label);
}

function enliven(part) {
  for (const table of part.querySelectorAll("table")) {
    const rows = [...table.tBodies[0].rows];
    sorts(table, rows);
    filters(table, rows);
  }
}
enliven(document);

// Of a large fleet, what is below a lid is made when that is opened.
const packed = (lid) => lid.querySelector(":scope > template");
async function unpack(lid) {
  const part = packed(lid);
  if (!part) return;
  part.remove();
  const bytes = Uint8Array.from(atob(part.content.textContent.trim()), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  lid.insertAdjacentHTML("beforeend", await new Response(stream).text());
  enliven(lid);
}
document.addEventListener("toggle", (event) => unpack(event.target), true);

// A link to a hypervisor opens its picture, one to a table the table; paper has no lids.
const lids = [...document.querySelectorAll("details")];
function open_target() {
  const target = document.getElementById(location.hash.slice(1));
  const lid = target && (target.matches("details") ? target : target.querySelector(":scope > details"));
  if (lid) lid.open = true;
}
addEventListener("hashchange", open_target);
open_target();

let opened = [];
addEventListener("beforeprint", () => {
  opened = lids.filter((lid) => !lid.open && !packed(lid));
  for (const lid of opened) lid.open = true;
});
addEventListener("afterprint", () => {
  for (const lid of opened) lid.open = false;
});
for (const [word, open] of [["Open all", true], ["Close all", false]]) {
  const button = make("button", { type: "button", className: "all", textContent: word });
  button.addEventListener("click", () => {
    for (const lid of lids) if (lid.id && !(open && packed(lid))) lid.open = open;
  });
  document.querySelector(".legend").append(button);
}
