import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import { eventName, type NewEvent, recordEvent } from "#services/kubernetesEvents"
import { simulated } from "#test/simulation/inSimulation"
import { FaultyApi } from "#test/worlds/FaultyApi"
import { objectAt, textAt } from "#cluster/api/json"

const event: NewEvent = {
  regarding: { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web", uid: "u1" },
  type: "Normal",
  reason: "ScaledUp",
  note: "Scaled from 1 to 3.",
  action: "Scale",
  instance: "nimbusguard-operator-abc"
}

describe("an Event", () => {
  it("has a name made of what it says", () => {
    assert.strictEqual(eventName(event), eventName({ ...event, instance: "another" }))
    const others: ReadonlyArray<NewEvent> = [
      { ...event, note: "Scaled from 3 to 4." },
      { ...event, reason: "ScaledDown" },
      { ...event, type: "Warning" },
      { ...event, regarding: { ...event.regarding, uid: "u2" } }
    ]
    assert.strictEqual(new Set([event, ...others].map(eventName)).size, 5)
    assert.match(eventName(event), /^web\.[0-9a-f]{8}$/u)
    const long = { ...event, regarding: { ...event.regarding, name: "x".repeat(253) } }
    assert.isAtMost(eventName(long).length, 253)
  })

  simulated(
    "is written once and counted after that, also when it expired in between",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      const record = recordEvent(event).pipe(Effect.provide(api.layer()))
      const all = () => api.events("shop")
      yield* record
      const first = all()[0] ?? assert.fail("no event")
      assert.strictEqual(first["note"], "Scaled from 1 to 3.")
      assert.match(textAt(first, "eventTime"), /^2026-01-01T00:00:00\.\d{6}Z$/u)
      assert.isUndefined(first["series"])
      yield* Effect.sleep("1 minute")
      yield* record
      yield* record
      assert.strictEqual(all().length, 1)
      assert.strictEqual(objectAt(all()[0] ?? {}, "series")["count"], 3)
      assert.isFalse(api.calls.some((call) => call.method === "GET"))
      api.remove("Event", "shop", eventName(event))
      yield* record
      assert.strictEqual(all().length, 1)
    })
  )

  simulated(
    "keeps within the bytes that the API allows, without half a letter at the end",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      yield* recordEvent({ ...event, note: "é".repeat(2000) }).pipe(Effect.provide(api.layer()))
      const [only] = api.events()
      const note = only?.["note"] as string
      assert.isAtMost(new TextEncoder().encode(note).length, 1024)
      assert.match(note, /^é+\.\.\.$/u)
    })
  )
})
