import { assert, describe, it } from "@effect/vitest"
import { parse } from "#cluster/world/promql/parse"
import { QueryRefused } from "#cluster/world/promql/syntax"

const shape = (query: string): unknown => JSON.parse(JSON.stringify(parse(query)))

const refusal = (query: string): string => {
  try {
    parse(query)
  } catch (error) {
    if (error instanceof QueryRefused) return error.message
    throw error
  }
  return "read"
}

describe("parse", () => {
  it("binds operators as Prometheus does", () => {
    for (const [query, same] of [
      ["1 + 2 * 3 ^ 2", "1 + (2 * (3 ^ 2))"],
      ["2 ^ 3 ^ 2", "2 ^ (3 ^ 2)"],
      ["-2 ^ 2", "-(2 ^ 2)"],
      ["-a * b", "(-a) * b"],
      ["a - b - c", "(a - b) - c"],
      ["a or b and c unless d", "a or ((b and c) unless d)"],
      ["a + b > c * 2 and d", "((a + b) > (c * 2)) and d"],
      ["a == bool b + 1", "a == bool (b + 1)"]
    ] as const) {
      assert.deepStrictEqual(shape(query), shape(same), query)
    }
  })

  it("reads selectors, ranges, offsets, groupings on either side, comments and every kind of quote", () => {
    assert.deepStrictEqual(shape("x{a=\"1\",b!~'y.*',c=`\\d`,}[1h30m] offset 5m"), {
      tag: "Selector",
      name: "x",
      matchers: [
        { label: "a", op: "=", value: "1" },
        { label: "b", op: "!~", value: "y.*" },
        { label: "c", op: "=", value: "\\d" }
      ],
      rangeMillis: 5_400_000,
      offsetMillis: 300_000
    })
    assert.deepStrictEqual(shape("sum by (a, b) (x)"), shape("SUM(x) BY (a,b,)"))
    assert.deepStrictEqual(shape("sum(x) # all of it\n / 2"), shape("sum(x)/2"))
    assert.deepStrictEqual(shape('x{a="\\"q\\"\\n"}'), {
      tag: "Selector",
      name: "x",
      matchers: [{ label: "a", op: "=", value: '"q"\n' }],
      offsetMillis: 0
    })
    assert.deepStrictEqual(
      [shape("1e3"), shape(".5"), shape("0x1f")],
      [1000, 0.5, 31].map((value) => ({ tag: "Number", value }))
    )
  })

  it.each([
    ["sum(", "1:5: parse error: unexpected end of input"],
    ["", "no expression found in input"],
    ["x{a=1}", 'unexpected "1" in label matching, expected string'],
    ["x[5m", 'expected "]"'],
    ["x[5]", "expected a duration"],
    ["rate(x)", "expected type range vector in call to function"],
    ["sum(x[5m])", "expected type instant vector in aggregation expression, got range vector"],
    ["x[5m] + 1", "binary expression must contain only scalar and instant vector types"],
    ["1 > 2", "comparisons between scalars must use BOOL modifier"],
    ["x + bool y", "bool modifier can only be used on comparison operators"],
    ["1 and x", 'set operator "and" not allowed in binary scalar expression'],
    ["x + on(a) 1", "vector matching only allowed between instant vectors"],
    ["nosuch(x)", 'unknown function with name "nosuch"'],
    ["clamp(x, 1)", "expected 3 argument(s)"],
    ['{a=~".*"}', "must contain at least one non-empty matcher"],
    ['x{a=~"["}', "error parsing regexp"],
    ["x y", 'unexpected "y"'],
    ["x §", "unexpected character"],
    ["1 offset 5m", "offset modifier must be preceded by an instant vector selector"]
  ])("refuses %s as Prometheus would: ...%s", (query, sentence) => {
    assert.include(refusal(query), sentence)
  })

  it.each([
    "topk(3, x)",
    "quantile by (a) (0.9, x)",
    'label_replace(x, "a", "$1", "b", "(.*)")',
    "max_over_time(rate(x[1m])[5m:10s])",
    "rate(x[1m])[5m:]",
    "x @ 1600000000",
    "x * on(a) group_left(b) y",
    "predict_linear(x[1h], 60)",
    '"text"'
  ])("says of %s that it is PromQL, and not supported here", (query) => {
    assert.match(
      refusal(query),
      /^\d+:\d+: parse error: .+ is part of PromQL, but the Prometheus of this embedded cluster does not support it$/u
    )
  })

  it("refuses what nests so deep that it could only be meant to hurt", () => {
    assert.include(refusal("(".repeat(5000) + "1" + ")".repeat(5000)), "nested deeper")
  })
})
