/**
 * The whole operator under faults: twenty seeds, one of them twice, and every run that once failed. More of them, and longer
 * ones, are `make sim SEEDS=1000 HOURS=1`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { judge, prepare, type Verdict } from "#simulation/run"
import { Scenario } from "#simulation/Scenario"
import { scenarioOf } from "#simulation/swarm"

const SEEDS = 20
const MINUTES = 2
const POLICIES_MAX = 3
/** Runs twice. */
const AGAIN = 2
const TRACE_LINES = 40

const CORPUS = join(import.meta.dirname, "corpus")
const definitions = prepare()

const seed = (number: number): Verdict =>
  judge(scenarioOf({ seed: number, minutes: MINUTES, policiesMax: POLICIES_MAX }), definitions)

const assertHolds = ({ broken, log }: Verdict): void => {
  if (broken === undefined) return
  assert.fail([`${broken.property}: ${broken.detail}`, ...log.slice(-TRACE_LINES)].join("\n  "))
}

describe("the operator under faults", { timeout: 60_000 }, () => {
  const seen = {
    writes: 0,
    struck: new Set<string>(),
    logs: new Map<number, string>(),
    hashes: new Map<number, string>()
  }

  for (let number = 1; number <= SEEDS; number++) {
    it(`holds what it promises and converges (seed ${number})`, () => {
      const verdict = seed(number)
      seen.hashes.set(number, verdict.hash)
      if (number === AGAIN) seen.logs.set(number, verdict.log.join("\n"))
      assertHolds(verdict)
      seen.writes += verdict.writes
      for (const kind of Object.keys(verdict.struck)) seen.struck.add(kind)
    })
  }

  it("had something to survive", () => {
    assert.isAbove(seen.writes, 3 * SEEDS)
    assert.isAbove(seen.struck.size, 15)
  })

  it("runs the same, byte for byte, from the same seed", () => {
    const again = seed(AGAIN)
    assert.strictEqual(again.log.join("\n"), seen.logs.get(AGAIN))
    assert.strictEqual(again.hash, seen.hashes.get(AGAIN))
    assert.strictEqual(new Set(seen.hashes.values()).size, SEEDS)
  })

  for (const name of (existsSync(CORPUS) ? readdirSync(CORPUS) : []).filter((file) => file.endsWith(".json"))) {
    it(`does not fail again as in ${name}`, () => {
      const kept: unknown = JSON.parse(readFileSync(join(CORPUS, name), "utf8"))
      const { scenario } = Schema.decodeUnknownSync(Schema.Struct({ scenario: Scenario }))(kept)
      assertHolds(judge(scenario, definitions))
    })
  }
})
