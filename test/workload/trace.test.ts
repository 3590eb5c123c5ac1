import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { readTrace, trafficOf, type Trace } from "#workload/trace"

const traceOf = (content: string): Trace => {
  const read = readTrace(content)
  if (Result.isFailure(read)) throw new Error(read.failure)
  return read.success
}
const refusal = (content: string) => {
  const read = readTrace(content)
  return Result.isFailure(read) ? read.failure : ""
}

describe("trace", () => {
  it("takes short buckets as they are", () => {
    const trace = traceOf("seconds,rps\n0,10\n5,20\n10,30\n")
    const traffic = trafficOf(trace)
    assert.strictEqual(trace.seconds, 15)
    assert.deepStrictEqual([0, 4, 5, 9, 10, 99].map(traffic), [10, 10, 20, 20, 30, 30])
  })

  it("joins the middles of long buckets by straight lines", () => {
    const trace = traceOf("0,100\n60,200\n120,0\n")
    const traffic = trafficOf(trace)
    assert.strictEqual(trace.seconds, 180)
    assert.deepStrictEqual([0, 30, 60, 90, 120, 150, 179].map(traffic), [100, 100, 150, 200, 100, 0, 0])
  })

  it("begins with its first line, whatever clock wrote it", () => {
    const seconds = traceOf("1700000000,1\n1700000060,2\n")
    const millis = traceOf('"Time","Value"\n"1700000000000","1"\n"1700000060000","2"\n')
    const dates = traceOf("time;rate\n2023-11-14T22:13:20Z;1\n2023-11-14 23:14:20+01:00;2\n")
    assert.deepStrictEqual(millis, seconds)
    assert.deepStrictEqual(dates, seconds)
    assert.strictEqual(traceOf("2024-02-28 23:59,1\n2024-03-01 00:00,2\n").times[1], 86_460)
  })

  it("makes rates of what was counted per bucket", () => {
    assert.deepStrictEqual([...traceOf("t,requests\n0,600\n60,1200\n").rates], [10, 20])
  })

  it("says which line is wrong, and what to write", () => {
    assert.match(refusal(""), /fewer than two lines/u)
    assert.match(refusal("t,rate\n0,1\n"), /fewer than two lines/u)
    assert.match(refusal("0,1\nsoon,2\n"), /^line 2: soon is no time; give lines such as 0,120/u)
    assert.match(refusal("0,1\n1,\n"), /^line 2: nothing is no rate/u)
    assert.match(refusal("0,1\n1,-3\n"), /^line 2: -3 is no rate/u)
    assert.match(refusal("0,1\n1,NaN\n"), /^line 2: NaN is no rate/u)
    assert.match(refusal("0,1\n5,1\n5,2\n"), /^line 3: time does not go on here; sort the lines by time/u)
    assert.match(refusal("0,1\n1e9,2\n"), /longer than a year/u)
  })
})
