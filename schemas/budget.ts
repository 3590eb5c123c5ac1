/** What a month's budget pays for: said when the object is read, and held whenever it is decided. */

/** Hours in a mean month. */
export const HOURS_PER_MONTH = 730

export interface Cost {
  readonly maxMonthlyCost: number
  readonly costPerPodPerHour: number
}

export const monthlyCostOf = (pods: number, { costPerPodPerHour }: Cost): number =>
  pods * costPerPodPerHour * HOURS_PER_MONTH

/** Pods that can run all month long. 0.1 x 730 is not 73 in binary, and a whole pod hangs on it. */
export const affordablePods = (cost: Cost): number =>
  Math.max(0, Math.floor(Number((cost.maxMonthlyCost / monthlyCostOf(1, cost)).toPrecision(12))))
