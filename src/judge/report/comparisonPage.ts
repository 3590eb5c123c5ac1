/** A comparison as one page: figures, then for each entrant its replicas against the need, its latency, and where it went wrong. */
import { capacityOf } from "#workload/Workload"
import { type Comparison, type Shown, verdict } from "../comparison.ts"
import { HEADS, rowsOf } from "../comparisonText.ts"
import { clock, tell } from "../episodes.ts"
import { COLOURS, escaped, list, page, scrolled, table } from "./page.ts"
import { timePlot } from "./plot.ts"
import { folded } from "./series.ts"

const WRONG_SHARE = 0.05

const wrongPoints = ({ load }: Comparison, { run }: Shown): ReadonlyArray<boolean> => {
  const bad = folded(run.course.bad, "sum")
  const all = folded(load.arrivals, "sum")
  return bad.map((value, point) => value > WRONG_SHARE * Math.max(1, all[point] ?? 0))
}

const panel = (comparison: Comparison, shown: Shown, index: number): string => {
  const { ideal, load } = comparison
  const { episodes, run, scored, title } = shown
  const colour = COLOURS[index % COLOURS.length] ?? "ours"
  const { kind, objectiveSeconds } = load.workload
  const seconds = load.seconds
  const wrong = wrongPoints(comparison, shown)
  const most = Math.max(
    ...comparison.shown.map((one) => one.run.course.pods.reduce((top, value) => Math.max(top, value), 0))
  )
  const replicas = timePlot({
    height: 170,
    seconds,
    unit: "pods",
    top: most * 1.05,
    wrong,
    layers: [
      { values: folded(ideal.course.ready, "max"), shape: "area", colour: "need" },
      { values: folded(run.course.pods, "max"), shape: "steps", colour }
    ]
  })
  const scale = kind === "queue" ? 1 : 1000
  const latency = timePlot({
    height: 90,
    seconds,
    unit: kind === "queue" ? "age, s" : "p95, ms",
    limit: objectiveSeconds * scale,
    most: objectiveSeconds * scale * 3,
    labelled: false,
    layers: [{ values: folded(run.course.p95Seconds, "max").map((value) => value * scale), shape: "line", colour }]
  })
  const told = episodes.map(
    (episode) => `<li>At ${escaped(tell(episode))}.${list(episode.reasons.map((reason) => `At ${reason}`))}</li>`
  )
  const wentWrong = told.length === 0 ? "" : `<p class="soft">Where it went wrong most:</p><ul>${told.join("")}</ul>`
  return `<h3>${escaped(title)} <span class="soft">score ${scored.score.toFixed(1)}, ${(100 * scored.violations).toFixed(2)} % bad, ${scored.podHours.toFixed(1)} pod-hours</span></h3>${scrolled(replicas + latency)}${wentWrong}`
}

const CHANGES_MAX = 400

const changesOf = ({ run }: Shown): string => {
  const rows = run.changes.slice(0, CHANGES_MAX).map(({ from, reason, second, to }) => ({
    cells: [clock(second), `${from}`, `${to}`, reason]
  }))
  const more = run.changes.length > CHANGES_MAX ? `, the first ${CHANGES_MAX} of them` : ""
  return `<details><summary>${run.changes.length} changes of the first, with their reasons${more}</summary>${table(["at", "from", "to", "because"], rows)}</details>`
}

/** `policy`: what to copy, in YAML. */
export const comparisonPage = (
  comparison: Comparison,
  policy?: { readonly title: string; readonly yaml: string }
): string => {
  const { load, notes, shown, title } = comparison
  const [ours] = shown
  const demand = timePlot({
    height: 150,
    seconds: load.seconds,
    unit: load.workload.kind === "queue" ? "messages/s" : "requests/s",
    layers: [{ values: folded(load.arrivals, "mean"), shape: "area", colour: "need" }]
  })
  const allowed = 1 - comparison.goodFraction
  return page(title, [
    `<h1>${escaped(title)}</h1>`,
    `<p>${escaped(verdict(comparison))}</p>`,
    list(notes),
    table(
      HEADS,
      rowsOf(comparison).map((cells, index) => ({ cells, ...(index === 0 ? { mark: "ours" } : {}) }))
    ),
    `<p class="soft">Bad answers: of all, ${(100 * allowed).toFixed(2)} % are allowed. Over best: pod-hours over the reference. Score: 100 is the reference's pods, no bad answer and no change.</p>`,
    `<h2>Demand</h2>`,
    `<p class="soft">A pod serves ${Number(capacityOf(load.workload).toPrecision(3))} per second.</p>`,
    scrolled(demand),
    `<h2>Replicas against need</h2>`,
    `<p class="soft"><span class="key" style="background:var(--need)"></span>ready pods of who knows the future<span class="key" style="background:var(--ours)"></span>pods, starting ones included<span class="key" style="background:var(--wrong);opacity:.4"></span>more than 5 % of the answers bad</p>`,
    ...shown.map((one, index) => panel(comparison, one, index)),
    ours === undefined ? "" : changesOf(ours),
    policy === undefined ? "" : `<h2>${escaped(policy.title)}</h2><pre>${escaped(policy.yaml)}</pre>`
  ])
}
