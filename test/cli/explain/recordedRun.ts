/**
 * Forty minutes of three policies under a whole operator in virtual time: load that rises, falls, spikes and goes
 * missing, somebody who scales by hand, and somebody who edits. What is kept is what the operator recorded.
 */
import { Effect, Exit } from "effect"
import type { Dump } from "#cli/explain/Dump"
import { Ledger } from "#operator/Ledger"
import type { DecisionRecord } from "#schemas/Decision"
import type { Policy } from "#schemas/Policy"
import { measured, type Millis, missing } from "#schemas/Reading"
import { runSimulation } from "#simulation/runSimulation"
import { makeWorld, NAMESPACE, running } from "#test/operator/operatorWorld"

export const WEB = {
  apiVersion: "nimbusguard.io/v1",
  kind: "ScalingPolicy",
  metadata: { name: "web", namespace: NAMESPACE },
  spec: {
    target: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    scaling: {
      minReplicas: 2,
      maxReplicas: 30,
      behavior: {
        scaleUp: { policies: [{ type: "Pods", value: 5, periodSeconds: 60 }] },
        scaleDown: {
          stabilizationWindowSeconds: 120,
          policies: [{ type: "Percent", value: 30, periodSeconds: 60 }]
        }
      }
    },
    signals: [
      {
        name: "rps",
        prometheus: { serverUrl: "http://prometheus:9090", query: "rps" },
        target: { type: "AverageValue", value: "100" }
      }
    ]
  }
}

export const JOBS = {
  apiVersion: "scaling.example.com/v1",
  kind: "ScalingRule",
  metadata: { name: "jobs", namespace: NAMESPACE },
  spec: {
    deploymentName: "jobs",
    namespace: NAMESPACE,
    minReplicas: 1,
    maxReplicas: 6,
    natsMonitoringURL: "http://nats:8222",
    subject: "orders",
    scaleUpThreshold: 50,
    scaleDownThreshold: 10,
    pollIntervalSeconds: 15
  }
}

/** Its target is another every few minutes. */
export const EDITED = {
  ...WEB,
  metadata: { name: "edited", namespace: NAMESPACE },
  spec: { ...WEB.spec, target: { ...WEB.spec.target, name: "edited" } }
}

const withTarget = (value: string) => ({
  spec: { signals: WEB.spec.signals.map((signal) => ({ ...signal, target: { type: "AverageValue", value } })) }
})

const MINUTE = 60_000

const rpsAt = (elapsed: Millis): number => {
  const spike = elapsed > 12 * MINUTE && elapsed < 15 * MINUTE ? 1_500 : 0
  return 700 + 500 * Math.sin(elapsed / (4 * MINUTE)) + spike
}

const backlogAt = (elapsed: Millis): number => (elapsed % (15 * MINUTE) < 2 * MINUTE ? 80 : 3)

export interface RecordedRun extends Dump {
  /** The policy as it was at last. */
  readonly of: (name: string) => { readonly policy: Policy; readonly records: ReadonlyArray<DecisionRecord> }
}

/** Oldest first. */
export const recordedRun = (): RecordedRun => {
  const program = Effect.gen(function* () {
    const world = yield* makeWorld
    const startedAt = world.api.now()
    world.deploy("web", 3)
    world.deploy("jobs", 2)
    world.deploy("edited", 3)
    world.api.create(WEB)
    world.api.create(JOBS)
    world.api.create(EDITED)
    for (const name of ["web", "edited"]) {
      world.sources.set(name, ({ at }) => {
        const elapsed = at - startedAt
        const gone = elapsed > 20 * MINUTE && elapsed < 22 * MINUTE
        return Effect.succeed(gone ? missing("Unreachable", "Connection refused.") : measured(rpsAt(elapsed), at))
      })
    }
    world.sources.set("jobs", ({ at }) => Effect.succeed(measured(backlogAt(at - startedAt), at)))
    return yield* running(
      world,
      Effect.gen(function* () {
        // Between two ticks, so that the pods are there by the next one: a line of `decide` knows one count of replicas.
        yield* Effect.sleep("1563 seconds")
        world.api.patch("Deployment", NAMESPACE, "web", { spec: { replicas: 20 } })
        for (const value of ["150", "60", "90"]) {
          yield* Effect.sleep("3 minutes")
          world.api.patch("ScalingPolicy", NAMESPACE, "edited", withTarget(value))
        }
        yield* Effect.sleep("5 minutes")
        const ledger = yield* Ledger
        const views = [...(yield* ledger.policies).values()]
        const records = yield* Effect.forEach(views, ({ ref }) => ledger.records(ref.uid))
        const deciders = yield* Effect.forEach(views, ({ ref }) => ledger.deciders(ref.uid))
        return {
          policies: deciders.flat(),
          records: records.map((own) => own.toReversed())
        }
      })
    )
  })
  const { exit } = runSimulation(Effect.scoped(program), { seed: 1, within: "1 day" })
  if (Exit.isFailure(exit)) throw new Error(`the run failed: ${String(exit.cause)}`)
  const { policies, records } = exit.value
  const of = (name: string) => {
    const policy = policies.find(({ ref }) => ref.name === name)
    if (policy === undefined) throw new Error(`no policy ${name}`)
    return { policy, records: records.flat().filter((record) => record.policy.name === name) }
  }
  return { policies, records: records.flat(), of }
}
