/**
 * How much virtual time a second of real time buys: what the number of seeds in a test costs. First the simulator alone,
 * then whole operators: an hour of 100 policies is to take less than 10 s. BENCH_ROUNDS (3) makes that part shorter.
 */
import * as Effect from "effect/Effect"
import { play, prepare } from "#simulation/run"
import { type Outcome, runSimulation } from "#simulation/runSimulation"
import { scenarioOf } from "#simulation/swarm"
import { show as spread } from "#test/bench/measured"

const preemption = { between: 0.02, onWake: 0.5 }

const sleepers = (count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) => Effect.sleep(100 + index).pipe(Effect.repeat({ times: 200_000 / count })),
    { concurrency: "unbounded", discard: true }
  )

const show = (title: string, { operations, realMillis, tasks, wakeups }: Outcome<unknown, unknown>) => {
  const rate = (count: number) => (count / realMillis).toFixed(0).padStart(6)
  console.log(
    `  ${title.padEnd(24)} per ms: ${rate(wakeups)} wake-ups ${rate(tasks)} tasks ${rate(operations)} operations`
  )
}

runSimulation(sleepers(100), { seed: 0, preemption })
for (const count of [100, 1000, 10_000]) {
  show(`${count} sleepers`, runSimulation(sleepers(count), { seed: 1, preemption }))
}

const runs = 5000
const startedAt = performance.now()
for (let seed = 0; seed < runs; seed++) runSimulation(Effect.void, { seed })
console.log(`  an empty run             ${(((performance.now() - startedAt) / runs) * 1000).toFixed(0)} µs`)

// ---- whole operators

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3)
const definitions = prepare()
/** Two operators, whatever the seed draws. */
const hourOf = (policies: number, minutes: number, withoutFaults: boolean) => {
  const scenario = scenarioOf({ seed: 1, minutes, policies, withoutFaults })
  return { ...scenario, operators: scenario.operators.slice(0, 2) }
}

play(hourOf(10, 10, false), definitions) // or the first run would pay for the compiler
for (const withoutFaults of [true, false]) {
  const scenario = hourOf(100, 60, withoutFaults)
  const runs = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage()
    const verdict = play(scenario, definitions)
    const { system, user } = process.cpuUsage(before)
    return { verdict, cpuSeconds: (system + user) / 1e6 }
  })
  const [{ verdict } = { verdict: undefined }] = runs
  const name = withoutFaults ? "no faults" : `${scenario.faults.length} faults`
  console.log(
    `  an hour of 100 policies, two operators, ${name}: CPU ${spread(
      runs.map((run) => run.cpuSeconds),
      1,
      "s"
    )}, wall ${spread(
      runs.map((run) => run.verdict.realMillis / 1000),
      1,
      "s"
    )}`
  )
  console.log(
    `    ${verdict?.decisions} decisions, ${verdict?.writes} writes, ${verdict?.operations} operations; ${verdict?.broken === undefined ? "all properties held" : `BROKEN: ${verdict.broken.property}: ${verdict.broken.detail}`}`
  )
  if (runs.some((run) => run.verdict.broken !== undefined)) process.exitCode = 1
}
