/** The cases of test/conformance/workloads.ts against the embedded cluster, in virtual time. */
import { Clock, Effect } from "effect"
import { describe } from "vitest"
import type { ApiServer } from "#cluster/api/ApiServer"
import { ApiServer as Server } from "#cluster/api/ApiServer"
import { run } from "#cluster/controllers/Controllers"
import type { Json, Sent } from "#test/conformance/Api"
import { DEFINED } from "#test/conformance/definitions"
import { type Running, WORKLOADS } from "#test/conformance/workloads"
import { simulated } from "#test/simulation/inSimulation"

const NAMESPACE = "conformance"
const STEP_MILLIS = 100
const STEPS_MAX = 3000

const answered = (server: ApiServer, method: string, path: string, sent: Sent = {}) => {
  const { pathname, searchParams } = new URL(path, "http://embedded")
  const asked = { method, path: pathname, query: Object.fromEntries(searchParams), ...sent }
  const { body, status, warnings = [] } = server.handle(asked)
  return { status, body: JSON.parse(JSON.stringify(body)) as Json, warnings }
}

const running = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const server = new Server(() => clock.currentTimeMillisUnsafe())
  server.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } })
  yield* run(server, { behaviour: () => ({ startupMillis: 2000, fate: { _tag: "Runs" } }) })
  const send: Running["send"] = (method, path, sent) => Effect.sync(() => answered(server, method, path, sent))
  const until: Running["until"] = (what, path, isSo) =>
    Effect.gen(function* () {
      for (let step = 0; step < STEPS_MAX; step++) {
        const answer = yield* send("GET", path)
        if (answer.status === 200 && isSo(answer.body)) return answer
        yield* Effect.sleep(STEP_MILLIS)
      }
      throw new Error(`waited for ${what}: ${JSON.stringify((yield* send("GET", path)).body, undefined, 1)}`)
    })
  return { namespace: NAMESPACE, send, until }
})

describe("the embedded cluster, in time", () => {
  for (const one of [...WORKLOADS, ...DEFINED]) simulated(one.title, Effect.flatMap(running, one.run), { seeds: 1 })
})
