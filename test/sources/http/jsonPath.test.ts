import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { parsePath, parsePointer, select } from "#sources/http/jsonPath"

const DOCUMENT = {
  depth: 5,
  "a/b": 6,
  "m~n": 7,
  "": 8,
  "it's": 9,
  länge: 10,
  list: [1, 2, 3],
  nothing: null,
  empty: [],
  queues: [
    { name: "jobs", id: 1, of: { kind: "fast" }, depth: 11 },
    { name: "mail", id: 2, of: { kind: "slow" }, depth: 12 },
    { name: 'say "hi"', id: 3, paused: true, depth: 13 }
  ],
  byName: { jobs: { depth: 1 }, mail: { depth: 2 } }
}

const found = (steps: ReturnType<typeof parsePath>) => (steps === undefined ? "unread" : select(DOCUMENT, steps).values)

describe("a JSON Pointer", () => {
  it.each([
    ["", [DOCUMENT]],
    ["/depth", [5]],
    ["/a~1b", [6]],
    ["/m~0n", [7]],
    ["/", [8]],
    ["/list/1", [2]],
    ["/queues/0/depth", [11]],
    ["/list/01", []],
    ["/list/-", []],
    ["/list/3", []],
    ["/list/length", []],
    ["/__proto__", []],
    ["/depth/toFixed", []],
    ["/nothing/x", []],
    ["/m~2n", "unread"],
    ["/m~", "unread"],
    ["depth", "unread"],
    [`${"/x".repeat(65)}`, "unread"]
  ])("%j finds %j", (text, expected) => assert.deepStrictEqual(found(parsePointer(text)), expected))
})

describe("a JSONPath", () => {
  it.each([
    ["$", [DOCUMENT]],
    ["$.depth", [5]],
    ["$.länge", [10]],
    ["$['a/b']", [6]],
    ['$["m~n"]', [7]],
    ["$['it\\'s']", [9]],
    ["$['']", [8]],
    ["$.list[0]", [1]],
    ["$.list[-1]", [3]],
    ["$.list[7]", []],
    ["$.list[*]", [1, 2, 3]],
    ["$.list.*", [1, 2, 3]],
    ["$.queues[*].depth", [11, 12, 13]],
    ["$.byName[*]['depth']", [1, 2]],
    ["$.queues[?(@.name=='mail')].depth", [12]],
    ["$.queues[?@.name == 'mail'].depth", [12]],
    ['$.queues[?(@["name"] == "say \\"hi\\"")].depth', [13]],
    ["$.queues[?(@.of.kind == 'fast')].depth", [11]],
    ["$.queues[?(@.id == 2)].depth", [12]],
    ["$.queues[?(@.paused == true)].depth", [13]],
    ["$.queues[?(@.id == '2')].depth", []],
    ["$.queues.length", []],
    ["$.__proto__", []],
    ["$.constructor.name", []]
  ])("%s finds %j", (text, expected) => assert.deepStrictEqual(found(parsePath(text)), expected))

  it.each([
    "depth",
    "$depth",
    "$.",
    "$..depth",
    "$.list[",
    "$.list[x]",
    "$.list[01]",
    "$.list[-0]",
    "$.list[1:2]",
    "$.list[0,1]",
    "$.list[99999999999999999]",
    "$.queues[?(@.id > 1)]",
    "$.queues[?(@.id == 1]",
    "$.queues[?@.id == 1)]",
    "$.queues[?(@.id == 01)]",
    "$.a b",
    "$.list[0] ",
    "$['a\nb']",
    `$${".x".repeat(65)}`
  ])("%s is not read, rather than read as something else", (text) => assert.isUndefined(parsePath(text)))

  it("tells a list without members from a place that is not there", () => {
    const emptied = (text: string) => {
      const steps = parsePath(text)
      return steps === undefined ? undefined : select(DOCUMENT, steps).emptied
    }
    assert.isTrue(emptied("$.empty[*]"))
    assert.isTrue(emptied("$.empty[*].depth"))
    assert.isTrue(emptied("$.queues[?(@.name == 'gone')].depth"))
    assert.isFalse(emptied("$.gone"))
    assert.isFalse(emptied("$.gone[*]"))
    assert.isFalse(emptied("$.depth[*]"))
    assert.isFalse(emptied("$.queues[*].gone"))
    assert.isFalse(emptied("$.queues[9]"))
  })

  it("reads any text in a moment: there is none that makes it try for ever", () => {
    for (const text of [
      `$.queues[?(@${".a".repeat(5000)}`,
      `$['${"\\\\".repeat(5000)}`,
      `$[${" ".repeat(5000)}`,
      `$[?(@.a==${"1".repeat(5000)}x`
    ]) {
      assert.isUndefined(parsePath(text))
    }
  })

  it.prop("finds what is under any name, when it is quoted", [Schema.String], ([name]) => {
    const quoted = JSON.stringify(name)
    if (/\\[^"\\]|\p{Cc}/u.test(quoted)) return
    const steps = parsePath(`$[${quoted}]`)
    assert.isDefined(steps)
    if (steps !== undefined) assert.deepStrictEqual(select({ [name]: 42 }, steps).values, [42])
  })
})
