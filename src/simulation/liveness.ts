/** Where a run ends when nothing goes wrong any more, and how that is compared with the same run without faults. */
import * as Effect from "effect/Effect"
import { isObject, type JsonObject, metadataOf, valueAt, wordOf } from "#cluster/api/json"
import { LEASE_NAME } from "#operator/Leader"
import { NAMESPACE } from "#simulation/Plant"
import type { Operators } from "#simulation/operators"
import { Violation } from "#simulation/Property"
import type { Safety } from "#simulation/safety"
import { HOME, type World } from "#simulation/World"

/** What must be the same with and without faults. */
export interface Rest {
  /** By policy: phase, conditions with their reasons, whether the generation is observed. */
  readonly policies: Readonly<Record<string, string>>
  /** Of targets whose policies end where they must, whatever came before. */
  readonly replicas: Readonly<Record<string, number>>
}

const LOOK_MILLIS = 30_000
/** Longer than any window, cooldown and interval of the fleet. */
const CALM_MILLIS = 360_000
/** A freeze lasts up to half an hour, and the windows come after it. */
const PATIENCE_MILLIS = 75 * 60_000

/** Waits until nothing has moved for a while, and as long as patience lasts for what is expected. */
export const converge = Effect.fnUntraced(function* (
  world: World,
  safety: Safety,
  operators: Operators,
  expected: Rest | undefined
) {
  const startedAt = world.now()
  let since = startedAt
  let last = ""
  while (true) {
    yield* Effect.sleep(LOOK_MILLIS)
    yield* operators.look
    const rest = restOf(world)
    const text = JSON.stringify([rest, safety.writes.length, holderOf(world)])
    if (text !== last) since = world.now()
    last = text
    const isCalm = world.now() - since >= CALM_MILLIS
    const difference = isCalm
      ? (unfinished(world, rest) ?? (expected && differenceOf(expected, rest)))
      : "it has not come to rest"
    if (difference === undefined) return rest
    if (world.now() - startedAt > PATIENCE_MILLIS) {
      explain(world)
      return yield* new Violation({
        property: "it converges",
        detail: `${difference}, ${PATIENCE_MILLIS / 60_000} minutes after the last fault`
      })
    }
  }
})

/** What each policy says of itself, for whoever reads the trace. */
const explain = ({ say, scenario, server }: World): void => {
  for (const { kind, name } of scenario.policies) {
    const status = valueAt(server.find(kind, NAMESPACE, name), "status")
    say(
      name,
      "says",
      `${wordOf(valueAt(status, "lastDecision.reasoning"))} (${JSON.stringify(valueAt(status, "signals"))})`
    )
  }
}

const holderOf = ({ server }: World): unknown => valueAt(server.find("Lease", HOME, LEASE_NAME), "spec.holderIdentity")

const restOf = (world: World): Rest => {
  const { plant, scenario, server } = world
  const policies = scenario.policies.map(({ isMemoryless, kind, name, spec }) => {
    const object = server.find(kind, NAMESPACE, name) ?? {}
    const { generation } = metadataOf(object)
    const conditions = valueAt(object, "status.conditions")
    const told = (Array.isArray(conditions) ? conditions : []).filter(isObject)
    // What limits it depends on where it is, and on how old advice is by now.
    const isSettled = isMemoryless && !isAdvised(spec)
    const shown = told
      .filter(({ type }) => isSettled || type !== "ScalingLimited")
      .map(({ reason, status, type }) => `${wordOf(type)}=${wordOf(status)}/${wordOf(reason)}`)
    const observed = valueAt(object, "status.observedGeneration") === generation
    return [name, [wordOf(valueAt(object, "status.phase")), `observed=${observed}`, ...shown].join(" ")] as const
  })
  const wandering = new Set(scenario.policies.flatMap(({ isMemoryless, targets }) => (isMemoryless ? [] : targets)))
  const replicas = scenario.targets.flatMap(({ name }) =>
    wandering.has(name) ? [] : [[name, plant.replicas(name) ?? -1] as const]
  )
  return { policies: Object.fromEntries(policies), replicas: Object.fromEntries(replicas) }
}

const isAdvised = (spec: JsonObject): boolean =>
  valueAt(spec, "aiConfig.advisor") !== undefined || valueAt(spec, "ai.advisor") === true

/** What a policy has not yet told of what it last saw. */
const unfinished = (world: World, { policies }: Rest): string | undefined => {
  const late = Object.entries(policies).find(([, text]) => !text.includes("observed=true"))
  if (late !== undefined) return `${late[0]} is ${late[1]}`
  // A step down that was taken back forbids the next for half an hour, and is over then.
  const rolledBack = Object.entries(policies).find(([, text]) => text.includes("/RolledBack"))
  if (rolledBack !== undefined) return `${rolledBack[0]} has rolled back`
  return typeof holderOf(world) === "string" && holderOf(world) !== "" ? undefined : "nobody holds the Lease"
}

export const differenceOf = (expected: Rest, found: Rest): string | undefined => {
  for (const part of ["replicas", "policies"] as const) {
    for (const [name, want] of Object.entries(expected[part])) {
      const got = found[part][name]
      if (got !== want) return `${name} ends at ${got} and without faults at ${want}`
    }
  }
  return undefined
}
