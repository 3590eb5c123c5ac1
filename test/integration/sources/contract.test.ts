// Every source of the registry against its real server, and against every failure that its protocol can express.
//
// A source named x brings test/integration/sources/x.ts with `export const fixture: SourceFixture`; there is no list to
// add it to: the suite goes through SOURCES, and one that is built and has no such file fails.
//   needs        what the test machine must have (test/controlplane/suite.ts): a missing one skips by name, in CI fails.
//   start(wire)  starts the real server and calls wire.connectTo(its port). The fixture's options then name the proxy
//                (wire.address, wire.port) and never the server, so that everything passes the faults. The port is known
//                before start is called: a server that advertises an address advertises that one.
// It returns a RunningFixture:
//   options, signal, input   what is sampled; `healthy` is the number that must come of it.
//   secrets      Secrets of the namespace "shop" that the options name. No value of them may ever be told by anybody.
//   cells        one per failure of FAILURES. { gives, remedy, inject, options, signal }: inject brings it about and
//                returns what takes it away; options and signal replace the healthy ones meanwhile (another query is often
//                enough). Or { empty: "why this protocol cannot say that" }: shown beside the test.
//                wireCells(wire) makes the first five; statusCells(http) the next five, for a FaultProxy on the way.
//   stop()       stops what start has started. The wire proxy is the suite's.
// What the suite asks of each cell: a Missing or Stale of that reason, whose detail matches `remedy`, never a number; and
// the healthy number again after it (one source: -t "source x on"). What is special to one server goes to x.test.ts beside this file.
import { existsSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Reading } from "#schemas/Reading"
import { SOURCES } from "#sources/index"
import { eventually, sleep } from "#test/controlplane/eventually"
import { describeWith } from "#test/controlplane/suite"
import { WireProxy } from "#test/controlplane/WireProxy"
import { signal } from "#test/sources/sourceWorld"
import { FAILURES } from "./Fixture.ts"
import type { Injected, RunningFixture, SourceFixture } from "./Fixture.ts"
import { outcome, SourceRuntime } from "./sourceRuntime.ts"

const SHARED_MILLIS_MAX = 5_000

const fixtures = await Promise.all(
  Object.values(SOURCES)
    .filter(({ built }) => built)
    .map(async ({ name }) => {
      const file = new URL(`${name}.ts`, import.meta.url)
      const module = existsSync(file)
        ? ((await import(/* @vite-ignore */ file.pathname)) as { readonly fixture?: SourceFixture })
        : {}
      return { name, fixture: module.fixture }
    })
)

describe("the sources that are built", () => {
  it.each(fixtures)("have a real server: $name", ({ fixture, name }) => {
    assert.isDefined(fixture, `write test/integration/sources/${name}.ts: contract.test.ts says how`)
  })
})

for (const { fixture, name } of fixtures) {
  if (fixture === undefined) continue
  describeWith(fixture.needs, `the source ${name} on its real server`, () => {
    let wire: WireProxy
    let running: RunningFixture
    let runtime: SourceRuntime
    const readings: Array<Reading> = []

    beforeAll(async () => {
      wire = await WireProxy.start()
      running = await fixture.start(wire)
      const { kubernetes, secrets = {} } = running
      runtime = new SourceRuntime({ secrets, ...(kubernetes === undefined ? {} : { kubernetes }) })
    })

    afterAll(async () => {
      await runtime?.dispose()
      await running?.stop()
      await wire?.close()
    })

    const read = async (cell: Partial<Injected> = {}): Promise<Reading> => {
      const options = { ...running.options, ...cell.options }
      const reading = await runtime.read(
        signal(name, options, { ...running.signal, ...cell.signal }),
        running.input ?? {}
      )
      readings.push(reading)
      return reading
    }

    /** Answers are shared for moments, so the healthy one may come once more; a number that stays is the failure. */
    const readAnew = async (cell: Injected): Promise<Reading> => {
      const until = performance.now() + SHARED_MILLIS_MAX
      for (;;) {
        const reading = await read(cell)
        if (outcome(reading) !== `Measured ${running.healthy}` || performance.now() > until) return reading
        await sleep(100)
      }
    }

    const becomesHealthy = () =>
      eventually(
        async (seen) => {
          const reading = await read()
          seen(reading)
          return outcome(reading) === `Measured ${running.healthy}`
        },
        { what: `${name} to measure ${running.healthy}` }
      )

    it("measures where all is well", becomesHealthy)

    for (const failure of FAILURES) {
      it(`gives no number for: ${failure}`, async (context) => {
        const cell = running.cells[failure]
        if ("empty" in cell) {
          assert.isNotEmpty(cell.empty)
          await context.annotate(`cannot be: ${cell.empty}`)
          return
        }
        const takeAway = (await cell.inject?.()) ?? (() => undefined)
        try {
          const reading = await readAnew(cell)
          assert.include([cell.gives].flat(), reading._tag === "Missing" ? reading.why : reading._tag, outcome(reading))
          assert.match(reading._tag === "Measured" ? "" : reading.detail, cell.remedy)
        } finally {
          await takeAway()
        }
        await becomesHealthy()
      })
    }

    it("has told nobody its credentials", () => {
      const told = `${runtime.everythingTold}\n${JSON.stringify(readings)}`
      for (const secret of Object.values(running.secrets ?? {}).flatMap((keys) => Object.values(keys))) {
        assert.notInclude(told, secret)
        assert.notInclude(told, Buffer.from(secret).toString("base64"))
      }
      assert.include(told, name, "something was told")
    })
  })
}
