/**
 * What one decision costs, beside what it costs to write its record down as JSON: the policies of the golden pairs, all
 * four kinds of them, each through hours of load that rises, falls and now and then goes missing. Both are measured for
 * the same ticks of the same run, so that the ratio holds on any machine.
 */
import { readdirSync, readFileSync } from "node:fs"
import * as Result from "effect/Result"
import { parse, stringify } from "yaml"
import { type PolicyFile, readPolicyFile } from "#judge/policyFile"
import { initialMemory } from "#domain/memory"
import { play } from "#domain/play"
import type { DecisionRecord } from "#schemas/Decision"
import type { Observation } from "#schemas/Observation"
import type { Signal } from "#schemas/Policy"
import { measured, missing, type PodSample, type Reading } from "#schemas/Reading"
import { Dice } from "#test/domain/Dice"
import { observe, stateOf } from "#test/domain/policies"

const folder = new URL("../golden/decide/", import.meta.url).pathname
const TICKS = 2000
const WARM_UP = 500
const START = Date.UTC(2026, 0, 5)

const files: ReadonlyArray<PolicyFile> = readdirSync(folder)
  .filter((name) => name.endsWith(".input.yaml"))
  .map((name) => {
    const { policy } = parse(readFileSync(folder + name, "utf8")) as { readonly policy: unknown }
    return Result.getOrThrow(readPolicyFile(name, stringify(policy), undefined))
  })

const podsOf = (dice: Dice, at: number, replicas: number, percent: number): ReadonlyArray<PodSample> =>
  Array.from({ length: replicas }, (_, index) => ({
    name: `web-6d4cf56db6-${index}`,
    phase: "Running",
    deleting: false,
    ready: true,
    readyChangedAt: START,
    startedAt: START,
    requestMilli: 1000,
    usageMilli: Math.round(percent * 10 * (0.8 + 0.4 * dice.float())),
    sampledAt: at,
    windowMillis: 30_000
  }))

/** A wave around what about ten replicas carry. */
const readingOf = (dice: Dice, { role, source, target }: Signal, at: number, replicas: number): Reading => {
  if (dice.chance(0.01)) return missing("Timeout", "The source prometheus did not answer within 5000 ms.")
  const wave = (1 + 0.6 * Math.sin((at - START) / 1_800_000)) * (0.9 + 0.2 * dice.float())
  if (role === "latency") return measured(120 * wave, at)
  if (role === "errorRate") return measured(0.002 * wave, at)
  if (target?.type === "Utilization") {
    const percent = Math.min(100, (target.milli * 10 * wave) / Math.max(1, replicas))
    return measured(percent, at, 1, source === "resource" ? podsOf(dice, at, replicas, percent) : undefined)
  }
  if (target?.type === "Value") return measured((target.milli / 1000) * wave, at)
  return measured((target === undefined ? 60 : (target.milli / 1000) * 10) * wave, at)
}

interface Cost {
  readonly decide: number
  readonly encode: number
}

const encodedBytes = { sum: 0, records: 0 }

const microsOf = (work: () => void): number => {
  const begun = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - begun) / 1000
}

const course = ({ engines, policy }: PolicyFile, seed: number, ticks: number): ReadonlyArray<Cost> => {
  const dice = new Dice(seed)
  let at = START
  let replicas = Math.max(policy.bounds.min, Math.min(8, policy.bounds.max))
  let memory = initialMemory(policy, at)
  return Array.from({ length: ticks }, (): Cost => {
    at += policy.intervalMillis
    const observation: Observation = observe(
      at,
      stateOf(replicas),
      Object.fromEntries(policy.signals.map((signal) => [signal.name, readingOf(dice, signal, at, replicas)]))
    )
    const before = memory
    const from = replicas
    let decided: ReturnType<typeof play> | undefined
    const decide = microsOf(() => void (decided = play({ policy, engines, observation, memory: before })))
    if (decided === undefined) throw new Error("nothing was decided")
    const { decision } = decided
    const record: DecisionRecord = {
      version: 1,
      id: `${policy.ref.uid}.web.${at}`,
      policy: policy.ref,
      observation,
      memory: before,
      decision,
      outcome:
        decision.desired === from
          ? { _tag: "Unchanged" }
          : { _tag: "Scaled", from, to: decision.desired, resourceVersion: "1" },
      finishedAt: at
    }
    let text = ""
    const encode = microsOf(() => void (text = JSON.stringify(record)))
    encodedBytes.sum += text.length
    encodedBytes.records += 1
    ;({ memory } = decided)
    replicas = decision.desired
    return { decide, encode }
  })
}

const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN

const spread = (values: ReadonlyArray<number>) => {
  const sorted = values.toSorted((left, right) => left - right)
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) }
}

const show = (title: string, costs: ReadonlyArray<Cost>) => {
  const decide = spread(costs.map((cost) => cost.decide))
  const encode = spread(costs.map((cost) => cost.encode))
  const sum = (of: keyof Cost) => costs.reduce((total, cost) => total + cost[of], 0)
  const micros = (value: number) => value.toFixed(1).padStart(6)
  console.log(
    `  ${title.padEnd(34)} decide p50 ${micros(decide.p50)} p99 ${micros(decide.p99)} µs, encode p50 ${micros(encode.p50)} p99 ${micros(encode.p99)} µs, ratio p50 ${(decide.p50 / encode.p50).toFixed(2)} p99 ${(decide.p99 / encode.p99).toFixed(2)} all ${(sum("decide") / sum("encode")).toFixed(2)}`
  )
}

for (const [index, file] of files.entries()) course(file, index + 1, WARM_UP)
encodedBytes.sum = encodedBytes.records = 0

const costs = files.map((file, index) => ({ file, costs: course(file, index + 1, TICKS) }))
const of = (title: string, chosen: (file: PolicyFile) => boolean) => {
  const own = costs.filter(({ file }) => chosen(file))
  show(
    `${title} (${own.length} policies)`,
    own.flatMap((each) => each.costs)
  )
}
const kinds = new Set(files.map(({ policy }) => policy.ref.kind))
of("all", () => true)
for (const kind of kinds) of(kind, ({ policy }) => policy.ref.kind === kind)
of("CPU pod by pod", ({ policy }) => policy.signals.some(({ source, target }) => source === "resource" && target))
of("with schedules", ({ policy }) => policy.schedules.length > 0)
console.log(`  ${encodedBytes.records} records of ${Math.round(encodedBytes.sum / encodedBytes.records)} bytes`)
