import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { JetStreamView } from "#services/Nats"
import { readBacklog } from "#sources/nats/backlog"

const NAMES = ["n0", "n1", "n2"] as const
const Name = Schema.Literals(NAMES)
const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))

/** What each server believes, whom it believes to lead, and which servers answered. */
const Beliefs = Schema.Struct({
  truth: Count,
  leader: Name,
  copies: Schema.Tuple([Count, Count, Count]),
  reached: Schema.Tuple([Schema.Boolean, Schema.Boolean, Schema.Boolean])
})

const view = ({ copies, leader, reached, truth }: typeof Beliefs.Type): JetStreamView => ({
  servers: NAMES.flatMap((name, at) =>
    reached[at] === true
      ? [
          {
            id: name,
            name,
            now: 0,
            enabled: true,
            clustered: true,
            mentioned: NAMES,
            size: NAMES.length,
            streams: [
              {
                account: "$G",
                name: "S",
                subjects: ["s"],
                retention: "limits",
                messages: 5,
                leader: "n0",
                members: NAMES,
                consumers: [
                  {
                    name: "c",
                    durable: true,
                    filters: [],
                    pending: name === leader ? truth : (copies[at] ?? 0),
                    ackPending: 0,
                    leader
                  }
                ]
              }
            ]
          }
        ]
      : []
  ),
  unreached: NAMES.filter((_, at) => reached[at] !== true)
})

describe("a backlog", () => {
  it.prop(
    "is the leader's number, or none when the leader was not reached, whatever the others say",
    [Beliefs],
    ([beliefs]) => {
      const reading = readBacklog(view(beliefs), { subject: "s" }, 0)
      if (beliefs.reached[NAMES.indexOf(beliefs.leader)] === true) {
        assert.deepStrictEqual(reading, { _tag: "Measured", value: beliefs.truth, at: 0, coverage: 1 })
      } else {
        assert.strictEqual(reading._tag === "Missing" ? reading.why : reading._tag, "NotLeader")
      }
    }
  )
})
