import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { HttpServer } from "effect/http"
import { readDump } from "#cli/explain/Dump"
import { askOperator } from "#cli/explain/operator"
import { replayAll } from "#cli/explain/replayAll"
import { layerDashboardServer, type ServerOptions } from "#dashboard/server"
import { Ledger } from "#operator/Ledger"
import { run } from "#test/cli/processes"
import { recordedRun } from "#test/cli/explain/recordedRun"
import { ask, layerWorld, options, token, view, type WorldInput } from "#test/dashboard/pages"
import { makeRecord, policyOf, refOf } from "#test/operator/records"

const folder = mkdtempSync(join(tmpdir(), "nimbusguard-records-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const dashboard = (input: WorldInput & Partial<ServerOptions> = {}) =>
  layerDashboardServer(options(input)).pipe(Layer.provideMerge(layerWorld(input)))

const PATH = "/api/v1/records?kind=ScalingPolicy&namespace=shop&name=web"

const shown = Effect.gen(function* () {
  const ledger = yield* Ledger
  const plain = policyOf("web")
  const options = { url: "http://x", password: "s3cret" }
  const policy = { ...plain, signals: plain.signals.map((signal) => ({ ...signal, options })) }
  yield* ledger.show(view("web", { policy }))
  for (const at of [1, 2, 3]) {
    yield* ledger.record(makeRecord({ uid: "web", id: `web.${at}`, at, outcome: { _tag: "Unchanged" } }), policy)
  }
})

const urlOf = Effect.map(
  HttpServer.HttpServer,
  ({ address }) => `http://127.0.0.1:${"port" in address ? address.port : 0}`
)

const WEB = { kind: "ScalingPolicy", namespace: "shop", name: "web" }

describe("the records", () => {
  it.effect("come newest first, with the policy that made them, and nothing secret", () =>
    Effect.gen(function* () {
      yield* shown
      const answer = yield* ask(PATH)
      assert.strictEqual(answer.status, 200)
      const dump = Result.getOrThrow(readDump("answer", answer.text))
      assert.deepStrictEqual(
        dump.records.map(({ id }) => id),
        ["web.3", "web.2", "web.1"]
      )
      assert.deepStrictEqual(
        dump.policies.map(({ ref, signals }) => [ref.name, ref.generation, signals.map((each) => each.options)]),
        [["web", 1, [{}]]]
      )
      assert.notInclude(answer.text, "s3cret")
      const last = yield* ask(`${PATH}&limit=1`)
      assert.strictEqual(Result.getOrThrow(readDump("answer", last.text)).records.length, 1)
    }).pipe(Effect.provide(dashboard()))
  )

  it.effect("are of one policy: it has to be named, and named enough", () =>
    Effect.gen(function* () {
      yield* shown
      const ledger = yield* Ledger
      yield* ledger.show(view("other", { ref: refOf("other", { namespace: "lab", name: "web" }) }))
      const unnamed = yield* ask("/api/v1/records")
      assert.strictEqual(unnamed.status, 400)
      assert.include(unnamed.text, "Name one policy")
      const several = yield* ask("/api/v1/records?name=web")
      assert.strictEqual(several.status, 400)
      assert.include(several.text, "ScalingPolicy shop/web, ScalingPolicy lab/web")
      assert.strictEqual((yield* ask(PATH)).status, 200)
      const none = yield* ask("/api/v1/records?name=nobody")
      assert.strictEqual(none.status, 404)
      assert.include(none.text, "This operator runs no such policy")
    }).pipe(Effect.provide(dashboard()))
  )

  it.effect("are behind the dashboard's token", () =>
    Effect.gen(function* () {
      yield* shown
      assert.strictEqual((yield* ask(PATH)).status, 401)
      const url = yield* urlOf
      const refused = yield* askOperator(url, WEB, undefined)
      assert.deepStrictEqual(refused, {
        _tag: "Refused",
        why: `The operator at ${url} asks for a token: set DASHBOARD_TOKEN to it.`
      })
      assert.strictEqual((yield* askOperator(url, WEB, token("open-sesame")))._tag, "Held")
    }).pipe(Effect.provide(dashboard({ dashboardToken: token("open-sesame") })))
  )

  it.effect("are not a standby's, which says who leads", () =>
    Effect.gen(function* () {
      const answer = yield* ask(PATH)
      assert.strictEqual(answer.status, 404)
      assert.strictEqual(answer.headers["x-nimbusguard-leader"], "pod-b")
      assert.include(answer.text, "This operator is a standby; pod-b leads")
    }).pipe(Effect.provide(dashboard({ leadership: { leading: false, holder: "pod-b" } })))
  )

  it.effect("of a run can be made again from what is served", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const { of, policies } = recordedRun()
      const { policy, records } = of("edited")
      yield* ledger.show(view("edited", { ref: policy.ref, policy }))
      for (const record of records) {
        const by = policies.find(({ ref }) => ref.uid === policy.ref.uid && ref.generation === record.policy.generation)
        yield* ledger.record(record, by)
      }
      const answer = yield* askOperator(yield* urlOf, { ...WEB, name: "edited" }, undefined)
      if (answer._tag !== "Held") return assert.fail(JSON.stringify(answer))
      const { dump } = answer
      const verdicts = [...replayAll(dump.policies, dump.records).values()]
      assert.strictEqual(verdicts.length, records.length)
      assert.isTrue(verdicts.every(({ _tag }) => _tag === "Same"))
      const url = yield* urlOf
      const explain = (...more: ReadonlyArray<string>) => run(["explain", "scalep/edited", "--replay", ...more])
      const kept = yield* Effect.promise(() => explain("--url", url, "--last", "60", "--output", "json"))
      assert.deepStrictEqual([kept.code, kept.err], [0, ""])
      assert.isAbove(Result.getOrThrow(readDump("kept", kept.out)).policies.length, 2)
      // What was answered is all that it takes, without an operator too.
      const file = join(folder, "kept.json")
      writeFileSync(file, kept.out)
      const told = yield* Effect.promise(() => explain("--file", file, "--last", "60", "--output", "text"))
      assert.deepStrictEqual([told.code, told.err], [0, ""])
      assert.include(told.out, `ScalingPolicy shop/edited, Deployment edited: 60 of 60 decisions, from ${file}`)
      return assert.match(told.out, /Replayed 60: 60 the same\.\n$/u)
    }).pipe(Effect.provide(dashboard()))
  )
})
