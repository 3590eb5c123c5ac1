import { describe, expect, it } from "vitest"
import { formatMilli, parseQuantityMilli } from "#schemas/quantity"

describe("parseQuantityMilli", () => {
  it.each([
    ["0", 0],
    ["1", 1000],
    ["+1", 1000],
    ["100m", 100],
    ["0.5", 500],
    [".5", 500],
    ["1.", 1000],
    ["1.0005", 1001],
    ["1n", 1],
    ["999u", 1],
    ["1001u", 2],
    ["0.0000000001", 1],
    ["1k", 1_000_000],
    ["1Ki", 1_024_000],
    ["1.5Mi", 1_572_864_000],
    ["100Gi", 107_374_182_400_000],
    ["1e3", 1_000_000],
    ["1E3", 1_000_000],
    ["5e-1", 500],
    ["1e-30", 1],
    ["-1", -1000],
    ["-0", 0],
    ["-1.0005", -1001],
    ["00012", 12_000],
    ["0e999", 0]
  ])("reads %s as %d thousandths", (text, milli) => {
    expect(parseQuantityMilli(text)).toBe(milli)
  })

  it.each([
    "",
    "-",
    ".",
    "1 ",
    " 1",
    "abc",
    "1mi",
    "1K",
    "1e",
    "NaN",
    "Infinity",
    "1,5",
    "0x10",
    "--1",
    "1mm",
    "9E",
    "1e300",
    "9".repeat(65)
  ])("refuses %j", (text) => {
    expect(parseQuantityMilli(text)).toBeUndefined()
  })
})

describe("formatMilli", () => {
  it.each([
    [0, "0"],
    [1, "1m"],
    [1500, "1500m"],
    [2000, "2"],
    [1_240_000, "1240"],
    [1_000_000_000, "1M"],
    [-2500, "-2500m"]
  ])("prints %d as %s", (milli, text) => {
    expect(formatMilli(milli)).toBe(text)
  })

  it("prints what parseQuantityMilli reads back unchanged", () => {
    let seed = 7
    for (let run = 0; run < 5000; run++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0
      const milli = seed * 10 ** (run % 6)
      expect(parseQuantityMilli(formatMilli(milli))).toBe(milli)
    }
  })
})
