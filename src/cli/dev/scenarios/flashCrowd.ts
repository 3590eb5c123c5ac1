/** A quiet shop, and then everybody at once: what surprise does to each way of scaling. */
import { POLICIES, withTraffic } from "#cli/dev/scenarios/fleet"
import type { Scenario } from "#cli/dev/scenarios/Scenario"

const crowd = (rate: number) => ({ pattern: "flash:every=600,rise=20,stay=150,height=4", rate })

export const flashCrowd: Scenario = {
  says: "a crowd comes within seconds, stays for minutes and goes, every ten minutes",
  policies: POLICIES,
  workloads: withTraffic({
    "consumer-workload": crowd(50),
    "my-app": crowd(250),
    worker: crowd(6),
    orders: crowd(5),
    "shop-web": crowd(40),
    "shop-api": crowd(40),
    catalog: crowd(70)
  })
}
