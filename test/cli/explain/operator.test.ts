import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { RequestListener } from "node:http"
import { askOperator } from "#cli/explain/operator"
import { freePort } from "#test/cli/processes"
import { makeRecord } from "#test/operator/records"
import { serve } from "#test/services/httpServers"

const ASKED = { kind: "ScalingPolicy", namespace: undefined, name: "web" }
const record = makeRecord({ uid: "web", id: "web.1", at: 1, outcome: { _tag: "Unchanged" } })

const saying =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_, response) =>
    void response.writeHead(status, headers).end(body)

const answerTo = (listener: RequestListener) =>
  Effect.gen(function* () {
    const server = yield* serve(listener)
    return { server, answer: yield* askOperator(`${server.url}/`, ASKED, undefined) }
  })

describe("the running operator, asked for records", () => {
  it.live("is asked for one policy, and gives what it holds", () =>
    Effect.gen(function* () {
      const { answer, server } = yield* answerTo(saying(200, JSON.stringify({ records: [record] })))
      assert.deepStrictEqual(answer, { _tag: "Held", dump: { policies: [], records: [record] } })
      assert.strictEqual(server.seen[0]?.url, "/api/v1/records?kind=ScalingPolicy&name=web")
      assert.isUndefined(server.seen[0]?.headers.authorization)
    }).pipe(Effect.scoped)
  )

  it.live("may have nothing, be a standby or not be there, and status is asked then", () =>
    Effect.gen(function* () {
      const empty = yield* answerTo(saying(200, '{"records":[]}'))
      assert.include(JSON.stringify(empty.answer), "has decided nothing for it yet")
      const standby = yield* answerTo(saying(404, '{"error":"No such policy"}', { "x-nimbusguard-leader": "pod-b" }))
      assert.deepStrictEqual(standby.answer, {
        _tag: "Nothing",
        why: `No such policy (${standby.server.url}/).`,
        leader: "pod-b"
      })
      const orphan = yield* answerTo(saying(404, '{"error":"No such policy"}', { "x-nimbusguard-leader": "nobody" }))
      assert.notProperty(orphan.answer, "leader")
      const url = `http://127.0.0.1:${yield* Effect.promise(freePort)}`
      assert.deepStrictEqual(yield* askOperator(url, ASKED, undefined), {
        _tag: "Nothing",
        why: `No operator answers at ${url}.`
      })
    }).pipe(Effect.scoped)
  )

  it.live("is not believed where it is something else", () =>
    Effect.gen(function* () {
      const other = yield* answerTo(saying(200, "<html>"))
      assert.include(JSON.stringify(other.answer), "is not JSON")
      const broken = yield* answerTo(saying(500, "oops"))
      assert.deepInclude(broken.answer, { _tag: "Refused" })
      assert.include(JSON.stringify(broken.answer), "answers with 500: oops")
    }).pipe(Effect.scoped)
  )
})
