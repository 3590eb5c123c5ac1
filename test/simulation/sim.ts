/**
 * `make sim SEED=42 HOURS=24`: one seed with its trace. `make sim SEEDS=1000 HOURS=1`: many, one worker a core, with what
 * they held in all. A failing run is shrunk and kept in corpus/, which `make test` replays. `REPLAY=FILE` runs one of those.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import * as Schema from "effect/Schema"
import { FAULT_KINDS } from "#simulation/Fault"
import { judge, prepare, type Verdict } from "#simulation/run"
import { stamp } from "#simulation/runSimulation"
import { Scenario } from "#simulation/Scenario"
import { shrink } from "#simulation/shrink"
import { scenarioOf } from "#simulation/swarm"

const CORPUS = join(import.meta.dirname, "corpus")
const TRACE_LINES = 60

const { values: given } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    hours: { type: "string", default: "1" },
    policies: { type: "string", default: "10" },
    workers: { type: "string", default: String(availableParallelism()) },
    replay: { type: "string" },
    keep: { type: "boolean", default: true }
  },
  allowNegative: true
})

interface Task {
  readonly seeds: ReadonlyArray<number>
}

interface Done extends Omit<Verdict, "log"> {
  readonly seed: number
  readonly kept: string | undefined
  readonly trace: ReadonlyArray<string>
}

const positive = (text: string, option: string): number => {
  const number = Number(text)
  if (Number.isFinite(number) && number > 0) return number
  console.error(`--${option} ${text} is no number above 0.`)
  return process.exit(2)
}

const minutes = positive(given.hours, "hours") * 60
const policiesMax = positive(given.policies, "policies")
const from = positive(given.from, "from")

const commit = () => {
  const { stdout } = spawnSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8", cwd: import.meta.dirname })
  return stdout?.trim() || "no-commit"
}

const definitions = prepare()

/** Shrinks what fails, and keeps it where `make test` finds it. */
const keep = (scenario: Scenario, property: string): string => {
  const small = shrink(scenario, (smaller) => judge(smaller, definitions).broken?.property === property)
  const path = join(CORPUS, `${property.replaceAll(" ", "-")}-${scenario.seed}.json`)
  mkdirSync(CORPUS, { recursive: true })
  writeFileSync(path, `${JSON.stringify({ property, scenario: small }, undefined, 2)}\n`)
  return path
}

const runOne = (seed: number): Done => {
  const scenario = scenarioOf({ seed, minutes, policiesMax })
  const { log, ...verdict } = judge(scenario, definitions)
  const { broken } = verdict
  const kept = broken === undefined || !given.keep ? undefined : keep(scenario, broken.property)
  return { ...verdict, seed, kept, trace: broken === undefined ? [] : log.slice(-TRACE_LINES) }
}

const say = (verdict: Verdict, name: string): void => {
  for (const line of verdict.log) console.log(line)
  if (verdict.broken === undefined) console.log(`PASS ${name} ${commit()} ${verdict.hash}`)
  else console.log(`FAIL ${name} ${commit()} ${verdict.hash}\n${verdict.broken.property}: ${verdict.broken.detail}`)
}

const replayFile = (path: string): void => {
  const { scenario } = Schema.decodeUnknownSync(Schema.Struct({ scenario: Scenario }))(
    JSON.parse(readFileSync(path, "utf8"))
  )
  const verdict = judge(scenario, definitions)
  say(verdict, path)
  if (verdict.broken !== undefined) process.exitCode = 1
}

const single = (seed: number): void => {
  const scenario = scenarioOf({ seed, minutes, policiesMax })
  const verdict = judge(scenario, definitions)
  say(verdict, String(seed))
  if (verdict.broken === undefined) return
  process.exitCode = 1
  if (given.keep) console.log(`Shrunk and kept in ${keep(scenario, verdict.broken.property)}`)
}

const many = async (count: number): Promise<void> => {
  const startedAt = performance.now()
  const workers = Math.min(positive(given.workers, "workers"), count)
  const done: Array<Done> = []
  const hear = (one: Done): void => {
    done.push(one)
    if (one.broken !== undefined) {
      console.log(`FAIL ${one.seed} ${one.broken.property}: ${one.broken.detail}`)
      for (const line of one.trace) console.log(`  ${line}`)
      if (one.kept !== undefined) console.log(`  kept in ${one.kept}`)
    }
    if (done.length % Math.ceil(count / 20) === 0) {
      const seconds = (performance.now() - startedAt) / 1000
      console.log(`${String(done.length).padStart(6)} of ${count} seeds, ${seconds.toFixed(0)} s`)
    }
  }
  await Promise.all(
    Array.from({ length: workers }, (_, index) => {
      const seeds = Array.from({ length: count }, (_, at) => from + at).filter((_, at) => at % workers === index)
      const worker = new Worker(import.meta.filename, {
        workerData: { seeds } satisfies Task,
        argv: process.argv.slice(2)
      })
      return new Promise<void>((resolve, reject) => {
        worker.on("message", hear)
        worker.on("error", reject)
        worker.on("exit", () => resolve())
      })
    })
  )
  summarise(done, (performance.now() - startedAt) / 1000)
}

const summarise = (done: ReadonlyArray<Done>, seconds: number): void => {
  const broken = done.filter((one) => one.broken !== undefined)
  const sum = (of: (one: Done) => number) => done.reduce((all, one) => all + of(one), 0)
  console.log(
    `\n${done.length} seeds in ${seconds.toFixed(0)} s: ${stamp(sum((one) => one.virtualMillis))} of virtual time,`
  )
  console.log(`${sum((one) => one.writes)} writes, ${sum((one) => one.operations)} operations; struck:`)
  for (const kind of FAULT_KINDS)
    console.log(`  ${kind.padEnd(16)} ${String(sum((one) => one.struck[kind] ?? 0)).padStart(7)}`)
  console.log(
    broken.length === 0
      ? `PASS ${done.length} seeds ${commit()}`
      : `FAIL ${broken.length} of ${done.length} seeds ${commit()}`
  )
  if (broken.length > 0) process.exitCode = 1
}

if (isMainThread) {
  if (given.replay !== undefined) replayFile(given.replay)
  else if (given.seeds !== undefined) await many(positive(given.seeds, "seeds"))
  else single(positive(given.seed ?? "1", "seed"))
} else {
  const { seeds } = workerData as Task
  for (const seed of seeds) parentPort?.postMessage(runOne(seed))
}
