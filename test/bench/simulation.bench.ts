/** How much virtual time a second of real time buys: what the number of seeds in a test costs. */
import * as Effect from "effect/Effect"
import { type Outcome, runSimulation } from "#simulation/runSimulation"

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
