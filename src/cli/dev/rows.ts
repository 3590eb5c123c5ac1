/** One line for each thing that is scaled: how it stands, what it carries, and why. Made of what the operator shows. */
import { type Cell, type Column, sparkline, type Tone } from "#cli/dev/table"
import type { DecisionRecord } from "#schemas/Decision"
import { KINDS } from "#schemas/crd/index"
import type { Policy, PolicyRef, Target } from "#schemas/Policy"
import type { Reading } from "#schemas/Reading"
import type { Phase } from "#schemas/Status"

export interface Pods {
  readonly ready: number
  readonly wanted: number
}

export interface Row {
  readonly policy: PolicyRef
  readonly target: Target | undefined
  readonly phase: Phase
  readonly max: number
  /** Absent: nothing was decided yet. */
  readonly record: DecisionRecord | undefined
  readonly decider: Policy | undefined
  /** Why it is in Error. */
  readonly trouble: string | undefined
  /** As the cluster has them now; absent: as the last record saw them, which may be a whole interval old. */
  readonly pods?: Pods | undefined
  /** Replicas asked for, oldest first. */
  readonly history: ReadonlyArray<number>
  readonly lastChange: { readonly at: number; readonly by: number } | undefined
}

export const COLUMNS: ReadonlyArray<Column> = [
  { title: "POLICY", min: 22, max: 36, leaves: 0 },
  { title: "TARGET", min: 10, max: 22, leaves: 7 },
  { title: "PHASE", min: 6, max: 12, leaves: 5 },
  { title: "READY", min: 5, max: 7, leaves: 0, right: true },
  { title: "TREND", min: 8, max: 20, leaves: 4, newestLast: true },
  { title: "LOAD", min: 12, max: 30, leaves: 1 },
  { title: "LAST", min: 7, max: 8, leaves: 6, right: true },
  { title: "WHY", min: 28, leaves: 3 }
]

/** As kubectl takes it: `scalep/web`. */
export const policyName = ({ kind, name }: Pick<PolicyRef, "kind" | "name">): string => {
  const short = KINDS.find((each) => each.kind === kind)?.shortNames[0]
  return `${short ?? kind.toLowerCase()}/${name}`
}

const TONES: Readonly<Record<Phase, Tone>> = {
  Active: "good",
  Learning: "busy",
  Initializing: "busy",
  Paused: "busy",
  Error: "bad"
}

/** 1234 is 1.2k: a column has no room for more, and nobody reads more at a glance. */
export const amount = (value: number): string => {
  const size = Math.abs(value)
  if (size >= 1e6) return `${(value / 1e6).toFixed(1)}M`
  if (size >= 1e4) return `${Math.round(value / 1e3)}k`
  if (size >= 1e3) return `${(value / 1e3).toFixed(1)}k`
  if (size >= 10 || Number.isInteger(value)) return String(Math.round(value))
  return value.toFixed(size >= 1 ? 1 : 2)
}

const span = (millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1000))
  if (seconds < 100) return `${seconds}s`
  const minutes = Math.round(seconds / 60)
  return minutes < 100 ? `${minutes}m` : `${Math.round(minutes / 60)}h`
}

const measuredText = (value: number, target: Policy["signals"][number]["target"]): string => {
  switch (target?.type) {
    case undefined:
      return amount(value)
    case "Utilization":
      return `${Math.round(value)}% of ${target.milli}%`
    case "Value":
      return `${amount(value)} of ${amount(target.milli / 1000)}`
    case "AverageValue":
      return `${amount(value)}, ${amount(target.milli / 1000)}/pod`
  }
}

const readingCell = (name: string, reading: Reading, target: Policy["signals"][number]["target"]): Cell =>
  reading._tag === "Missing"
    ? { text: `${name} missing`, tone: "bad" }
    : {
        text: `${name} ${measuredText(reading.value, target)}${reading._tag === "Stale" ? " (old)" : ""}`,
        ...(reading._tag === "Stale" ? { tone: "busy" } : {})
      }

/** The signal that asks for most speaks; where none asks, the first. */
const loadCell = ({ decider, record }: Row): Cell => {
  if (record === undefined) return { text: "" }
  const { decision, observation } = record
  const asked = decision.proposals
    .filter((proposal) => proposal.signal !== undefined)
    .toSorted((left, right) => (right.replicas ?? 0) - (left.replicas ?? 0))
  const missing = observation.readings.find(({ reading }) => reading._tag === "Missing")
  const loudest = observation.readings.find(({ signal }) => signal === asked[0]?.signal)
  const shown = missing ?? loudest ?? observation.readings[0]
  if (shown === undefined) return { text: "" }
  const target = decider?.signals.find(({ name }) => name === shown.signal)?.target
  return readingCell(shown.signal, shown.reading, target)
}

export const podsShown = ({ pods, record }: Row): Pods | undefined => {
  if (pods !== undefined || record === undefined) return pods
  const { observation, outcome } = record
  const { readyReplicas, specReplicas } = observation.state
  return { ready: readyReplicas, wanted: outcome._tag === "Scaled" ? outcome.to : specReplicas }
}

const readyCell = (row: Row): Cell => {
  const pods = podsShown(row)
  if (pods === undefined) return { text: "-" }
  const { ready, wanted } = pods
  const isThere = ready === wanted && (row.record?.decision.desired ?? wanted) === wanted
  return { text: `${ready}/${wanted}`, tone: isThere ? "plain" : "busy" }
}

const lastCell = ({ lastChange }: Row, now: number): Cell =>
  lastChange === undefined
    ? { text: "-", tone: "faint" }
    : { text: `${lastChange.by > 0 ? "+" : ""}${lastChange.by} ${span(now - lastChange.at)}` }

export const cellsOf = (row: Row, now: number): ReadonlyArray<Cell> => [
  { text: policyName(row.policy) },
  { text: row.target === undefined ? "-" : row.target.name, tone: "faint" },
  { text: row.phase, tone: TONES[row.phase] },
  readyCell(row),
  { text: sparkline(row.history, row.max), tone: "good" },
  loadCell(row),
  lastCell(row, now),
  row.trouble === undefined
    ? { text: row.record?.decision.reason ?? "", tone: "faint" }
    : { text: row.trouble, tone: "bad" }
]
