/** The ledger as JSON for programs and as one plain page for people: what is scaled, how it stands, what happened. */
import type { Leadership } from "#dashboard/Operations"
import { type Html, markup } from "#dashboard/html"
import type { HealthReport } from "#operator/Health"
import type { Activity, PolicyView } from "#operator/Ledger"
import type { Target } from "#schemas/Policy"
import { STYLE } from "./style.ts"

export const REFRESH_SECONDS = 10

const rfc3339 = (millis: number) => new Date(millis).toISOString()

/** One entry of `/scaling-activity`. */
export const activityJson = (activity: Activity) => ({
  timestamp: rfc3339(activity.at),
  namespace: activity.target.namespace,
  deployment: activity.target.name,
  kind: activity.target.kind,
  action: activity.action,
  oldReplicas: activity.from,
  newReplicas: activity.to,
  outcome: activity.outcome,
  reason: activity.reason,
  ...(activity.message === undefined ? {} : { message: activity.message }),
  rule: activity.policy.name,
  ruleKind: activity.policy.kind,
  engine: activity.engine,
  ...(activity.recommended === undefined ? {} : { recommendedReplicas: activity.recommended }),
  limitedBy: activity.limitedBy,
  id: activity.id,
  ...(activity.traceId === undefined ? {} : { traceId: activity.traceId })
})

/** One entry of `/api/v1/policies`. */
export const policyJson = ({ ref, phase, mode, bounds, targets, status }: PolicyView) => ({
  kind: ref.kind,
  apiVersion: ref.apiVersion,
  namespace: ref.namespace,
  name: ref.name,
  phase,
  mode,
  ...(bounds === undefined ? {} : { minReplicas: bounds.min, maxReplicas: bounds.max }),
  targets: targets.map(({ kind, namespace, name }) => ({ kind, namespace, name })),
  status
})

/** Worst first, so that what needs somebody is on top. */
const URGENCY: Readonly<Record<string, number>> = { Error: 0, Paused: 1, Initializing: 2, Learning: 3, Active: 4 }

export const inOrder = (views: Iterable<PolicyView>): ReadonlyArray<PolicyView> =>
  [...views].sort(
    (a, b) =>
      (URGENCY[a.phase] ?? 9) - (URGENCY[b.phase] ?? 9) ||
      a.ref.namespace.localeCompare(b.ref.namespace) ||
      a.ref.name.localeCompare(b.ref.name)
  )

export interface PageInput {
  readonly version: string
  readonly leadership: Leadership
  readonly health: HealthReport
  readonly policies: ReadonlyArray<PolicyView>
  readonly activity: ReadonlyArray<Activity>
  readonly at: number
}

const MAX_POLICIES_SHOWN = 500

const MAX_TARGETS_SHOWN = 3

const targetText = ({ kind, name }: Target) => `${kind}/${name}`

const targetsText = (targets: ReadonlyArray<Target>): string => {
  const more = targets.length - MAX_TARGETS_SHOWN
  const shown = targets.slice(0, MAX_TARGETS_SHOWN).map(targetText).join(", ")
  return more > 0 ? `${shown} and ${more} more` : shown
}

const describe = ({ conditions, status }: PolicyView): string => {
  const said = conditions.find(({ type, status: holds }) => type === "Ready" && holds !== "True")
  return said?.message ?? status.lastDecision?.reasoning ?? ""
}

const number = (value: number | undefined): Html => markup`<td class="number">${value ?? "–"}</td>`

const policyRow = (view: PolicyView): Html =>
  markup`<tr>
    <th scope="row">${view.ref.namespace}/${view.ref.name}</th>
    <td class="kind">${view.ref.kind}</td>
    <td class="names">${targetsText(view.targets)}</td>
    <td>
      <span class="phase ${view.phase.toLowerCase()}">${view.phase}</span>${view.mode === "Active" || view.mode === view.phase ? "" : ` ${view.mode}`}
    </td>
    ${number(view.bounds?.min)}${number(view.bounds?.max)}${number(view.status.currentReplicas)}${number(view.status.targetReplicas)}
    <td class="words">${describe(view)}</td>
  </tr> `

