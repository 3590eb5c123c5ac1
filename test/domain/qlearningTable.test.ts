import { assert, describe, it } from "vitest"
import {
  actionsWithin,
  best,
  exportTable,
  importTable,
  learn,
  rowOf,
  STATES_MAX,
  type Table
} from "#domain/qlearningTable"
import { Dice } from "#test/domain/Dice"

const rates = { learningRate: 0.5, discountFactor: 0.5 }
const times = (count: number, table: Table, step: (table: Table) => Table): Table =>
  Array.from({ length: count }).reduce((so: Table) => step(so), table)

describe("the table", () => {
  it("finds the values of a small decision problem by watching random walks in it", () => {
    // Two states; +1 in the bad one leads to the good one, -1 back. Good pays 0 and bad pays -1.
    const dice = new Dice(1)
    let table: Table = {}
    let state = "c9m-t1r0"
    for (let step = 0; step < 4000; step++) {
      const action = dice.of([-1, 0, 1])
      const next = action === 1 ? "c3m-t1r1" : action === -1 ? "c9m-t1r0" : state
      const reward = next === "c3m-t1r1" ? 0 : -1
      table = learn(table, { from: state, action, reward, to: next }, { learningRate: 0.1, discountFactor: 0.9 }, -0.5)
      state = next
    }
    assert.strictEqual(best(rowOf(table, "c9m-t1r0"))?.action, 1)
    assert.strictEqual(best(rowOf(table, "c3m-t1r1"))?.action, 0)
    const worth = (of: string, action: number) => rowOf(table, of).find((cell) => cell.action === action)?.value ?? 9
    assert.approximately(worth("c9m-t1r0", 1), 0, 0.02)
    assert.approximately(worth("c9m-t1r0", -1), -1, 0.05)
  })

  it("moves a value by its rate towards what came of it", () => {
    const step = { from: "c1m-t1r0", action: 0, reward: -0.4, to: "c2m-t1r0" }
    const once = learn({}, step, rates, -0.1)
    assert.strictEqual(rowOf(once, "c1m-t1r0")[0]?.value, -0.5)
    const twice = learn(once, { ...step, reward: -0.8 }, rates, -0.1)
    assert.deepStrictEqual(rowOf(twice, "c1m-t1r0"), [{ action: 0, value: -0.7, visits: 2 }])
  })

  it("chooses only what was tried often enough, and of equals the smallest change", () => {
    assert.isUndefined(best([{ action: 1, value: 0, visits: 2 }]))
    const cell = (action: number, value: number) => ({ action, value, visits: 3 })
    assert.strictEqual(best([cell(-2, -1), cell(1, -1), cell(3, -2)])?.action, 1)
    assert.strictEqual(best([cell(-2, -1), cell(1, -2)], (action) => action > 0)?.action, 1)
  })

  it("stays bounded: the state visited longest ago goes first", () => {
    const visit = (table: Table, index: number) =>
      learn(table, { from: `s${index}`, action: 0, reward: 0, to: "x" }, rates, 0)
    let table: Table = {}
    for (let index = 0; index < STATES_MAX; index++) table = visit(table, index)
    table = visit(visit(table, 0), STATES_MAX)
    assert.strictEqual(Object.keys(table).length, STATES_MAX)
    assert.isTrue(Object.hasOwn(table, "s0"))
    assert.isFalse(Object.hasOwn(table, "s1"))
  })

  it("fits a ConfigMap at its fullest", () => {
    let table: Table = {}
    for (let index = 0; index < STATES_MAX; index++) {
      for (const action of actionsWithin(50, { min: 1, max: 100 })) {
        const from = `c${index % 11}m${index % 4}t${index % 3}r${index}`
        table = times(1, table, (so) => learn(so, { from, action, reward: -0.7654321, to: from }, rates, -0.5))
      }
    }
    assert.isBelow(JSON.stringify(table).length, 65_536)
  })

  it("is read back from its text as it was, and out of nonsense nothing is read", () => {
    const table = learn({}, { from: "c10m-t2r4", action: -10, reward: -1, to: "c1m0t0r0" }, rates, -0.5)
    assert.deepStrictEqual(importTable(exportTable(table)), table)
    assert.deepStrictEqual(importTable("c1m0t0r0=1:NaN:3 2:0:0;__proto__=1:0:3;c99m0t0r0=0:0:1;;=;c1"), {})
  })

  it("is no larger than one that was learned, whatever its text repeats or claims", () => {
    const row = Array.from({ length: 5000 }, (_, index) => `${index % 3}:-1:4`).join(" ")
    assert.deepStrictEqual(importTable(`c1m0t0r0=${row}`), { c1m0t0r0: "0:-1:4 1:-1:4 2:-1:4" })
    assert.deepStrictEqual(importTable("c1m0t0r0=1:1e300:3 2:Infinity:3 0.5:1:3 3:1:1e9"), { c1m0t0r0: "3:1:999" })
  })
})

describe("the actions", () => {
  it("are -10 to 10 as far as the bounds allow, and always to stay", () => {
    assert.deepStrictEqual(actionsWithin(2, { min: 1, max: 4 }), [-1, 0, 1, 2])
    assert.strictEqual(actionsWithin(50, { min: 1, max: 100 }).length, 21)
    assert.deepStrictEqual(actionsWithin(0, { min: 1, max: 2 }), [0, 1, 2])
    assert.include(actionsWithin(99, { min: 1, max: 10 }), 0)
  })
})
