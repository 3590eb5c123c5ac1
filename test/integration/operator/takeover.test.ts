// Two operators of one home, each behind a fault proxy of its own. Whatever becomes of the leader (told to stop, killed
// with -9 at the worst moments, cut off, forgotten by its machine), the other goes on in time, no write is lost or done
// twice, each is accounted for exactly once, and a leader that was, writes no more. What really happened is read from
// the API server's audit log.
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import type { FaultProxy, Injection, SeenRequest } from "#test/controlplane/FaultProxy"
import { describeWith, runningCluster } from "#test/controlplane/suite"
import { GaugeWorld } from "./GaugeWorld.ts"
import { type Home, installOperator, OperatorProcess } from "./OperatorProcess.ts"
import { conditionOf, type Followed, userOf } from "./policies.ts"
import { changesOf, Testimony } from "./ReplicaLog.ts"

const TAKEOVER_MILLIS = 20_000
const HANDOVER_MILLIS = 3_000
const LEASE_MILLIS = 15_000
/** A decision counts from when it looked, and is written moments later. */
const MOMENTS_MILLIS = 1_500

/** One operator and the only way by which it reaches the API server. */
interface Member {
  readonly operator: OperatorProcess
  readonly proxy: FaultProxy
}

const scalesOf = (name: string) => ({ method: "PATCH", path: new RegExp(`/deployments/${name}/scale`) })

