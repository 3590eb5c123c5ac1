import { assert, describe, it } from "@effect/vitest"
import { numberText, prometheusPages } from "#cluster/world/prometheusPages"
import { SeriesStore } from "#cluster/world/SeriesStore"
import { FORM, pageRequest } from "#cluster/world/Site"

const NOW = 1_700_000_000_000

const site = () => {
  const store = new SeriesStore({ scrapesMax: 100 })
  for (const back of [20, 15, 10, 5, 0]) {
    store.begin(NOW - back * 1000)
    store.measure(store.series("up", { job: "web", pod: "a" }), 1)
    store.measure(store.series("up", { job: "db", pod: "b" }), back === 0 ? Infinity : 0.1)
  }
  return prometheusPages({ store, nowMillis: () => NOW })
}

const get = (path: string, query: Readonly<Record<string, string>> = {}) =>
  site()(pageRequest("GET", `http://prometheus:9090${path}?${new URLSearchParams(query).toString()}`))

describe("prometheusPages", () => {
  it("writes an instant vector, a scalar and a matrix as Prometheus does", () => {
    const up = get("/api/v1/query", { query: "up", time: String(NOW / 1000) })
    assert.deepStrictEqual(up.json, {
      status: "success",
      data: {
        resultType: "vector",
        result: [
          { metric: { __name__: "up", job: "web", pod: "a" }, value: [1_700_000_000, "1"] },
          { metric: { __name__: "up", job: "db", pod: "b" }, value: [1_700_000_000, "+Inf"] }
        ]
      }
    })
    assert.deepInclude(get("/api/v1/query", { query: "1 / 4" }).json, {
      data: { resultType: "scalar", result: [1_700_000_000, "0.25"] }
    })
    const range = { start: "2023-11-14T22:13:10Z", end: String(NOW / 1000), step: "5s" }
    assert.deepInclude(get("/api/v1/query_range", { query: 'up{pod="b"} * 2', ...range }).json, {
      data: {
        resultType: "matrix",
        result: [
          {
            metric: { job: "db", pod: "b" },
            values: [
              [1_699_999_990, "0.2"],
              [1_699_999_995, "0.2"],
              [1_700_000_000, "+Inf"]
            ]
          }
        ]
      }
    })
  })

  it("takes a form in a POST as it takes the URL", () => {
    const body = { contentType: FORM, text: "query=sum(up%7Bpod%3D%22a%22%7D)" }
    const { json } = site()(pageRequest("POST", "http://prometheus/api/v1/query", body))
    assert.deepInclude(json, { data: { resultType: "vector", result: [{ metric: {}, value: [1_700_000_000, "1"] }] } })
  })

  it.each([
    [
      "/api/v1/query",
      { query: "sum(" },
      400,
      "bad_data",
      /^invalid parameter "query": 1:5: parse error: unexpected end/u
    ],
    ["/api/v1/query", {}, 400, "bad_data", /no expression found in input/u],
    ["/api/v1/query", { query: "up", time: "now" }, 400, "bad_data", /^invalid parameter "time": cannot parse "now"/u],
    ["/api/v1/query", { query: "topk(1, up)" }, 400, "bad_data", /topk is part of PromQL, but .* does not support it/u],
    ["/api/v1/query", { query: "up + on(a) up" }, 422, "execution", /found duplicate series for the match group/u],
    ["/api/v1/query_range", { query: "up", start: "2", end: "1", step: "1" }, 400, "bad_data", /must not be before/u],
    ["/api/v1/query_range", { query: "up", start: "1", end: "2", step: "0" }, 400, "bad_data", /zero or negative/u],
    ["/api/v1/query_range", { query: "up", start: "1", end: "99999", step: "1" }, 400, "bad_data", /11,000 points/u],
    ["/api/v1/query_range", { query: "up[1m]", start: "1", end: "2", step: "1" }, 400, "bad_data", /range vector/u],
    ["/api/v1/rules", {}, 404, "not_found", /is not served by the embedded cluster's Prometheus/u]
  ] as const)("refuses %s %o with HTTP %i %s", (path, query, status, errorType, sentence) => {
    const answer = get(path, query)
    assert.strictEqual(answer.status, status)
    assert.deepInclude(answer.json, { status: "error", errorType })
    assert.match((answer.json as { readonly error: string }).error, sentence)
  })

  it("lists what there is to somebody who looks around", () => {
    const data = (path: string, query: Readonly<Record<string, string>> = {}) =>
      (get(path, query).json as { readonly data: unknown }).data
    assert.deepStrictEqual(data("/api/v1/labels"), ["__name__", "job", "pod"])
    assert.deepStrictEqual(data("/api/v1/label/job/values"), ["db", "web"])
    assert.deepStrictEqual(data("/api/v1/label/__name__/values"), ["up"])
    assert.deepStrictEqual(data("/api/v1/series", { "match[]": 'up{job="db"}' }), [
      { __name__: "up", job: "db", pod: "b" }
    ])
    assert.strictEqual(get("/-/ready").status, 200)
  })

  it("prints numbers as Go does", () => {
    const texts = [0.1, 1e21, 123456789012, 1e-7, 1.5e-10, 1e-6, Number.NaN, -Infinity, -0.5].map(numberText)
    assert.deepStrictEqual(texts, [
      "0.1",
      "1e+21",
      "123456789012",
      "1e-07",
      "1.5e-10",
      "0.000001",
      "NaN",
      "-Inf",
      "-0.5"
    ])
  })
})
