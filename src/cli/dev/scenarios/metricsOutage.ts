/** Nobody who measures answers for three minutes, in the middle of the load: nothing shrinks, and it says why. */
import { POLICIES } from "#cli/dev/scenarios/fleet"
import { usual } from "#cli/dev/scenarios/default"
import type { Scenario } from "#cli/dev/scenarios/Scenario"

export const metricsOutage: Scenario = {
  says: "nobody who measures answers for three minutes: nothing shrinks meanwhile",
  policies: POLICIES,
  workloads: usual.workloads,
  events: [
    {
      atSeconds: 90,
      says: "metrics: no Prometheus, metrics server, queue or page answers any more",
      deed: { _tag: "Metrics", answer: false }
    },
    { atSeconds: 270, says: "metrics: all of them answer again", deed: { _tag: "Metrics", answer: true } }
  ],
  againAfterSeconds: 480
}
