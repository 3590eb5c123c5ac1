/** Days of real length with their nights: for --speed 60 and more, where a day takes 24 minutes or less. */
import { POLICIES, withTraffic } from "#cli/dev/scenarios/fleet"
import type { Scenario } from "#cli/dev/scenarios/Scenario"

const daily = (rate: number) => ({ pattern: "diurnal", rate })

export const nightAndDay: Scenario = {
  says: "days and nights of 24 hours: made for --speed 60 and more",
  policies: POLICIES,
  workloads: withTraffic({
    "consumer-workload": daily(140),
    "my-app": daily(800),
    worker: daily(20),
    orders: daily(18),
    "shop-web": { pattern: "week", rate: 90 },
    "shop-api": { pattern: "week", rate: 90 },
    catalog: daily(220)
  })
}
