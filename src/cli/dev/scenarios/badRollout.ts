/** A new version that never becomes ready, under load; later the old one again. */
import { usual } from "#cli/dev/scenarios/default"
import { POLICIES } from "#cli/dev/scenarios/fleet"
import { BROKEN, type Scenario } from "#cli/dev/scenarios/Scenario"

const IMAGE = "registry.k8s.io/pause"

export const badRollout: Scenario = {
  says: "a new version of consumer-workload never becomes ready; after five minutes it is taken back",
  policies: POLICIES,
  workloads: usual.workloads,
  events: [
    {
      atSeconds: 60,
      says: "rollout: consumer-workload gets a version whose pods never become ready",
      deed: { _tag: "Image", workload: "consumer-workload", image: `${IMAGE}${BROKEN}` }
    },
    {
      atSeconds: 360,
      says: "rollout: consumer-workload gets its good version back",
      deed: { _tag: "Image", workload: "consumer-workload", image: `${IMAGE}:3.10` }
    }
  ],
  againAfterSeconds: 720
}
