/** What a scenario is, as data: what runs, what scales it, and what happens when. One file and one line in the index add one. */
import type { JsonObject } from "#cluster/api/json"
import type { TrafficSpec, WorkloadSpec } from "#cluster/world/WorkloadSpec"

export type Deed =
  /** Nobody who measures answers any more, or everybody does again. */
  | { readonly _tag: "Metrics"; readonly answer: boolean }
  /** The pods of a Deployment get another image; one that ends in `:broken` never becomes ready. */
  | { readonly _tag: "Image"; readonly workload: string; readonly image: string }
  /** A person scales by hand. */
  | { readonly _tag: "Scale"; readonly workload: string; readonly replicas: number }
  | { readonly _tag: "Traffic"; readonly workload: string; readonly traffic: TrafficSpec }

export interface Event {
  readonly atSeconds: number
  /** What whoever watches is told when it happens. */
  readonly says: string
  readonly deed: Deed
}

export interface Scenario {
  /** For `--help`, and above the table. */
  readonly says: string
  readonly workloads: ReadonlyArray<WorkloadSpec>
  readonly policies: ReadonlyArray<JsonObject>
  /** In order of time; begins anew when the last is so long ago. Absent: once. */
  readonly events?: ReadonlyArray<Event>
  readonly againAfterSeconds?: number
}

/** How a Deployment's image says that it cannot work. */
export const BROKEN = ":broken"
