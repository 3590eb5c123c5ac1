/** How pods fare, told by the world that they live in: the controllers and the kubelet only carry it out. */
import type { JsonObject } from "#cluster/api/json"

export type Fate =
  /** Becomes ready and stays so. */
  | { readonly _tag: "Runs" }
  /** Runs, and its readiness probe never succeeds. */
  | { readonly _tag: "NeverReady" }
  /** No node will have it. */
  | { readonly _tag: "Unschedulable" }
  /** Its image cannot be pulled. */
  | { readonly _tag: "NoImage" }
  /** Ends so long after its start; what follows is its restartPolicy's: once more, or done. */
  | {
      readonly _tag: "Exits"
      readonly afterMillis: number
      readonly exitCode: number
      /** As a container's status says it; default: Completed for 0, else Error. */
      readonly reason?: string
    }

export interface PodPlan {
  /** From being given to a node until it is ready. */
  readonly startupMillis: number
  readonly fate: Fate
}

/** Asked once for each start of the containers: `restarts` is 0 for a new pod. */
export type PodBehaviour = (pod: JsonObject, restarts: number) => PodPlan

export const STARTUP_MILLIS = 5000

/** Pods that start and stay. */
export const steady: PodBehaviour = () => ({ startupMillis: STARTUP_MILLIS, fate: { _tag: "Runs" } })
