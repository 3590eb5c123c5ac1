/** What a scenario does to the world, when its time comes, and says so. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Board } from "#cli/dev/Board"
import type { Switch } from "#cli/dev/outage"
import type { Deed, Event, Scenario } from "#cli/dev/scenarios/Scenario"
import type { Cluster } from "#cluster/Cluster"

const NAMESPACE = "default"
/** As whom a person's hand is seen. */
const HAND = "kubectl"

export const carryOut = (cluster: Cluster, answers: Switch, deed: Deed): void => {
  switch (deed._tag) {
    case "Metrics":
      answers.on = deed.answer
      return
    case "Traffic":
      cluster.setTraffic(deed.workload, deed.traffic, NAMESPACE)
      return
    case "Scale":
      cluster.api.patch("Deployment", NAMESPACE, deed.workload, { spec: { replicas: deed.replicas } }, HAND, "scale")
      return
    case "Image": {
      const { image, workload } = deed
      const containers = [{ name: workload, image, resources: { requests: { cpu: "100m", memory: "128Mi" } } }]
      cluster.api.patch("Deployment", NAMESPACE, workload, { spec: { template: { spec: { containers } } } }, HAND)
    }
  }
}

/** Somebody may have deleted what a deed is about: that is told, and the next one comes all the same. */
const happen = (cluster: Cluster, answers: Switch, board: Board, { deed, says }: Event) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.try({
      try: () => {
        carryOut(cluster, answers, deed)
        board.tell(now, says, "busy")
      },
      catch: (error) => (error instanceof Error ? error.message : String(error))
    }).pipe(Effect.catch((message) => Effect.sync(() => board.tell(now, `${says}: not possible: ${message}`, "bad"))))
  )

export const course = Effect.fn("dev.course")(function* (
  cluster: Cluster,
  { againAfterSeconds, events = [] }: Scenario,
  answers: Switch,
  board: Board
) {
  if (events.length === 0) return
  const once = Effect.gen(function* () {
    const begin = yield* Clock.currentTimeMillis
    for (const event of events) {
      const now = yield* Clock.currentTimeMillis
      yield* Effect.sleep(Math.max(0, begin + event.atSeconds * 1000 - now))
      yield* happen(cluster, answers, board, event)
    }
    const now = yield* Clock.currentTimeMillis
    if (againAfterSeconds !== undefined) yield* Effect.sleep(Math.max(0, begin + againAfterSeconds * 1000 - now))
  })
  yield* againAfterSeconds === undefined ? once : Effect.forever(once)
})
