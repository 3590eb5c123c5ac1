/** Queues that fill at once and are worked off: backlog is what steers, and somebody scales by hand in between. */
import { POLICIES, withTraffic } from "#cli/dev/scenarios/fleet"
import type { Scenario } from "#cli/dev/scenarios/Scenario"

export const queueBurst: Scenario = {
  says: "queues that fill within seconds and are worked off; once a person scales workers by hand",
  policies: POLICIES,
  workloads: withTraffic({
    "consumer-workload": { pattern: "steady", rate: 40 },
    "my-app": { pattern: "steady", rate: 250 },
    worker: { pattern: "burst:every=240,last=40,height=14", rate: 4 },
    orders: { pattern: "burst:every=300,last=30,height=12", rate: 4 },
    "shop-web": { pattern: "steady", rate: 30 },
    "shop-api": { pattern: "steady", rate: 30 },
    catalog: { pattern: "steady", rate: 90 }
  }),
  events: [
    {
      atSeconds: 420,
      says: "by hand: somebody scales worker to 12, which is taken as it is and reported",
      deed: { _tag: "Scale", workload: "worker", replicas: 12 }
    }
  ],
  againAfterSeconds: 900
}
