import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import { KubernetesError, type KubernetesReason } from "#services/Kubernetes"
import { retryDelayMillis, retryIdempotent, retryRead } from "#services/kubernetesRetry"
import { Simulation } from "#simulation/runSimulation"
import { simulated } from "#test/simulation/inSimulation"

const error = (reason: KubernetesReason) => new KubernetesError({ request: "GET /x", reason, detail: "" })
const away: KubernetesReason = { _tag: "Unreachable" }
const busy = (retryAfterMillis: number): KubernetesReason => ({ _tag: "Throttled", retryAfterMillis })

describe("retrying", () => {
  it("waits longer each time, as long as the server asks for, and not for ever", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 4].map((attempt) => retryDelayMillis(error(away), attempt, "read")),
      [200, 400, 800, undefined]
    )
    assert.strictEqual(retryDelayMillis(error(busy(3_000)), 1, "read"), 3_000)
    assert.strictEqual(retryDelayMillis(error(busy(0)), 2, "read"), 400)
    assert.isUndefined(retryDelayMillis(error(busy(60_000)), 1, "read"))
  })

  const never: ReadonlyArray<KubernetesReason["_tag"]> = [
    "Conflict",
    "AlreadyExists",
    "Gone",
    "NotFound",
    "Forbidden",
    "Unauthorized",
    "Invalid",
    "Malformed"
  ]
  for (const _tag of never) {
    it(`does not repeat what ended ${_tag}`, () =>
      assert.isUndefined(retryDelayMillis(error({ _tag } as KubernetesReason), 1, "idempotent")))
  }

  it("repeats a write of unknown outcome only where a second time does no harm", () => {
    assert.isUndefined(retryDelayMillis(error({ _tag: "Unknown" }), 1, "read"))
    assert.strictEqual(retryDelayMillis(error({ _tag: "Unknown" }), 1, "idempotent"), 200)
  })

  simulated(
    "never comes back earlier than it was asked to, and ends with the last error",
    Effect.gen(function* () {
      const { clock } = yield* Simulation
      const at: Array<number> = []
      const call = (reasons: ReadonlyArray<KubernetesReason>) =>
        Effect.suspend(() => {
          const reason = reasons[at.push(clock.elapsed) - 1]
          return reason === undefined ? Effect.succeed("done") : Effect.fail(error(reason))
        })
      assert.strictEqual(yield* retryRead(call([busy(2_000), away])), "done")
      assert.isAtLeast((at[1] ?? 0) - (at[0] ?? 0), 2_000)
      assert.isAtMost((at[1] ?? 0) - (at[0] ?? 0), 3_000)
      assert.strictEqual(at.length, 3)
      at.length = 0
      const last = yield* Effect.flip(retryIdempotent(call([away, away, away, { _tag: "Unknown" }, away])))
      assert.strictEqual(last.reason._tag, "Unknown")
      assert.strictEqual(at.length, 4)
    }),
    { seeds: 20 }
  )
})
