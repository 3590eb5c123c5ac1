/** Load that goes up and down within minutes, everywhere a little differently: something happens in the first one. */
import { POLICIES, withTraffic } from "#cli/dev/scenarios/fleet"
import type { Scenario } from "#cli/dev/scenarios/Scenario"

export const usual: Scenario = {
  says: "load that goes up and down within minutes",
  policies: POLICIES,
  workloads: withTraffic({
    // Longer than the five minutes that it waits before it goes down.
    "consumer-workload": { pattern: "ramp:low=0.32,high=2,rise=300", rate: 90 },
    "my-app": { pattern: "diurnal:day=480,low=0.4", rate: 500 },
    worker: { pattern: "ramp:low=0.2,high=2,rise=150", rate: 14 },
    orders: { pattern: "ramp:low=0.4,high=2,rise=100", rate: 10 },
    "shop-web": { pattern: "diurnal:day=900,low=0.25", rate: 80 },
    "shop-api": { pattern: "diurnal:day=900,low=0.25", rate: 60 },
    catalog: { pattern: "noise:deviation=0.3,scale=120", rate: 90 }
  })
}
