/** What takes part in a comparison: something that looks at a workload now and then and says how many pods. */
import type { Load } from "#workload/Load"
import type { Plant } from "#workload/Plant"

export interface Rival {
  readonly intervalSeconds: number
  /** With how many pods it begins; absent: with what the first minute needs. */
  readonly begins?: number
  /** undefined keeps what is. */
  readonly decide: (plant: Plant) => number | undefined
  /** Why it decided so last. */
  readonly reason?: () => string
}

export type MakeRival = (load: Load) => Rival
