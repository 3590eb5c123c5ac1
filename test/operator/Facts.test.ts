import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Schema from "effect/Schema"
import { formatMillis, nameOf } from "#operator/Facts"
import { parseTime } from "#services/kubernetesTime"
import { deployment } from "#test/operator/records"

const Instant = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Date.UTC(2200, 0, 1) }))

describe("Facts", () => {
  it.effect.prop("write a time so that the next leader reads the same millisecond", [Instant], ([at]) =>
    Effect.sync(() => assert.strictEqual(parseTime(formatMillis(at)), at))
  )

  it("name a target as kubectl does", () => assert.strictEqual(nameOf(deployment("web")), "Deployment/web"))
})
