/**
 * What one actor is told: one slot per kind of message, the latest wins. So it is bounded, level-triggered and
 * free of duplicates, however fast the world changes. One actor takes, anybody offers, and offering never waits.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { DecisionRecord } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Advice } from "#schemas/Observation"
import type { Policy, PolicyRef, Refusal, Target } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import type { Status } from "#schemas/Status"

/** One object of a watched kind, decoded or refused, with the status that it carried. */
export interface PolicyObject {
  readonly ref: PolicyRef
  readonly decoded: Result.Result<Policy, ReadonlyArray<Refusal>>
  readonly status: Status | undefined
  /** It was there when this operator began to lead, so another may have acted on it. */
  readonly inherited?: boolean
}

/** What an actor says about itself, between two ticks. */
export interface Description {
  readonly object: PolicyObject
  readonly nextTickAt: Millis
  readonly targets: ReadonlyArray<{
    readonly target: Target
    readonly memory: Memory
    readonly record: DecisionRecord | undefined
  }>
  readonly crashes: number
}

/** Deleted: its traces go too. LostLease: the next leader goes on where this one stopped. */
export type Retirement = "Deleted" | "LostLease"

export type Message =
  | { readonly _tag: "Retired"; readonly reason: Retirement }
  | { readonly _tag: "Applied"; readonly object: PolicyObject }
  | { readonly _tag: "Described"; readonly reply: Deferred.Deferred<Description | undefined> }
  /** By target: what the policy's advisor believes of what it was told. */
  | { readonly _tag: "Advised"; readonly advice: ReadonlyMap<string, Advice> }
  | { readonly _tag: "Poked"; readonly cause: string }
  | { readonly _tag: "Ticked"; readonly dueAt: Millis }

export const MAX_REPLIES = 16

export class Mailbox {
  #retired: Extract<Message, { _tag: "Retired" }> | undefined
  #applied: Message | undefined
  #described: Array<Extract<Message, { _tag: "Described" }>> | undefined
  #advised: Message | undefined
  #poked: Message | undefined
  #ticked: Message | undefined
  #waiter: (() => void) | undefined
  #closed = false

  /** False: nobody will ever read it, or too many wait for a reply already. */
  offer(message: Message): boolean {
    if (this.#closed || !this.#put(message)) return false
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.()
    return true
  }

  /** Waits for the most urgent message. */
  take(): Effect.Effect<Message> {
    return Effect.suspend(() => {
      const message = this.poll()
      return message === undefined ? Effect.andThen(this.#wait(), this.take()) : Effect.succeed(message)
    })
  }

  #wait(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.pending) return resume(Effect.void)
      const wake = () => resume(Effect.void)
      this.#waiter = wake
      return Effect.sync(() => {
        if (this.#waiter === wake) this.#waiter = undefined
      })
    })
  }

  get pending(): boolean {
    return (
      this.#retired !== undefined ||
      this.#applied !== undefined ||
      this.#described !== undefined ||
      this.#advised !== undefined ||
      this.#poked !== undefined ||
      this.#ticked !== undefined
    )
  }

  /** Why the actor is to end, once it is: what it is doing is worth no more. */
  get retired(): Retirement | undefined {
    return this.#retired?.reason
  }

  /** A newer object waits: what is being decided is about an older one. */
  get superseded(): boolean {
    return this.#applied !== undefined || this.#retired !== undefined
  }

  /** The most urgent message now, if there is one. */
  poll(): Message | undefined {
    if (this.#retired !== undefined) return this.#retired // stays: every later take says the same
    const applied = this.#applied
    if (applied !== undefined) {
      this.#applied = undefined
      return applied
    }
    const described = this.#described?.shift()
    if (this.#described?.length === 0) this.#described = undefined
    if (described !== undefined) return described
    const advised = this.#advised
    if (advised !== undefined) {
      this.#advised = undefined
      return advised
    }
    const poked = this.#poked
    if (poked !== undefined) {
      this.#poked = undefined
      return poked
    }
    const ticked = this.#ticked
    this.#ticked = undefined
    return ticked
  }

  /** The actor is gone: whoever waits for a reply is told that there is none. */
  close(): void {
    this.#closed = true
    for (const { reply } of this.#described ?? []) Deferred.doneUnsafe(reply, Effect.succeed(undefined))
    this.#described = undefined
  }

  #put(message: Message): boolean {
    switch (message._tag) {
      case "Retired":
        this.#retired = message
        return true
      case "Applied":
        this.#applied = message
        return true
      case "Described": {
        const waiting = (this.#described ??= [])
        return waiting.length < MAX_REPLIES && waiting.push(message) > 0
      }
      case "Advised":
        this.#advised = message
        return true
      case "Poked":
        this.#poked = message
        return true
      case "Ticked":
        this.#ticked = message
        return true
    }
  }
}
