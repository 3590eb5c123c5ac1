/** The page's one stylesheet. It is inline, under its hash in the Content-Security-Policy, so one request shows all. */
import { createHash } from "node:crypto"
import { type Html, markup, toText } from "#dashboard/html"

export const STYLE: Html = markup`
:root {
  color-scheme: light dark;
  --text: #1c2430; --dim: #566072; --line: #d5dae2; --ground: #ffffff; --stripe: #f5f7fa;
  --good: #1a7f45; --bad: #b3261e; --hold: #8a5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e8ef; --dim: #a0a9b8; --line: #363e4b; --ground: #14181f; --stripe: #1b212b;
    --good: #5fce8b; --bad: #ff8a80; --hold: #f0b955;
  }
}
body {
  margin: 0 auto; padding: 1rem 1.5rem; max-width: 90rem;
  font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--ground);
}
header { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline }
h1 { font-size: 1.4rem; margin: 0 }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .5rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top }
thead th { color: var(--dim); font-weight: 600 }
tbody th { font-weight: 600 }
tbody th, .names { min-width: 8rem; overflow-wrap: anywhere }
tbody tr:nth-child(even) { background: var(--stripe) }
time { white-space: nowrap }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.words { min-width: 16rem }
.words, .wrong, header { overflow-wrap: anywhere }
small, footer { color: var(--dim) }
.active { color: var(--good) }
.error, .wrong b { color: var(--bad) }
.paused { color: var(--hold) }
a { color: inherit }
code { font-size: .95em }
@media (max-width: 40rem) {
  body { padding: .75rem }
  th, td { padding: .3rem .4rem }
  .kind { display: none }
}
`

export const STYLE_SOURCE = `'sha256-${createHash("sha256").update(toText(STYLE)).digest("base64")}'`
