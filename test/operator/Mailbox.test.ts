import { Deferred, Effect, Fiber, Result } from "effect"
import { assert, describe, it } from "vitest"
import { type Description, Mailbox, MAX_REPLIES, type Message, type PolicyObject } from "#operator/Mailbox"
import { policyOf, refOf } from "#test/operator/records"
import { simulated } from "#test/simulation/inSimulation"

const object = (generation: number): PolicyObject => ({
  ref: refOf("a", { generation }),
  decoded: Result.succeed(policyOf("a")),
  status: undefined
})
const applied = (generation: number): Message => ({ _tag: "Applied", object: object(generation) })
const ticked = (dueAt: number): Message => ({ _tag: "Ticked", dueAt })
const poked = (cause: string): Message => ({ _tag: "Poked", cause })
const retired: Message = { _tag: "Retired", reason: "Deleted" }
const described = (): Extract<Message, { _tag: "Described" }> => ({
  _tag: "Described",
  reply: Deferred.makeUnsafe<Description | undefined>()
})

const drain = (mailbox: Mailbox): ReadonlyArray<Message> => {
  const messages: Array<Message> = []
  for (let message = mailbox.poll(); message !== undefined; message = mailbox.poll()) messages.push(message)
  return messages
}

describe("Mailbox", () => {
  it("keeps the latest of each kind and hands out the most urgent first", () => {
    const mailbox = new Mailbox()
    const question = described()
    for (const message of [ticked(1), poked("a"), applied(1), ticked(2), question, applied(2), poked("b")]) {
      assert.isTrue(mailbox.offer(message))
    }
    assert.deepStrictEqual(drain(mailbox), [applied(2), question, poked("b"), ticked(2)])
    assert.isFalse(mailbox.pending)
  })

  it("says nothing but Retired once it is retired", () => {
    const mailbox = new Mailbox()
    mailbox.offer(applied(1))
    mailbox.offer(retired)
    assert.strictEqual(mailbox.retired, "Deleted")
    assert.deepStrictEqual([mailbox.poll(), mailbox.poll()], [retired, retired])
  })

  it("refuses the seventeenth who waits for a reply, and takes the next when one was answered", () => {
    const mailbox = new Mailbox()
    for (let count = 0; count < MAX_REPLIES; count++) assert.isTrue(mailbox.offer(described()))
    assert.isFalse(mailbox.offer(described()))
    mailbox.poll()
    assert.isTrue(mailbox.offer(described()))
  })

  it("tells those who wait that nobody will answer when it is closed", () => {
    const mailbox = new Mailbox()
    const question = described()
    mailbox.offer(question)
    mailbox.close()
    assert.isTrue(Deferred.isDoneUnsafe(question.reply))
    assert.isFalse(mailbox.offer(ticked(1)))
  })

  simulated(
    "loses no wake-up, however offers and takes interleave",
    Effect.gen(function* () {
      const mailbox = new Mailbox()
      const seen: Array<number> = []
      const reader = yield* Effect.forkScoped(
        Effect.gen(function* () {
          while (true) {
            const message = yield* mailbox.take()
            if (message._tag === "Retired") return
            if (message._tag === "Ticked") seen.push(message.dueAt)
          }
        })
      )
      for (let dueAt = 1; dueAt <= 50; dueAt++) {
        yield* Effect.suspend(() => Effect.succeed(mailbox.offer(ticked(dueAt))))
        if (dueAt % 5 === 0) yield* Effect.sleep(1)
      }
      assert.strictEqual(seen.at(-1), 50)
      assert.deepStrictEqual(
        seen,
        [...seen].sort((left, right) => left - right)
      )
      mailbox.offer(retired)
      yield* Fiber.join(reader)
    }),
    { seeds: 40 }
  )

  simulated(
    "can be waited on again after a wait was interrupted",
    Effect.gen(function* () {
      const mailbox = new Mailbox()
      const first = yield* Effect.forkScoped(mailbox.take())
      yield* Effect.sleep(1)
      yield* Fiber.interrupt(first)
      const second = yield* Effect.forkScoped(mailbox.take())
      yield* Effect.sleep(1)
      mailbox.offer(ticked(7))
      assert.deepStrictEqual(yield* Fiber.join(second), ticked(7))
    }),
    { seeds: 20 }
  )
})
