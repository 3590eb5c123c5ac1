import { assert, describe, it } from "@effect/vitest"
import { CloudMonitoringSite } from "#cluster/world/CloudMonitoringSite"
import { queuesOf } from "#cluster/world/queueServers"
import { Service } from "#cluster/world/Service"
import { pageRequest } from "#cluster/world/Site"

const START = 1_700_000_000_000
const TYPE = "pubsub.googleapis.com/subscription/num_undelivered_messages"

/** Five minutes of a subscription that nobody reads, 10 messages a second. */
const asked = (nowSeconds: number, query: Readonly<Record<string, string>>, project = "p") => {
  let now = START
  const queue = { system: "pubsub", project: "p", subscription: "s" } as const
  const service = new Service({ name: "reader", queue, traffic: { pattern: "steady:noise=0", rate: 10 } }, 1)
  const site = new CloudMonitoringSite(
    () => queuesOf([service], "pubsub"),
    () => now
  )
  for (let second = 0; second < nowSeconds; second++) {
    service.step(second)
    now = START + (second + 1) * 1000
    if ((second + 1) % 60 === 0) site.sample(now)
  }
  const parameters = new URLSearchParams(query).toString()
  return site.site(
    pageRequest("GET", `https://monitoring.googleapis.com/v3/projects/${project}/timeSeries?${parameters}`)
  )
}

const filter = `metric.type = "${TYPE}" AND resource.type = "pubsub_subscription" AND resource.labels.subscription_id = "s"`

interface Listing {
  readonly timeSeries: ReadonlyArray<{
    readonly points: ReadonlyArray<{
      readonly interval: { readonly endTime: string }
      readonly value: { readonly int64Value: string }
    }>
  }>
}
const pointsOf = (answer: { readonly json: unknown }) => (answer.json as Listing).timeSeries[0]?.points ?? []

describe("CloudMonitoringSite", () => {
  it("has a point a minute, newest first, which is seen half a minute later", () => {
    assert.deepStrictEqual(pointsOf(asked(89, { filter })), [])
    const points = pointsOf(asked(310, { filter }))
    assert.deepStrictEqual(
      points.map(({ interval }) => (Date.parse(interval.endTime) - START) / 1000),
      [240, 180, 120, 60]
    )
    assert.closeTo(Number(points[0]?.value.int64Value), 2400, 200)
  })

  it("knows the age of the oldest message", () => {
    const of = filter.replace("num_undelivered_messages", "oldest_unacked_message_age")
    assert.closeTo(Number(pointsOf(asked(330, { filter: of }))[0]?.value.int64Value), 300, 2)
  })

  it("keeps to the interval, the subscription and the project", () => {
    const at = (second: number) => new Date(START + second * 1000).toISOString()
    const interval = { "interval.startTime": at(100), "interval.endTime": at(200) }
    assert.strictEqual(pointsOf(asked(330, { filter, ...interval })).length, 2)
    assert.deepStrictEqual(asked(330, { filter: filter.replace('"s"', '"t"') }).json, { timeSeries: [] })
    assert.deepStrictEqual(asked(330, { filter }, "q").json, { timeSeries: [] })
    assert.strictEqual(pointsOf(asked(330, { filter, pageSize: "1" })).length, 1)
  })

  it("refuses as Google does what it cannot tell", () => {
    for (const [query, words] of [
      ['metric.type = "compute.googleapis.com/x"', "knows no series for the filter"],
      ["metric.type = starts_with(x)", "knows no series for the filter"]
    ] as const) {
      const answer = asked(60, { filter: query })
      assert.strictEqual(answer.status, 400)
      assert.include(JSON.stringify(answer.json), words)
      assert.include(JSON.stringify(answer.json), '"status":"INVALID_ARGUMENT"')
    }
  })
})
