/**
 * What the operators of a simulation share: one API, the plant behind it, the script of what goes wrong, and the people
 * who lay hands on things. Nothing in here knows an operator; who writes is noted while the API works on it.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { ApiServer } from "#cluster/api/ApiServer"
import { type JsonObject, valueAt, wordOf } from "#cluster/api/json"
import { LEASE_NAME } from "#operator/Leader"
import { KINDS } from "#schemas/crd/index"
import { Clocks } from "#simulation/Clocks"
import { type Fault, type FaultKind, Script } from "#simulation/Fault"
import { NAMESPACE, Plant } from "#simulation/Plant"
import type { Prng } from "#simulation/Prng"
import { Simulation } from "#simulation/runSimulation"
import type { PolicyPlan, Scenario } from "#simulation/Scenario"

export const HOME = "nimbusguard"
const PERSON = "kubectl"

export interface World {
  readonly scenario: Scenario
  readonly server: ApiServer
  readonly plant: Plant
  readonly script: Script
  readonly chance: Prng
  readonly now: () => number
  /** Aligned: who, what, and the rest. */
  readonly say: (who: string, what: string, detail: string) => void
  /** Done for itself, beside whoever asked for it; ends with the world. */
  readonly errand: (errand: Effect.Effect<void>) => void
  /** The life of an operator whose request the API server is working on. */
  writer: string | undefined
  downUntil: number
  /** When somebody laid hands on the Lease who is no operator. */
  leaseTouchedAt: number
  /** Of the operators' machines, and who of them led when. */
  readonly clocks: Clocks
  /** What people and the cluster do, by the kind of fault. False: it is for somebody else. */
  readonly strike: (fault: Fault) => boolean
  /** The end of all faults: answers nothing, and everything is well from here on. */
  readonly heal: () => void
  /** Lets everybody appear when their time has come. */
  readonly begin: Effect.Effect<void, never, Scope.Scope>
}

export const makeWorld = Effect.fnUntraced(function* (scenario: Scenario, definitions: ReadonlyArray<JsonObject>) {
  const { clock, log, prng } = yield* Simulation
  const now = clock.currentTimeMillisUnsafe
  const server = new ApiServer(now)
  for (const definition of definitions) server.create(definition)
  for (const name of [NAMESPACE, HOME]) server.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } })
  const plant = yield* Plant.make(server, now, scenario.targets)
  const errands = yield* Queue.unbounded<Effect.Effect<void>>()
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(errands), (errand) => Effect.forkScoped(errand))))
  const people = new People(scenario, server, plant)
  const world: World = {
    scenario,
    server,
    plant,
    script: new Script(scenario.faults),
    chance: prng("world"),
    now,
    say: (who, what, detail) => log(`${who.padEnd(6)} ${what.padEnd(16)} ${detail}`),
    errand: (errand) => void Queue.offerUnsafe(errands, errand),
    writer: undefined,
    downUntil: 0,
    leaseTouchedAt: Number.NEGATIVE_INFINITY,
    clocks: new Clocks(),
    strike: (fault) => {
      const deed = people.deeds[fault.kind]
      if (deed === undefined) return false
      world.say("world", fault.kind, deed(fault, world))
      return true
    },
    heal: () => {
      for (const fault of world.script.end()) world.strike(fault)
      world.downUntil = 0
      plant.settle()
      for (const plan of scenario.policies) people.create(plan)
    },
    begin: Effect.forEach(scenario.policies, (plan) => Effect.forkScoped(people.appear(plan)), { discard: true })
  }
  return world
})

/** Does it, and says in words what was done. */
type Deed = (fault: Fault, world: World) => string

class People {
  readonly #scenario: Scenario
  readonly #server: ApiServer
  readonly #plant: Plant
  readonly #edited = new Set<string>()

  constructor(scenario: Scenario, server: ApiServer, plant: Plant) {
    this.#scenario = scenario
    this.#server = server
    this.#plant = plant
  }

  readonly create = (plan: PolicyPlan): void => {
    const kind = KINDS.find((each) => each.kind === plan.kind)
    if (kind === undefined || this.#server.find(plan.kind, NAMESPACE, plan.name) !== undefined) return
    this.#server.create(
      {
        apiVersion: `${kind.group}/${kind.version}`,
        kind: plan.kind,
        metadata: { name: plan.name, namespace: NAMESPACE },
        spec: this.#edited.has(plan.name) ? plan.edited : plan.spec
      },
      PERSON
    )
  }

  readonly appear = (plan: PolicyPlan): Effect.Effect<void> =>
    Effect.delay(
      Effect.sync(() => this.create(plan)),
      plan.appearsSeconds * 1000
    )

  readonly #target = ({ pick }: Fault): string => {
    const { targets } = this.#scenario
    return targets[pick % targets.length]?.name ?? ""
  }

  readonly deeds: Partial<Readonly<Record<FaultKind, Deed>>> = {
    handScaled: (fault) => {
      const name = this.#target(fault)
      this.#plant.scale(name, fault.amount)
      return `${name} to ${fault.amount} by hand`
    },
    specEdited: ({ pick }) => {
      const { policies } = this.#scenario
      const plan = policies[pick % policies.length]
      if (plan === undefined) return ""
      this.#edited.add(plan.name)
      if (this.#server.find(plan.kind, NAMESPACE, plan.name) !== undefined) {
        this.#server.patch(plan.kind, NAMESPACE, plan.name, { spec: plan.edited }, PERSON)
      }
      return plan.name
    },
    targetRecreated: (fault, { errand }) => {
      const name = this.#target(fault)
      this.#plant.remove(name)
      errand(
        Effect.delay(
          Effect.sync(() => this.#plant.create(name)),
          fault.amount * 1000
        )
      )
      return `${name}, back in ${fault.amount} s`
    },
    policyRecreated: ({ amount, pick }, { errand }) => {
      // Made anew it is the youngest: beside a rival that would end otherwise than without it.
      const { policies } = this.#scenario
      const alone = policies.filter(
        ({ name }) => !policies.some((each) => each.name.startsWith(`${name}-`) || name.startsWith(`${each.name}-`))
      )
      const plan = alone[pick % Math.max(1, alone.length)]
      if (plan === undefined || this.#server.find(plan.kind, NAMESPACE, plan.name) === undefined) return "nobody"
      this.#server.remove(plan.kind, NAMESPACE, plan.name, PERSON)
      errand(
        Effect.delay(
          Effect.sync(() => this.create(plan)),
          amount * 1000
        )
      )
      return `${plan.name}, back in ${amount} s`
    },
    podsStuck: (fault) => {
      const name = this.#target(fault)
      this.#plant.stick(name, fault.amount)
      return `new pods of ${name} do not start for ${fault.amount} s`
    },
    leaseStolen: (_, world) => {
      const lease = this.#server.find("Lease", HOME, LEASE_NAME)
      if (lease === undefined) return "there is none"
      world.leaseTouchedAt = world.now()
      const held = valueAt(lease, "spec.holderIdentity")
      this.#server.patch("Lease", HOME, LEASE_NAME, { spec: { holderIdentity: "a-stranger" } }, PERSON)
      return `from ${wordOf(held)}`
    },
    leaseDeleted: (_, world) => {
      if (this.#server.find("Lease", HOME, LEASE_NAME) === undefined) return "there is none"
      world.leaseTouchedAt = world.now()
      this.#server.remove("Lease", HOME, LEASE_NAME, PERSON)
      return "gone"
    },
    apiDown: ({ amount }, world) => {
      world.downUntil = world.now() + amount * 1000
      return `for ${amount} s`
    }
  }
}
