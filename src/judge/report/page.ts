/** One HTML file with everything in it: light or dark as the reader has it, readable on a phone, nothing asked of any network. */

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const STYLE = `
:root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#5d6673;--rule:#dfe3e8;--card:#f6f8fa;--ours:#0b6bcb;--need:#b9c3cf;--wrong:#e5484d;--c1:#8250df;--c2:#b35900;--c3:#1a7f37;--c4:#bf3989;--c5:#57606a}
@media (prefers-color-scheme:dark){:root{--page:#0e1116;--ink:#e6e9ed;--soft:#9aa4b0;--rule:#2a3038;--card:#161b22;--ours:#58a6ff;--need:#3a434e;--wrong:#ff6369;--c1:#bc8cff;--c2:#f0a35e;--c3:#56d364;--c4:#f778ba;--c5:#8b949e}}
*{box-sizing:border-box}
body{margin:0 auto;padding:24px 16px 64px;max-width:1040px;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:24px;margin:0 0 4px}h2{font-size:18px;margin:36px 0 8px}h3{font-size:15px;margin:24px 0 4px}
p{margin:4px 0;max-width:75ch}.soft{color:var(--soft)}
.scroll{overflow-x:auto}.scroll svg{min-width:760px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:600}
tr.ours td{font-weight:600}td.wrong{color:var(--wrong)}
svg{display:block;width:100%;height:auto;margin:4px 0}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
svg .grid{stroke:var(--rule);stroke-width:1}.limit{stroke:var(--wrong);stroke-dasharray:4 4;fill:none}
.line{fill:none;stroke-width:1.6;stroke-linejoin:round}.area{stroke:none;opacity:.75}
rect.wrong{fill:var(--wrong);opacity:.22}
.need{fill:var(--need);stroke:var(--need)}.line.need{fill:none}
.ours{stroke:var(--ours)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}
svg text.ours{fill:var(--ours);stroke:none}svg text.c1{fill:var(--c1);stroke:none}svg text.c2{fill:var(--c2);stroke:none}svg text.c3{fill:var(--c3);stroke:none}svg text.c4{fill:var(--c4);stroke:none}svg text.c5{fill:var(--c5);stroke:none}
.area.ours{fill:var(--ours);opacity:.18}.dot{fill:var(--page);stroke-width:2}
.key{display:inline-block;width:14px;height:10px;margin:0 5px 0 14px;border-radius:2px;vertical-align:baseline}
ul{margin:4px 0;padding-left:20px}li{margin:3px 0}
pre{background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:12px;overflow-x:auto;font-size:13px}
details{margin:8px 0}summary{cursor:pointer;color:var(--soft)}
`

export const COLOURS = ["ours", "c1", "c2", "c3", "c4", "c5"] as const

export const page = (title: string, body: ReadonlyArray<string>): string =>
  `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
${body.join("\n")}
</body></html>
`

/** What is too wide for a phone to be read there is moved, not shrunk. */
export const scrolled = (wide: string): string => `<div class="scroll">${wide}</div>`

/** The first cell of a row is its name. A row may be marked with a class. */
export const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<{ readonly cells: ReadonlyArray<string>; readonly mark?: string }>
): string => {
  const headCells = head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join("")
  const lines = rows.map(
    ({ cells, mark }) =>
      `<tr${mark === undefined ? "" : ` class="${mark}"`}>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`
  )
  return scrolled(`<table><thead><tr>${headCells}</tr></thead><tbody>${lines.join("")}</tbody></table>`)
}

export const list = (items: ReadonlyArray<string>): string =>
  items.length === 0 ? "" : `<ul>${items.map((item) => `<li>${escaped(item)}</li>`).join("")}</ul>`