const activityRow = (activity: Activity): Html =>
  markup`<tr>
    <td><time datetime="${rfc3339(activity.at)}">${rfc3339(activity.at).slice(0, 19).replace("T", " ")}</time></td>
    <th scope="row">${activity.target.namespace}/${activity.target.name}</th>
    <td class="number">${activity.from} → ${activity.to}</td>
    <td>${activity.outcome}</td>
    <td class="names">${activity.policy.name}</td>
    <td class="words">
      ${activity.message ?? activity.reason}${
        activity.limitedBy.length === 0 ? "" : markup` <small>limited by ${activity.limitedBy.join(", ")}</small>`
      }
    </td>
  </tr> `

const table = (caption: string, columns: ReadonlyArray<string>, rows: ReadonlyArray<Html>, empty: Html): Html =>
  rows.length === 0
    ? markup`<h2>${caption}</h2>
        <p>${empty}</p>`
    : markup`<h2>${caption}</h2>
        <div class="wide" role="region" aria-label="${caption}" tabindex="0">
          <table>
            <thead>
              <tr>
                ${columns.map((column) => markup`<th scope="col"${column === "Kind" ? markup` class="kind"` : ""}>${column}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${rows}
            </tbody>
          </table>
        </div>`

const standing = ({ leading, holder }: Leadership): Html => {
  if (leading) return markup`This operator leads.`
  return holder === undefined
    ? markup`This operator is a standby; nobody leads at the moment.`
    : markup`This operator is a standby and knows no activity: <b>${holder}</b> leads. Its page has it.`
}

const troubles = ({ components, waitingFor }: HealthReport): ReadonlyArray<Html> => [
  ...waitingFor.map((gate) => markup`<li>Waiting for: ${gate}</li>`),
  ...Object.entries(components).flatMap(([name, { healthy, detail }]) =>
    healthy === false && name !== "leader" ? [markup`<li><b>${name}</b>: ${detail}</li>`] : []
  )
]

export const activityPage = (input: PageInput): Html => {
  const { policies, activity, leadership, health, at, version } = input
  const shown = policies.slice(0, MAX_POLICIES_SHOWN)
  const wrong = troubles(health)
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="refresh" content="${REFRESH_SECONDS}" />
        <meta name="color-scheme" content="light dark" />
        <title>NimbusGuard: scaling activity</title>
        <style>${STYLE}</style>
      </head>
      <body>
        <header>
          <h1>NimbusGuard</h1>
          <p>${standing(leadership)}</p>
        </header>
        <main>
          ${
            wrong.length === 0
              ? ""
              : markup`<ul class="wrong">
                  ${wrong}
                </ul>`
          }
          ${table(
            `Policies (${policies.length})`,
            ["Policy", "Kind", "Target", "Phase", "Min", "Max", "Current", "Desired", "Why"],
            shown.map(policyRow),
            leadership.leading
              ? markup`There are no policies yet. Apply one:
                  <code>kubectl apply -k manifests/examples/http-service</code>`
              : markup`A standby runs no policies.`
          )}
          ${policies.length > shown.length ? markup`<p>The first ${shown.length} are shown; <code>kubectl get scalers -A</code> has all.</p>` : ""}
          ${table(
            "Recent scaling actions",
            ["Time (UTC)", "Workload", "Replicas", "Outcome", "Policy", "Why"],
            activity.map(activityRow),
            leadership.leading
              ? markup`Nothing was scaled since this operator started.`
              : markup`A standby scales nothing.`
          )}
        </main>
        <footer>
          <p>
            As of <time datetime="${rfc3339(at)}">${rfc3339(at).slice(11, 19)}</time> UTC, read again every
            ${REFRESH_SECONDS} seconds. The same as JSON: <a href="/scaling-activity">/scaling-activity</a>,
            <a href="/api/v1/policies">/api/v1/policies</a>, <a href="/health">/health</a>. Version ${version}.
          </p>
        </footer>
      </body>
    </html> `
}
