/**
 * One actor per policy: starts it, hands it messages, ends it, and starts it again alone when it crashes. Nothing
 * else knows fibers. `upsert`, `tell` and `remove` are all that others need, so that policies could one day be
 * spread over several operators behind the same three words.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type { Target } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import { Metrics } from "#services/Metrics"
import type { Crash } from "#operator/Facts"
import { type LabelPredicate, type Labels, matchesLabels } from "#operator/labelSelector"
import { type Description, Mailbox, type Message, type PolicyObject, type Retirement } from "#operator/Mailbox"
import { Beat, Metronome } from "#operator/Metronome"
import { Ownership } from "#operator/Ownership"
import { afterCrash, RESTART_LIMITS, type RestartLimits, type Streak } from "#operator/restart"

/** What an actor is given besides its messages. */
export interface ActorPost {
  readonly object: PolicyObject
  readonly mailbox: Mailbox
  readonly firstTickAt: Millis
  readonly schedule: (dueAt: Millis) => void
  readonly ownership: Ownership
  /** Wakes other policies whose right to a target has changed. */
  readonly poke: (uids: Iterable<string>, cause: string) => void
}

export interface Actor {
  /** Until it is told to retire. Whatever it fails with is a crash: run again, with the same state. */
  readonly run: Effect.Effect<void, unknown>
  /** Told before the pause that follows a crash. */
  readonly crashed: (crash: Crash) => Effect.Effect<void>
  /** After the last run, however it ended. */
  readonly ended: Effect.Effect<void>
}

/** Makes the actor with its state; the services are captured where it is made. */
export class Actors extends Context.Service<
  Actors,
  {
    readonly make: (post: ActorPost) => Effect.Effect<Actor>
    /** What a policy claims before its first tick. */
    readonly targetsOf: (object: PolicyObject) => Effect.Effect<ReadonlyArray<Target>>
  }
>()("nimbusguard/operator/Supervisor/Actors") {}

export interface SupervisorOptions {
  readonly restart: RestartLimits
  /** Between the first ticks of policies that appear together: 10,000 of them take one interval to start. */
  readonly startGapMillis: number
}

export const SUPERVISOR_OPTIONS: SupervisorOptions = { restart: RESTART_LIMITS, startGapMillis: 1.5 }

interface Entry {
  object: PolicyObject
  readonly mailbox: Mailbox
  readonly beat: Beat
  streak: Streak | undefined
  /** Set while the actor is being ended: who comes meanwhile waits for it. */
  ending: Deferred.Deferred<void> | undefined
}

export class Supervisor extends Context.Service<
  Supervisor,
  {
    /** Starts the policy's actor, or tells the living one that its object has changed. */
    readonly upsert: (object: PolicyObject) => Effect.Effect<void>
    /** All at once, so that no younger policy ticks before the older one on its target is known. */
    readonly upsertAll: (objects: ReadonlyArray<PolicyObject>) => Effect.Effect<void>
    /** False: there is no such actor, or it has no room. */
    readonly tell: (uid: string, message: Message) => Effect.Effect<boolean>
    /** Wakes the policies that name the target, and those that select any of these labels in its namespace. */
    readonly targetChanged: (target: Target, labels: ReadonlyArray<Labels>, cause: string) => Effect.Effect<void>
    /** The object is deleted. Comes back when the actor has ended. */
    readonly remove: (uid: string) => Effect.Effect<void>
    /** This operator leads no longer: ends all actors, and comes back when they have ended. */
    readonly stop: Effect.Effect<void>
    /** Undefined: no such policy, or too many are asking. */
    readonly describe: (uid: string) => Effect.Effect<Description | undefined>
    readonly objects: Effect.Effect<ReadonlyArray<PolicyObject>>
    readonly size: Effect.Effect<number>
  }
>()("nimbusguard/operator/Supervisor") {
  static readonly layerWith = (options: SupervisorOptions) =>
    Layer.effect(
      Supervisor,
      Effect.suspend(() => make(options))
    )
  static readonly layer = Supervisor.layerWith(SUPERVISOR_OPTIONS)
}

