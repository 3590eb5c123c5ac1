import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { drawFault, type Fault, FAULT_KINDS, FAULTS, Script, Trigger } from "#simulation/Fault"
import * as Prng from "#simulation/Prng"
import { PROPERTIES } from "#simulation/Property"

const EVENTS = { write: 10, scale: 10, renewal: 10, read: 10, watch: 10, question: 10, advice: 10 }

const fault = (kind: Fault["kind"], nth: number, on: Trigger = "write"): Fault => ({
  kind,
  on,
  nth,
  amount: 1,
  pick: 0
})

describe("faults", () => {
  it("strike at the event that they name, and are counted", () => {
    const script = new Script([fault("conflict", 2), fault("killed", 2), fault("conflict", 1, "read")])
    assert.deepStrictEqual(script.next("write"), [])
    assert.deepStrictEqual(
      script.next("write").map(({ kind }) => kind),
      ["conflict", "killed"]
    )
    assert.strictEqual(script.next("read").length, 1)
    assert.deepStrictEqual(
      [...script.struck],
      [
        ["conflict", 2],
        ["killed", 1]
      ]
    )
  })

  it("end together, but for the deeds that have not been done", () => {
    const script = new Script([fault("specEdited", 1), fault("specEdited", 9), fault("conflict", 9)])
    script.next("write")
    assert.deepStrictEqual(script.end(), [fault("specEdited", 9)])
    for (let event = 0; event < 20; event++) assert.deepStrictEqual(script.next("write"), [])
  })

  it("are drawn within what their kind says", () => {
    const prng = Prng.make(1, "test")
    for (const kind of FAULT_KINDS) {
      const { amount, on } = FAULTS[kind]
      for (let draw = 0; draw < 100; draw++) {
        const drawn = drawFault(prng, kind, EVENTS)
        assert.include(on as ReadonlyArray<string>, drawn.on)
        assert.isAtLeast(drawn.amount, amount[0])
        assert.isAtMost(drawn.amount, amount[1])
        assert.isTrue(drawn.nth >= 1 && drawn.nth <= 10)
      }
    }
  })

  it("and properties are those that the documentation lists", () => {
    const page = readFileSync(new URL("../../docs/SIMULATION.md", import.meta.url), "utf8")
    const rows = (heading: string) => {
      const [, section = ""] = page.split(`## ${heading}\n`)
      const [table = ""] = section.split("\n## ")
      return [...table.matchAll(/^\| (?:`(?<kind>\w+)`|(?<name>[^|]+?)) +\| (?<about>.+?) +\|$/gmu)].flatMap(
        ({ groups }) => {
          const name = groups?.["kind"] ?? groups?.["name"] ?? ""
          return /^-+$|^(?:fault|property)$/u.test(name) ? [] : [[name, groups?.["about"] ?? ""]]
        }
      )
    }
    assert.deepStrictEqual(
      rows("Faults"),
      Object.entries(FAULTS).map(([kind, { about }]) => [kind, about])
    )
    assert.deepStrictEqual(rows("Properties"), Object.entries(PROPERTIES))
  })
})
