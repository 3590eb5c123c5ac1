// An API server that misbehaves in every way that one can: it is away for half a minute, forgets versions, refuses, asks
// for patience, loses requests and answers, and has other writers. The operator lives through it, writes nothing twice,
// and goes on as if nothing had been. What really happened is read from the API server's audit log.
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually, sleep } from "#test/controlplane/eventually"
import { type Fault, type FaultProxy, type FaultRule, type Injection, refusals } from "#test/controlplane/FaultProxy"
import { describeWith, runningCluster } from "#test/controlplane/suite"
import { GaugeWorld } from "./GaugeWorld.ts"
import { type Home, installOperator, OperatorProcess } from "./OperatorProcess.ts"
import { conditionOf, type Followed, replicasOf, userOf } from "./policies.ts"
import { type Change, changesOf, Testimony } from "./ReplicaLog.ts"

const OUTAGE_MILLIS = 30_000
/** A decision counts from when it looked, and is written moments later. */
const MOMENTS_MILLIS = 1_500

const scalesOf = (name: string) => ({ method: "PATCH", path: new RegExp(`/deployments/${name}/scale`) })
const statusesOf = (name: string) => ({ method: "PATCH", path: new RegExp(`/scalingpolicies/${name}/status`) })

describeWith(["controlPlane", "prometheus"], "an API server that", () => {
  let cluster: Cluster
  let world: GaugeWorld
  let proxy: FaultProxy
  let home: Home
  let operator: OperatorProcess
  const testimonies: Array<Testimony> = []

  beforeAll(async () => {
    cluster = runningCluster()
    world = await GaugeWorld.start(cluster, "apiserver")
    proxy = await cluster.faultProxy()
    home = await installOperator(cluster)
    operator = await OperatorProcess.start({ cluster, home, through: proxy, watch: world.namespace })
    await operator.leads()
  })
  afterAll(async () => {
    for (const testimony of testimonies) await testimony.close()
    await operator?.stop()
    await proxy?.close()
    await world?.close()
    cluster?.disconnect()
  })

  const listen = (policy: Followed): Testimony => {
    const testimony = new Testimony(policy)
    testimonies.push(testimony)
    return testimony
  }

  const strikes = (injection: Injection, what: string, times = 1): Promise<boolean> =>
    eventually(() => injection.struck.length >= times, { what })

  const changes = (name: string, initial: number): Promise<ReadonlyArray<Change>> =>
    changesOf(cluster, world.namespace, name, initial)

  const ourMoves = async (name: string, initial: number): Promise<ReadonlyArray<string>> =>
    (await changes(name, initial)).filter(({ user }) => user === userOf(home)).map(({ move }) => move)

  const statusWrites = async (name: string): Promise<number> =>
    (
      await cluster.auditEvents(
        ({ objectRef, user }) =>
          objectRef?.subresource === "status" && objectRef.name === name && user.username === userOf(home)
      )
    ).length

  const watched = [
    "deployments",
    "generalscalers",
    "horizontalpodautoscalers",
    "intelligentscaling",
    "poddisruptionbudgets",
    "pods",
    "replicasets",
    "scalingpolicies",
    "scalingrules",
    "statefulsets"
  ]

  const watchesAreOpen = () =>
    eventually(
      (seen) => {
        const open = proxy.openWatches().map((path) => new URL(path, "http://x").pathname.split("/").at(-1))
        seen(open)
        return open.length === watched.length && watched.every((plural) => open.includes(plural))
      },
      { what: "every watch to be open" }
    )

  const crashes = () => operator.logs().filter(({ message }) => /crash/i.test(message))

  it("has forgotten versions: everything is listed anew, and no status says a word of it", async () => {
    const calm = await world.settled("calm", 3)
    const leaving = await world.settled("leaving", 2)
    await operator.ticks(calm, 2)
    const before = { status: await calm.status(), writes: await statusWrites("calm"), seen: proxy.requests.length }
    // The lists take a while, and meanwhile the world goes on.
    const slow = proxy.inject({
      method: "GET",
      path: /[?&]limit=/,
      times: Infinity,
      fault: { kind: "delay", millis: 3000 }
    })
    const ended = proxy.endWatches()
    expect(ended).toBe(watched.length)
    await strikes(slow, "all of them to be listed anew", ended)
    await leaving.delete()
    await operator.ticks(calm, 2)
    const coming = world.settled("coming", 2)
    await watchesAreOpen()
    slow.remove()
    await coming
    await eventually(async () => !(await operator.policies()).some(({ name }) => name === "leaving"), {
      what: "the deleted policy to be forgotten"
    })
    await operator.ticks(calm, 3)
    expect(await statusWrites("calm")).toBe(before.writes)
    expect((await calm.status()).conditions).toEqual(before.status.conditions)
    expect(await changes("calm", 3)).toEqual([])
    await world.setLoad("calm", 40)
    await cluster.deploymentReady(world.namespace, "calm", 4)
    expect(await ourMoves("calm", 3)).toEqual(["3->4"])
  })

  describe.concurrent("has", () => {
    it("a second writer at every moment: conflicts are decided anew, and the write that is made is made once", async () => {
      const policy = await world.settled("annotated", 3)
      const testimony = listen(policy)
      let count = 0
      const annotate = async (): Promise<void> => {
        count += 1
        await cluster.patch(`/apis/apps/v1/namespaces/${world.namespace}/deployments/annotated`, {
          metadata: { annotations: { count: String(count) } }
        })
      }
      // Ten times right before our write, so that each of them is refused, while another writer writes all the time.
      const storm = proxy.inject({
        ...scalesOf("annotated"),
        times: 10,
        fault: { kind: "call", before: annotate }
      })
      let isOver = false
      const noise = (async () => {
        while (!isOver && count < 500) await annotate().then(() => sleep(20))
      })()
      await world.setLoad("annotated", 60)
      await eventually(() => storm.struck.filter(({ status }) => status === 409).length === 10, {
        what: "ten conflicts"
      })
      isOver = true
      await noise
      await cluster.deploymentReady(world.namespace, "annotated", 6)
      const status = await policy.until("to say so", ({ currentReplicas }) => currentReplicas === 6)
      await operator.ticks(policy, 3)
      await testimony.close(operator)
      expect((await changes("annotated", 3)).map(({ move, user }) => [move, user])).toEqual([["3->6", userOf(home)]])
      expect(testimony.moves).toEqual(["3->6"])
      expect(testimony.movesInStatus).toEqual(["3->6"])
      expect(conditionOf(status, "ScalingActive").status).toBe("True")
      expect((await policy.events()).filter((event) => event.startsWith("ScaledUp"))).toHaveLength(1)
    })

    it("somebody who scales the same Deployment again and again: the policy freezes and says so", async () => {
      const everything = { type: "Pods", value: 100, periodSeconds: 15 }
      const policy = await world.settled("fought-over", 3, {
        scaling: { minReplicas: 1, maxReplicas: 10, behavior: { scaleUp: { policies: [everything] } } }
      })
      const testimony = listen(policy)
      await world.setLoad("fought-over", 60)
      await policy.until("to have scaled", ({ currentReplicas }) => currentReplicas === 6)
      let rounds = 0
      const frozen = async (): Promise<boolean> =>
        conditionOf(await policy.status(), "ScalingActive").reason === "Frozen"
      while (!(await frozen())) {
        rounds += 1
        expect(rounds).toBeLessThanOrEqual(3)
        await cluster.scaleDeployment(world.namespace, "fought-over", 2)
        await eventually(
          async () => (await frozen()) || (await replicasOf(cluster, world.namespace, "fought-over")) === 6,
          { what: "the policy to answer, or to give in" }
        )
      }
      expect(rounds).toBe(3)
      await operator.ticks(policy, 3)
      await testimony.close(operator)
      expect(await replicasOf(cluster, world.namespace, "fought-over")).toBe(2)
      const fight = (await changes("fought-over", 3)).map(
        ({ move, user }) => `${move} ${user === "admin" ? "they" : "we"}`
      )
      expect(fight).toEqual(["3->6 we", "6->2 they", "2->6 we", "6->2 they", "2->6 we", "6->2 they"])
      expect(testimony.moves).toEqual(["3->6", "2->6", "2->6"])
      const status = await policy.status()
      expect(conditionOf(status, "ScalingActive")).toMatchObject({ status: "False", reason: "Frozen" })
      expect(conditionOf(status, "Ready").status).toBe("True")
      const reasons = (await policy.events()).map((event) => event.split(":")[0])
      expect(reasons).toContain("ReplicasChanged")
      expect(reasons).toContain("Frozen")
    })

    it.each<readonly [string, string, Fault]>([
      ["a request that never arrives", "lost-request", { kind: "cutBefore" }],
      ["an answer that is lost", "lost-answer", { kind: "cutAfter" }],
      ["an answer that breaks off", "half-answer", { kind: "truncate" }],
      ["500 for a write that it did", "done-500", { ...refusals.internalError, done: true }],
      ["500 for a write that it did not do", "undone-500", refusals.internalError],
      ["503", "unavailable", refusals.unavailable]
    ])("%s to a scale write: it happens once and is reported once", async (_, name, fault) => {
      const policy = await world.settled(name, 3)
      const testimony = listen(policy)
      const struck = proxy.inject({ ...scalesOf(name), fault })
      await world.setLoad(name, 60)
      await strikes(struck, "the write")
      await cluster.deploymentReady(world.namespace, name, 6)
      await policy.until("to say so", ({ currentReplicas }) => currentReplicas === 6)
      await operator.ticks(policy, 3)
      await testimony.close(operator)
      expect(await ourMoves(name, 3)).toEqual(["3->6"])
      expect(testimony.moves).toEqual(["3->6"])
      expect(testimony.movesInStatus).toEqual(["3->6"])
      expect((await policy.events()).filter((event) => event.startsWith("ScaledUp"))).toHaveLength(1)
    })

    it.each<readonly [string, string, FaultRule]>([
      ["a scale write", "busy-scale", { ...scalesOf("busy-scale"), fault: refusals.tooManyRequests(4) }],
      ["a status write", "busy-status", { ...statusesOf("busy-status"), nth: 1, fault: refusals.tooManyRequests(4) }]
    ])("no time for %s and says how long: it is not asked before", async (_, name, rule) => {
      const policy = await world.settled(name, 3)
      const busy = proxy.inject(rule)
      await world.setLoad(name, 60)
      await strikes(busy, "429")
      await cluster.deploymentReady(world.namespace, name, 6)
      const status = await policy.until("to say so", ({ currentReplicas }) => currentReplicas === 6)
      expect(status.decisions?.map(({ outcome }) => outcome)).toContain("Scaled")
      const [first] = busy.struck
      const next = proxy.seen(rule).find(({ index }) => index > (first?.index ?? 0))
      expect((next?.atMillis ?? 0) - (first?.atMillis ?? 0)).toBeGreaterThanOrEqual(4000)
      expect(await ourMoves(name, 3)).toEqual(["3->6"])
    })

    it("500 and 503 for every status write, for a while: no decision is lost", async () => {
      const policy = await world.settled("speechless", 3)
      const testimony = listen(policy)
      const broken = [refusals.internalError, refusals.unavailable].map((fault) =>
        proxy.inject({ ...statusesOf("speechless"), nth: 1, times: 3, fault })
      )
      const rest = proxy.inject({ ...statusesOf("speechless"), times: Infinity, fault: refusals.internalError })
      await world.setLoad("speechless", 50)
      await cluster.deploymentReady(world.namespace, "speechless", 5)
      await operator.ticks(policy, 3)
      expect((await policy.status()).currentReplicas).toBe(3)
      expect(testimony.movesInStatus).toEqual([])
      await world.setLoad("speechless", 70)
      await cluster.deploymentReady(world.namespace, "speechless", 7)
      for (const injection of [...broken, rest]) injection.remove()
      const status = await policy.until("to say it all", ({ currentReplicas }) => currentReplicas === 7)
      await testimony.close(operator)
      expect(await ourMoves("speechless", 3)).toEqual(["3->5", "5->7"])
      expect(testimony.moves).toEqual(["3->5", "5->7"])
      expect(testimony.movesInStatus).toEqual(["3->5", "5->7"])
      expect(status.commitments?.[0]?.rescales?.map(({ change }) => change)).toEqual([2, 2])
      expect((await policy.events()).filter((event) => event.startsWith("ScaledUp"))).toHaveLength(2)
    })
  })

  it("is killed and comes back after half a minute: no crash, no write, no jump, and watches come back", async () => {
    const scaling = { minReplicas: 1, maxReplicas: 10 }
    const cooldownSeconds = 50
    const onePodAMinute = { type: "Pods", value: 1, periodSeconds: 60 }
    const [steady, climbing, patient, cooling] = await Promise.all([
      world.settled("steady", 3),
      world.settled("climbing", 3, { scaling: { ...scaling, behavior: { scaleUp: { policies: [onePodAMinute] } } } }),
      world.settled("patient", 5, {
        scaling: { ...scaling, behavior: { scaleDown: { stabilizationWindowSeconds: 300 } } }
      }),
      world.settled("cooling", 3, {
        scaling: {
          ...scaling,
          cooldownPeriod: cooldownSeconds,
          behavior: { scaleDown: { stabilizationWindowSeconds: 0 } }
        }
      })
    ])
    await world.setLoad("cooling", 50)
    await cooling.until("to report the change", ({ currentReplicas }) => currentReplicas === 5)
    const standing = async () =>
      (await steady.status()).conditions?.map(({ lastTransitionTime, reason, status, type }) =>
        [type, status, reason, lastTransitionTime].join(" ")
      )
    const before = await standing()

    await cluster.killApiServer()
    const killedAt = performance.now()
    const requests = proxy.requests.length
    for (const [name, load] of [
      ["climbing", 80],
      ["patient", 10],
      ["cooling", 20]
    ] as const) {
      await world.setLoad(name, load)
    }
    while (performance.now() - killedAt < OUTAGE_MILLIS) {
      operator.assertRunning()
      for (const path of ["/livez", "/readyz"]) {
        expect((await operator.get(`${operator.probeUrl}${path}`)).status).toBe(200)
      }
      expect((await operator.get(`${operator.dashboardUrl}/scaling-activity`)).status).toBe(200)
      await sleep(1000)
    }
    const { components, leader } = await operator.probe()
    expect(leader.leading).toBe(false)
    expect(components["kubernetes"]?.healthy).toBe(false)
    expect(crashes()).toEqual([])
    const vain = proxy.requests.slice(requests)
    expect(vain.filter(({ status }) => status !== undefined)).toEqual([])
    expect(vain.filter(({ path }) => path.includes("/scale")).map(({ method }) => method)).not.toContain("PATCH")
    process.stdout.write(`requests within ${OUTAGE_MILLIS / 1000} s without an API server: ${vain.length}\n`)
    expect(vain.length).toBeLessThan(OUTAGE_MILLIS / 50)

    await cluster.restartApiServer()
    const backAt = performance.now()
    // They would come back by themselves, but the slowest of them after a minute.
    const others = ["kube-controller-manager", "kube-scheduler", "kwok"] as const
    const controllers = Promise.all(others.map((component) => cluster.control("restart", component)))
    const since = () => `${((performance.now() - backAt) / 1000).toFixed(1)} s`
    await operator.leads()
    process.stdout.write(`leading again after the API server was back: ${since()}\n`)
    const late = await world.served("late", 2)
    process.stdout.write(`a policy that was created then is served: ${since()}\n`)
    expect(conditionOf(await late.status(), "Ready").status).toBe("True")
    await operator.ticks(steady, 3)
    await controllers
    await cooling.until("to have scaled down", ({ currentReplicas }) => currentReplicas === 2)
    await climbing.until("to have climbed", ({ currentReplicas }) => currentReplicas === 4)

    expect(await standing()).toEqual(before)
    expect(await changes("steady", 3)).toEqual([])
    expect((await changes("climbing", 3)).map(({ move }) => move)).toEqual(["3->4"])
    expect(await changes("patient", 5)).toEqual([])
    expect((await patient.status()).lastDecision?.limitedBy).toContain("ScaleDownStabilized")
    const cooled = await changes("cooling", 3)
    expect(cooled.map(({ move }) => move)).toEqual(["3->5", "5->2"])
    expect((cooled[1]?.atMillis ?? 0) - (cooled[0]?.atMillis ?? 0)).toBeGreaterThanOrEqual(
      cooldownSeconds * 1000 - MOMENTS_MILLIS
    )
    expect(crashes()).toEqual([])
    await eventually(async () => (await operator.probe()).components["kubernetes"]?.healthy === true, {
      what: "the operator to say that it hears the API server"
    })
    await watchesAreOpen()
    await cluster.deploymentReady(world.namespace, "late", 2)
  })

  it("was never too much for the operator", () => {
    operator.assertRunning()
    expect(crashes()).toEqual([])
  })
})
