/**
 * The operators of a simulation: whole ones, each a process on a machine of its own, which dies, is told to stop, and is
 * started again under a new name, for as long as the world lasts.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Ledger } from "#operator/Ledger"
import * as Operator from "#operator/Operator"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import { Kubernetes } from "#services/Kubernetes"
import { Metrics } from "#services/Metrics"
import { OpenAi } from "#services/OpenAi"
import { Answers } from "#simulation/Answers"
import type { Fault } from "#simulation/Fault"
import { makeFaultyKubernetes } from "#simulation/faultyKubernetes"
import { makeModel } from "#simulation/faultyModel"
import { layerSources } from "#simulation/faultySources"
import { Life, type Machine } from "#simulation/Life"
import { Simulation } from "#simulation/runSimulation"
import type { Safety } from "#simulation/safety"
import { HOME, type World } from "#simulation/World"

export interface Operators {
  /** Looks at what every living operator has written down since it was last looked at. */
  readonly look: Effect.Effect<void>
  /** Every wall clock is as at first; who is away comes back. */
  readonly heal: () => void
}

interface Living {
  readonly life: Life
  readonly ledger: Ledger["Service"]
  /** By policy: the last record that was looked at. */
  readonly seen: Map<string, string>
}

export const makeOperators = Effect.fnUntraced(function* (world: World, safety: Safety) {
  const { clock } = yield* Simulation
  const living = new Map<string, Living>()
  const machines: Array<Machine> = []
  let healed = false

  const lookAt = ({ ledger, life, seen }: Living): Effect.Effect<void> =>
    Effect.gen(function* () {
      for (const uid of safety.uids()) {
        const records = yield* ledger.records(uid)
        const known = records.findIndex(({ id }) => id === seen.get(uid))
        const fresh = known < 0 ? records : records.slice(0, known)
        const [newest] = fresh
        if (newest === undefined) continue
        seen.set(uid, newest.id)
        const deciders = yield* ledger.deciders(uid)
        for (const record of fresh.toReversed()) {
          safety.recorded(
            life.name,
            record,
            deciders.find(({ ref }) => ref.generation === record.policy.generation)
          )
        }
      }
    })

  const setClock = (machine: Machine, offsetMillis: number) => {
    machine.offsetMillis = offsetMillis
    world.clocks.set(machine.name, world.now(), offsetMillis)
  }

  const strikeAt = (life: Life) => (fault: Fault) => {
    const { amount, kind } = fault
    if (kind === "killed" || kind === "stopped") life.end({ how: kind, awaySeconds: amount })
    if (kind !== "clockJumped") return
    setClock(life.machine, life.machine.offsetMillis + amount * 1000)
  }

  const layerOf = (life: Life, answers: Answers) => {
    const options = { life, world, answers, strike: strikeAt(life) }
    const kubernetes = Layer.succeed(Kubernetes, makeFaultyKubernetes(options))
    const operator = Operator.layer({
      namespaces: undefined,
      ownNamespace: HOME,
      identity: life.name,
      leaderElection: true,
      decode: DECODE_SETTINGS
    })
    return operator.pipe(
      Layer.provide(layerSources(options)),
      Layer.provide(Layer.succeed(OpenAi, makeModel(options))),
      Layer.provide(Metrics.layerNone),
      Layer.provide(kubernetes),
      Layer.fresh
    )
  }

  const live = Effect.fnUntraced(function* (machine: Machine, count: number) {
    const life = new Life(`${machine.name}${count}`, machine)
    const answers = new Answers()
    safety.suspect({ name: life.name, answers })
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(layerOf(life, answers), scope)
    const one: Living = { life, ledger: Context.get(context, Ledger), seen: new Map() }
    living.set(life.name, one)
    world.say(life.name, "starts", "")
    const ending = yield* Effect.onInterrupt(Deferred.await(life.ending), () => Scope.close(scope, Exit.void))
    if (ending.how === "killed") {
      // What it did after its last word to anybody, it did not do.
      yield* lookAt(one)
      living.delete(life.name)
      yield* Scope.close(scope, Exit.void)
    } else {
      yield* Scope.close(scope, Exit.void)
      yield* lookAt(one)
      living.delete(life.name)
    }
    world.say(life.name, ending.how, `back in ${ending.awaySeconds} s`)
    yield* Effect.sleep(healed ? 1000 : ending.awaySeconds * 1000)
  })

  const run = (name: string, skewMillis: number) => {
    const machine: Machine = { name, offsetMillis: skewMillis }
    setClock(machine, skewMillis)
    machines.push(machine)
    const lives = Effect.gen(function* () {
      for (let count = 1; ; count++) yield* live(machine, count)
    })
    return Effect.provideService(
      lives,
      Clock.Clock,
      clock.skewed(() => machine.offsetMillis)
    )
  }

  for (const [index, { name, skewMillis }] of world.scenario.operators.entries()) {
    yield* Effect.forkScoped(Effect.delay(run(name, skewMillis), index * 1500))
  }

  const operators: Operators = {
    look: Effect.suspend(() => Effect.forEach([...living.values()], lookAt, { discard: true })),
    heal: () => {
      healed = true
      world.scenario.operators.forEach(({ skewMillis }, index) => {
        const machine = machines[index]
        if (machine !== undefined) setClock(machine, skewMillis)
      })
      for (const { life } of living.values()) life.lostUntil = 0
    }
  }
  return operators
})