describeWith(["controlPlane", "prometheus"], "two operators of one home", () => {
  let cluster: Cluster
  let first: GaugeWorld
  const members = new Set<Member>()
  const testimonies: Array<Testimony> = []

  beforeAll(async () => {
    cluster = runningCluster()
    first = await GaugeWorld.start(cluster, "takeover")
  })
  afterAll(async () => {
    for (const testimony of testimonies) await testimony.close()
    for (const { operator, proxy } of members) {
      operator.thaw()
      await operator.kill()
      await proxy.close()
    }
    await first?.close()
    cluster?.disconnect()
  })

  const join = async (home: Home, world: GaugeWorld, name: string): Promise<Member> => {
    const proxy = await cluster.faultProxy()
    const operator = await OperatorProcess.start({ cluster, home, name, through: proxy, watch: world.namespace })
    const member = { operator, proxy }
    members.add(member)
    return member
  }

  const pair = async (name: string) => {
    const home = await installOperator(cluster)
    const world = await first.beside(name)
    const leader = await join(home, world, `${name}-a`)
    await leader.operator.leads()
    const standby = await join(home, world, `${name}-b`)
    await eventually(async () => (await standby.operator.probe()).leader.holder?.startsWith(`${name}-a_`), {
      what: "the standby to say who leads"
    })
    return { home, world, leader, standby }
  }

  const listen = (policy: Followed): Testimony => {
    const testimony = new Testimony(policy)
    testimonies.push(testimony)
    return testimony
  }

  /** From now until it leads. */
  const secondsUntilLeading = async (
    { operator }: Member,
    what: string,
    since = performance.now()
  ): Promise<number> => {
    await operator.leads()
    const millis = Math.round(performance.now() - since)
    process.stdout.write(`takeover after ${what}: ${(millis / 1000).toFixed(1)} s\n`)
    return millis
  }

  const strikes = (injection: Injection, what: string) => eventually(() => injection.struck.length > 0, { what })

  const isDone = (request: SeenRequest): boolean => request.status === 200

  it("hand over within three seconds on SIGTERM, while the standby is ready and says who leads", async () => {
    const { home, leader, standby, world } = await pair("term")
    const policy = await world.settled("term", 3)
    const report = await standby.operator.probe()
    expect(report).toMatchObject({ status: "ok", leader: { leading: false } })
    expect(report.components["leader"]?.detail ?? report.leader.holder).toContain("term-a_")
    expect((await standby.operator.get(`${standby.operator.probeUrl}/readyz`)).status).toBe(200)
    const activity = await standby.operator.get(`${standby.operator.dashboardUrl}/scaling-activity`)
    expect(activity).toMatchObject({ status: 200, text: "[]" })
    expect(await standby.operator.metric("leader_election_master_status")).toBe(0)

    let [leading, waiting] = [leader, standby]
    for (const successor of ["term-c", "term-d"]) {
      const since = performance.now()
      const stopped = leading.operator.stop()
      expect(await secondsUntilLeading(waiting, "SIGTERM", since)).toBeLessThanOrEqual(HANDOVER_MILLIS)
      expect(await stopped).toEqual({ code: 0, signal: null })
      await leading.proxy.close()
      members.delete(leading)
      leading = waiting
      waiting = await join(home, world, successor)
    }
    await leading.operator.ticks(policy, 2)
    expect(await changesOf(cluster, world.namespace, "term", 3)).toEqual([])
  })

  describe.concurrent("survive", () => {
    it("a leader killed right before its write: the next one writes it, once", async () => {
      const { home, leader, standby, world } = await pair("before")
      const policy = await world.settled("before", 3)
      const testimony = listen(policy)
      const held = leader.proxy.inject({ ...scalesOf("before"), fault: { kind: "hang" } })
      await world.setLoad("before", 50)
      await strikes(held, "the leader to be about to write")
      await testimony.hear(leader.operator)
      const since = performance.now()
      await leader.operator.kill()
      expect(await changesOf(cluster, world.namespace, "before", 3)).toEqual([])

      expect(await secondsUntilLeading(standby, "kill -9 before a write", since)).toBeLessThanOrEqual(TAKEOVER_MILLIS)
      await cluster.deploymentReady(world.namespace, "before", 5)
      await policy.until("to have scaled", ({ currentReplicas }) => currentReplicas === 5)
      await standby.operator.ticks(policy, 3)
      const changes = await changesOf(cluster, world.namespace, "before", 3)
      expect(changes.map(({ move, user }) => [move, user])).toEqual([["3->5", userOf(home)]])
      await testimony.close(standby.operator)
      expect(testimony.outcomes).toEqual(["Scaled"])
      expect(testimony.moves).toEqual(["3->5"])
      expect(testimony.movesInStatus).toEqual(["3->5"])
      expect((await policy.events()).map((event) => event.split(":")[0])).toEqual(["ScaledUp"])
    })

    it("a leader killed right after its write: the next one reports it, and keeps the cooldown that it began", async () => {
      const { home, leader, standby, world } = await pair("after")
      const cooldownSeconds = 30
      const scaling = {
        minReplicas: 1,
        maxReplicas: 10,
        cooldownPeriod: cooldownSeconds,
        behavior: { scaleDown: { stabilizationWindowSeconds: 0 } }
      }
      const policy = await world.settled("after", 3, { scaling })
      const testimony = listen(policy)
      let since = 0
      const struck = leader.proxy.inject({
        ...scalesOf("after"),
        fault: {
          kind: "call",
          after: async (_, status) => {
            expect(status).toBe(200)
            await testimony.hear(leader.operator)
            since = performance.now()
            await leader.operator.kill()
          }
        }
      })
      await world.setLoad("after", 50)
      await strikes(struck, "the leader to write")
      await leader.operator.exited
      await world.setLoad("after", 20)
      expect(testimony.outcomes).toEqual([])
      expect(testimony.movesInStatus).toEqual([])

      expect(await secondsUntilLeading(standby, "kill -9 after a write", since)).toBeLessThanOrEqual(TAKEOVER_MILLIS)
      const status = await policy.until(
        "to tell what was found",
        (now) => now.decisions?.some(({ outcome }) => outcome === "Recovered") === true
      )
      expect(status.decisions?.find(({ outcome }) => outcome === "Recovered")).toMatchObject({ from: 3, to: 5 })
      expect(status.currentReplicas).toBe(5)
      await policy.until(
        "to be held by the cooldown",
        (now) => now.lastDecision?.limitedBy?.includes("Cooldown") === true
      )

      await cluster.deploymentReady(world.namespace, "after", 2)
      const settled = await policy.until("to have scaled down", ({ currentReplicas }) => currentReplicas === 2)
      await standby.operator.ticks(policy, 2)
      const changes = await changesOf(cluster, world.namespace, "after", 3)
      expect(changes.map(({ move, user }) => [move, user])).toEqual([
        ["3->5", userOf(home)],
        ["5->2", userOf(home)]
      ])
      const [up, down] = changes
      expect((down?.atMillis ?? 0) - (up?.atMillis ?? 0)).toBeGreaterThanOrEqual(
        cooldownSeconds * 1000 - MOMENTS_MILLIS
      )
      await testimony.close(standby.operator)
      expect(testimony.outcomes).toEqual(["Recovered", "Scaled"])
      expect(testimony.moves).toEqual(["3->5", "5->2"])
      expect(testimony.movesInStatus).toEqual(["3->5", "5->2"])
      expect(conditionOf(settled, "Conflict").status).toBe("False")
      const reasons = (await policy.events()).map((event) => event.split(":")[0])
      expect(reasons).toEqual(["Recovered", "ScaledDown"])
    })

    it("a leader killed after its report: the next one says nothing twice, and keeps the cooldown", async () => {
      const { home, leader, standby, world } = await pair("reported")
      const cooldownSeconds = 30
      const scaling = {
        minReplicas: 1,
        maxReplicas: 10,
        cooldownPeriod: cooldownSeconds,
        behavior: { scaleDown: { stabilizationWindowSeconds: 0 } }
      }
      const policy = await world.settled("reported", 3, { scaling })
      const testimony = listen(policy)
      await world.setLoad("reported", 50)
      await policy.until("to report the change", ({ currentReplicas }) => currentReplicas === 5)
      await testimony.hear(leader.operator)
      const since = performance.now()
      await leader.operator.kill()
      await world.setLoad("reported", 20)

      expect(await secondsUntilLeading(standby, "kill -9 between ticks", since)).toBeLessThanOrEqual(TAKEOVER_MILLIS)
      await policy.until("to have scaled down", ({ currentReplicas }) => currentReplicas === 2)
      await standby.operator.ticks(policy, 2)
      const changes = await changesOf(cluster, world.namespace, "reported", 3)
      expect(changes.map(({ move, user }) => [move, user])).toEqual([
        ["3->5", userOf(home)],
        ["5->2", userOf(home)]
      ])
      const [up, down] = changes
      expect((down?.atMillis ?? 0) - (up?.atMillis ?? 0)).toBeGreaterThanOrEqual(
        cooldownSeconds * 1000 - MOMENTS_MILLIS
      )
      await testimony.close(standby.operator)
      expect(testimony.outcomes).toEqual(["Scaled", "Scaled"])
      expect(testimony.moves).toEqual(["3->5", "5->2"])
      expect(testimony.movesInStatus).toEqual(["3->5", "5->2"])
      expect((await policy.events()).map((event) => event.split(":")[0])).toEqual(["ScaledUp", "ScaledDown"])
    })

    it("a leader that is cut off with a write under way: it stops in time, and writes nothing when it is back", async () => {
      const { home, leader, standby, world } = await pair("cut-off")
      const policy = await world.settled("cut-off", 3)
      const testimony = listen(policy)
      let back: () => void = () => undefined
      const gone = new Promise<void>((resolve) => {
        back = resolve
      })
      const held = leader.proxy.inject({ ...scalesOf("cut-off"), fault: { kind: "call", before: () => gone } })
      await world.setLoad("cut-off", 50)
      await strikes(held, "the leader to be about to write")
      const since = performance.now()
      leader.proxy.freeze()

      expect(await secondsUntilLeading(standby, "a partition", since)).toBeLessThanOrEqual(TAKEOVER_MILLIS)
      expect((await leader.operator.probe()).leader.leading).toBe(false)
      await cluster.deploymentReady(world.namespace, "cut-off", 5)
      // The former leader would still want 5; by now 7 is right, and then 2.
      await world.setLoad("cut-off", 70)
      await cluster.deploymentReady(world.namespace, "cut-off", 7)
      const before = leader.proxy.requests.length
      leader.proxy.thaw()
      back()
      await eventually(async () => (await leader.operator.probe()).leader.holder?.startsWith("cut-off-b_"), {
        what: "the former leader to see who leads now"
      })
      await world.setLoad("cut-off", 20)
      await cluster.deploymentReady(world.namespace, "cut-off", 2)
      await policy.until("to have scaled down", ({ currentReplicas }) => currentReplicas === 2)
      await standby.operator.ticks(policy, 3)

      expect(leader.proxy.seen(scalesOf("cut-off")).filter(isDone)).toEqual([])
      expect(leader.proxy.requests.slice(before).filter(({ method }) => method === "PATCH")).toEqual([])
      expect((await leader.operator.get(`${leader.operator.probeUrl}/readyz`)).status).toBe(200)
      const changes = await changesOf(cluster, world.namespace, "cut-off", 3)
      expect(changes.map(({ move, user }) => [move, user])).toEqual(
        ["3->5", "5->7", "7->2"].map((move) => [move, userOf(home)])
      )
      await testimony.close(leader.operator, standby.operator)
      expect(testimony.moves).toEqual(["3->5", "5->7", "7->2"])
      expect(testimony.movesInStatus).toEqual(["3->5", "5->7", "7->2"])
    })

    it("a leader that its machine forgot for longer than the lease: it writes nothing when it wakes up", async () => {
      const { leader, standby, world } = await pair("asleep")
      const policy = await world.settled("asleep", 3)
      const testimony = listen(policy)
      // It has read what there is and is about to write when it falls asleep; the answer waits for it.
      let since = 0
      const asleep = leader.proxy.inject({
        method: "GET",
        path: /\/deployments\/asleep\/scale/,
        fault: {
          kind: "call",
          after: async () => {
            await leader.operator.freeze()
            since = performance.now()
          }
        }
      })
      await world.setLoad("asleep", 50)
      await strikes(asleep, "the leader to be about to write")
      await eventually(() => since > 0, { what: "the leader to fall asleep" })
      expect(await secondsUntilLeading(standby, "SIGSTOP", since)).toBeLessThanOrEqual(TAKEOVER_MILLIS)
      await cluster.deploymentReady(world.namespace, "asleep", 5)
      await world.setLoad("asleep", 20)
      await cluster.deploymentReady(world.namespace, "asleep", 2)
      expect(performance.now() - since).toBeGreaterThan(LEASE_MILLIS)

      leader.operator.thaw()
      await eventually(async () => (await leader.operator.probe()).leader.holder?.startsWith("asleep-b_"), {
        what: "the former leader to see who leads now"
      })
      await standby.operator.ticks(policy, 3)
      expect(leader.proxy.seen(scalesOf("asleep"))).toEqual([])
      expect((await leader.operator.probe()).leader.leading).toBe(false)
      const changes = await changesOf(cluster, world.namespace, "asleep", 3)
      expect(changes.map(({ move }) => move)).toEqual(["3->5", "5->2"])
      await testimony.close(leader.operator, standby.operator)
      expect(testimony.moves).toEqual(["3->5", "5->2"])
      expect(testimony.movesInStatus).toEqual(["3->5", "5->2"])
    })
  })
})
