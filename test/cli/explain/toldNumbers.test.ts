import { assert, describe, it } from "vitest"
import { numbersIn } from "#cli/explain/toldNumbers"

const told = (story: string) =>
  numbersIn(story).map(({ unit, value }) => (unit === undefined ? [value] : [value, unit]))

describe("the numbers of a story", () => {
  it.each([
    ["It went from 2 to 5 replicas.", [[2], [5, "replicas"]]],
    ["4,000 pods, 4 000 pods, 4'000 pods", [4000, 4000, 4000].map((value) => [value, "replicas"])],
    ["twenty-five percent", [[25, "percent"]]],
    ["two hundred and five thousand and one pods", [[205_001, "replicas"]]],
    ["One thousand two hundred seconds", [[1200, "seconds"]]],
    ["two dozen pods", [[24, "replicas"]]],
    ["two and five pods", [[2], [5, "replicas"]]],
    ["one of them waited one minute, and one more", [[1, "minutes"]]],
    ["twenty one.", [[21]]],
    ["120s, 50ms and 3rd", [[120, "seconds"], [50], [3]]],
    ["p99 was .5", [[99], [0.5]]],
    ["from 8−5 to −2", [[8], [5], [-2]]],
    ["At this point a second pod helped.", []]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<unknown>]>)("are read as what they are: %s", (story, want) => {
    assert.deepStrictEqual(told(story), want)
  })

  it.each([
    "5k",
    "5x",
    "5e3",
    "5m",
    "2,5",
    "1/2",
    "½",
    "10^3",
    "12:30",
    "007",
    "٣",
    "三",
    "nіne",
    "doubled",
    "a billion",
    "half"
  ])("are nobody's where they cannot be read: %s", (story) => {
    assert.isTrue(numbersIn(`It was ${story} then.`).some(({ value }) => Number.isNaN(value)))
  })
})
