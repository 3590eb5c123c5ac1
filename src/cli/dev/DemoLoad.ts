/** Load on the demo's workloads: finds the one that is meant, tells the world, and remembers what is under way. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Board } from "#cli/dev/Board"
import { type Begun, Load, LoadRefused, type LoadTarget, type Wave } from "#cli/dev/Load"
import { TARGETS } from "#cli/dev/scenarios/fleet"
import { amount } from "#cli/dev/rows"
import type { Cluster } from "#cluster/Cluster"
import { INTENSE_PODS, type Service } from "#cluster/world/Service"
import { patternOf } from "#workload/patternText"
import { capacityOf } from "#workload/Workload"
import * as Result from "effect/Result"

const QUEUES: ReadonlySet<string> = new Set(["queue", "nats"])

/** By name, by the seeds' words, or for these words the first of its sort that there is. */
const found = (services: ReadonlyArray<Service>, target: string): Service | undefined => {
  const named = services.find(({ name }) => name === target) ?? services.find(({ name }) => name === TARGETS[target])
  if (named !== undefined || TARGETS[target] === undefined) return named
  return services.find(({ queue }) => (queue !== undefined) === QUEUES.has(target))
}

const unit = ({ queue }: Service): string => (queue === undefined ? "requests" : "messages")

const targetsOf = (services: ReadonlyArray<Service>): ReadonlyArray<LoadTarget> => {
  const words = Object.keys(TARGETS).flatMap((word) => {
    const service = found(services, word)
    return service === undefined ? [] : [{ name: word, says: service.name }]
  })
  return [...words, ...services.map((service) => ({ name: service.name, says: unit(service) }))]
}

export const layer = ({ load, services, stop }: Cluster, board: Board): Layer.Layer<Load> =>
  Layer.sync(Load, () => {
    let begun: ReadonlyArray<Begun> = []
    const alive = Effect.map(Clock.currentTimeMillis, (now) => (begun = begun.filter(({ until }) => until > now)))

    const begin = Effect.fn("DemoLoad.begin")(function* (wave: Wave) {
      const service = found(services(), wave.target)
      if (service === undefined) {
        const names = targetsOf(services()).map(({ name }) => name)
        return yield* new LoadRefused({ detail: `target: there is no ${wave.target}; name one of ${names.join(", ")}` })
      }
      const pattern = patternOf(wave.pattern, "")
      if (Result.isFailure(pattern)) return yield* new LoadRefused({ detail: `pattern: ${pattern.failure}` })
      const { name, namespace } = service
      load(name, { pattern: wave.pattern, durationSeconds: wave.seconds, intensity: wave.intensity }, namespace)
      const now = yield* Clock.currentTimeMillis
      const level = (wave.intensity / 100) * INTENSE_PODS * capacityOf(service.plant)
      const one: Begun = {
        ...wave,
        service: name,
        namespace,
        level: `about ${amount(level)} ${unit(service)} a second more, as many as ${amount((wave.intensity / 100) * INTENSE_PODS)} busy pods can do`,
        until: now + wave.seconds * 1000
      }
      yield* alive
      begun = [...begun, one]
      board.tell(now, `load: ${name} gets ${wave.pattern} for ${wave.seconds} s, ${one.level}`, "busy")
      return one
    })

    const stopped = Effect.gen(function* () {
      const running = yield* alive
      for (const { name, namespace } of services()) stop(name, namespace)
      begun = []
      if (running.length > 0) board.tell(yield* Clock.currentTimeMillis, "load: what was asked for is stopped", "busy")
      return running.length
    })

    return { targets: targetsOf(services()), begin, running: alive, stop: stopped }
  })
