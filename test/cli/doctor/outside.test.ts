import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { checkOpenAi, checkPrometheus } from "#cli/doctor/outside"
import { layerSettings, layerWeb } from "#test/cli/doctor/world"

describe("the check of Prometheus", () => {
  const cases = [
    ["is content with an answer", { status: 200, body: `{"status":"success","data":{}}` }, "ok", /answers queries/],
    ["is not taken in by a login page", { status: 200, body: "<html>" }, "failed", /something else than Prometheus/],
    ["says the status", { status: 404 }, "failed", /HTTP 404/],
    ["says that nobody answers", "down", "failed", /refused the connection/]
  ] as const
  for (const [title, reply, status, words] of cases) {
    it.effect(title, () =>
      Effect.gen(function* () {
        const finding = yield* checkPrometheus()
        assert.strictEqual(finding.status, status)
        assert.match(finding.message, words)
      }).pipe(Effect.provide([layerWeb(() => reply), layerSettings({ prometheusUrl: "http://prometheus:9090" })]))
    )
  }

  it.effect("keeps what the URL carries besides, and shows none of it", () =>
    Effect.gen(function* () {
      const finding = yield* checkPrometheus()
      assert.strictEqual(finding.message, "http://prometheus:9090/p answers queries")
    }).pipe(
      Effect.provide([
        layerWeb(({ url }) =>
          url === "http://prometheus:9090/p/api/v1/query?token=hunter2&query=1"
            ? { status: 200, body: `{"status":"success"}` }
            : assert.fail(url)
        ),
        layerSettings({ prometheusUrl: "http://prometheus:9090/p?token=hunter2" })
      ])
    )
  )

  it.effect("is left out where none is set", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* checkPrometheus()).status, "skipped")
    }).pipe(Effect.provide([layerWeb(() => "down"), layerSettings()]))
  )
})

describe("the check of OpenAI", () => {
  const key = { openaiApiKey: Redacted.make("sk-hunter2") }
  const cases = [
    ["is content when key and model are good", { status: 200 }, "ok", /takes the key and has gpt-4o-mini/],
    ["says that the key is refused", { status: 401 }, "warning", /refuses the key/],
    ["says that the model is not there", { status: 404 }, "warning", /has no model gpt-4o-mini/],
    ["says that nobody answers", "down", "warning", /refused the connection/]
  ] as const
  for (const [title, reply, status, words] of cases) {
    it.effect(title, () =>
      Effect.gen(function* () {
        const finding = yield* checkOpenAi()
        assert.strictEqual(finding.status, status)
        assert.match(finding.message, words)
        assert.notInclude(JSON.stringify(finding), "hunter2")
      }).pipe(
        Effect.provide([
          layerWeb(({ headers }) => (headers?.["authorization"] === "Bearer sk-hunter2" ? reply : { status: 418 })),
          layerSettings(key)
        ])
      )
    )
  }

  it.effect("is left out where no key is set, and asks nobody", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* checkOpenAi()).status, "skipped")
    }).pipe(Effect.provide([layerWeb(() => assert.fail("asked")), layerSettings()]))
  )
})