const make = Effect.fnUntraced(function* (options: SupervisorOptions) {
  const actors = yield* Actors
  const metrics = yield* Metrics
  const metronome = new Metronome()
  const ownership = new Ownership()
  const entries = new Map<string, Entry>()
  const selecting = new Selecting()
  const fibers = yield* FiberMap.make<string, void, never>() // E = never: no actor dies unseen
  /** In this layer's own context, which all actors share. */
  const fork = yield* FiberMap.runtime(fibers)<never>()
  let nextStartAt = 0

  yield* Effect.forkScoped(metronome.run)

  const poke = (uids: Iterable<string>, cause: string) => {
    for (const uid of uids) entries.get(uid)?.mailbox.offer({ _tag: "Poked", cause })
  }

  /** The first comes at once, a crowd one after the other. */
  const startSlot = (now: Millis): Millis => {
    const slot = Math.max(now, nextStartAt)
    nextStartAt = slot + options.startGapMillis
    return Math.ceil(slot)
  }

  const crashed = Effect.fnUntraced(function* (entry: Entry, actor: Actor, cause: Cause.Cause<unknown>) {
    const { kind, name, namespace, uid } = entry.object.ref
    const at = yield* Clock.currentTimeMillis
    const streak = (entry.streak = afterCrash(entry.streak, at, yield* Random.next, options.restart))
    const error = Cause.squash(cause)
    const crash: Crash = { at, message: error instanceof Error ? error.message : String(error), count: streak.crashes }
    const told = Effect.gen(function* () {
      yield* Effect.logError("The policy's actor crashed and will be started again.", cause)
      yield* metrics.crashed(entry.object.ref)
      yield* Effect.catchCause(actor.crashed(crash), (second) =>
        Effect.logError("The crash could not be reported.", second)
      )
    })
    yield* Effect.annotateLogs(told, { policy: name, namespace, kind, uid })
    yield* Effect.sleep(Math.max(0, streak.runsFrom - (yield* Clock.currentTimeMillis)))
  })

  /** An interruption that nobody asked for is a crash like any other: the actor must not be gone unseen. */
  const living = (entry: Entry, actor: Actor): Effect.Effect<void> =>
    Effect.catchCause(actor.run, (cause) =>
      entry.mailbox.retired === undefined
        ? Effect.andThen(crashed(entry, actor, cause), living(entry, actor))
        : Effect.void
    )

  const supervise = (entry: Entry, actor: Actor): Effect.Effect<void> =>
    Effect.ensuring(
      living(entry, actor),
      Effect.suspend(() => {
        metronome.cancel(entry.beat)
        entry.mailbox.close()
        return Effect.ignoreCause(actor.ended)
      })
    )

  /** Only ever on an empty key: FiberMap.run over a living fiber would not wait for its end. */
  const start = Effect.fnUntraced(function* (object: PolicyObject) {
    const mailbox = new Mailbox()
    const beat = new Beat((dueAt) => mailbox.offer({ _tag: "Ticked", dueAt }))
    const entry: Entry = { object, mailbox, beat, streak: undefined, ending: undefined }
    entries.set(object.ref.uid, entry)
    selecting.note(object)
    const firstTickAt = startSlot(yield* Clock.currentTimeMillis)
    const schedule = (dueAt: Millis) => metronome.schedule(beat, dueAt)
    const actor = yield* actors.make({ object, mailbox, firstTickAt, schedule, ownership, poke })
    yield* metrics.policySeen(object.ref)
    if (mailbox.retired === undefined) fork(object.ref.uid, supervise(entry, actor))
  }, Effect.uninterruptible)

  const claim = Effect.fnUntraced(function* (object: PolicyObject) {
    const targets = yield* actors.targetsOf(object)
    poke(ownership.claim(object.ref, targets), "another policy names the same target")
  })

  const hand = (object: PolicyObject): Effect.Effect<void> =>
    Effect.suspend(() => {
      const entry = entries.get(object.ref.uid)
      if (entry === undefined) return start(object)
      if (entry.ending !== undefined) return Effect.andThen(Deferred.await(entry.ending), hand(object))
      entry.object = object
      selecting.note(object)
      entry.mailbox.offer({ _tag: "Applied", object })
      return Effect.void
    })

  const upsert = Effect.fn("Supervisor.upsert")(function* (object: PolicyObject) {
    yield* claim(object)
    yield* hand(object)
  })

  const retire = (uid: string, reason: Retirement): Effect.Effect<void> =>
    Effect.suspend(() => {
      const entry = entries.get(uid)
      if (entry === undefined) return Effect.void
      if (entry.ending !== undefined) return Deferred.await(entry.ending)
      const ending = (entry.ending = Deferred.makeUnsafe<void>())
      entry.mailbox.offer({ _tag: "Retired", reason })
      // What has been sent to the API server is finished and reported; everything else is cut short.
      return FiberMap.remove(fibers, uid).pipe(
        Effect.ensuring(
          Effect.suspend(() => {
            entries.delete(uid)
            selecting.forget(uid)
            poke(ownership.release(uid), "another policy let the target go")
            return Deferred.succeed(ending, undefined)
          })
        ),
        Effect.uninterruptible
      )
    })

  const stop = Effect.suspend(() =>
    Effect.forEach([...entries.keys()], (uid) => retire(uid, "LostLease"), { concurrency: "unbounded", discard: true })
  )
  yield* Effect.addFinalizer(() => stop)

  const tell = (uid: string, message: Message) => Effect.sync(() => entries.get(uid)?.mailbox.offer(message) ?? false)

  return {
    upsert,
    upsertAll: Effect.fn("Supervisor.upsertAll")(function* (objects) {
      yield* Effect.forEach(objects, claim, { discard: true })
      yield* Effect.forEach(objects, hand, { discard: true })
    }),
    tell,
    targetChanged: (target, labels, cause) =>
      Effect.sync(() => {
        const claimants = ownership.claimants(target).map(({ uid }) => uid)
        poke(new Set([...claimants, ...selecting.of(target.namespace, labels)]), cause)
      }),
    remove: (uid) => retire(uid, "Deleted"),
    stop,
    describe: Effect.fnUntraced(function* (uid) {
      const reply = yield* Deferred.make<Description | undefined>()
      return (yield* tell(uid, { _tag: "Described", reply })) ? yield* Deferred.await(reply) : undefined
    }),
    objects: Effect.sync(() => [...entries.values()].map(({ object }) => object)),
    size: Effect.sync(() => entries.size)
  } satisfies Supervisor["Service"]
})

/** Policies that select by labels: a wake is a poll, and a poll may move a replica, so it is for what is theirs. */
class Selecting {
  readonly #selectors = new Map<string, { readonly namespace: string; readonly selects: LabelPredicate }>()

  note({ decoded, ref }: PolicyObject): void {
    const targets = Result.isSuccess(decoded) ? decoded.success.targets : undefined
    if (targets?._tag !== "Labels") return this.forget(ref.uid)
    this.#selectors.set(ref.uid, { namespace: targets.namespace, selects: matchesLabels(targets.labels) })
  }

  forget(uid: string): void {
    this.#selectors.delete(uid)
  }

  of(namespace: string, labels: ReadonlyArray<Labels>): ReadonlyArray<string> {
    return [...this.#selectors].flatMap(([uid, each]) =>
      each.namespace === namespace && labels.some(each.selects) ? [uid] : []
    )
  }
}
