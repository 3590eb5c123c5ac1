// What happens to a policy in its life, seen from the cluster: its target is missing and comes, its spec is edited while
// it works, a person interferes, its neighbour is broken, it is deleted.
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { describeWith, runningCluster } from "#test/controlplane/suite"
import { GaugeWorld } from "./GaugeWorld.ts"
import { type Home, installOperator, OperatorProcess } from "./OperatorProcess.ts"
import { conditionOf, follow, type Followed, replicasOf, scaleWrites, userOf } from "./policies.ts"

describeWith(["controlPlane", "prometheus"], "the life of a policy", () => {
  let cluster: Cluster
  let world: GaugeWorld
  let namespace: string
  let home: Home
  let operator: OperatorProcess

  beforeAll(async () => {
    cluster = runningCluster()
    world = await GaugeWorld.start(cluster, "lifecycle")
    namespace = world.namespace
    home = await installOperator(cluster)
    operator = await OperatorProcess.start({ cluster, home, watch: namespace })
  })
  afterAll(async () => {
    await operator?.stop()
    await world?.close()
    cluster?.disconnect()
  })

  /** The load, the Deployment and the policy; comes back when the policy has brought the replicas to the load. */
  const atLoad = async (name: string, load: number, spec: Record<string, unknown> = {}): Promise<Followed> => {
    await world.setLoad(name, load)
    await cluster.createDeployment(namespace, name, 2)
    const policy = await follow(cluster, namespace, world.policyOf(name, spec))
    await cluster.deploymentReady(namespace, name, Math.ceil(load / 10))
    await policy.until("to be settled", (status) => status.currentReplicas === Math.ceil(load / 10))
    return policy
  }

  describe.concurrent("its target", () => {
    it("is in phase Error while it is not there, and Active as soon as it is", async () => {
      await world.setLoad("late", 30)
      const policy = await follow(cluster, namespace, world.policyOf("late"))
      const lost = await policy.untilCondition("Ready", "False", "TargetNotFound")
      expect(lost).toMatchObject({ phase: "Error", target: "Deployment/late" })
      expect(conditionOf(lost, "Ready").message).toContain("Deployment/late")
      expect(conditionOf(lost, "MetricsAvailable")).toMatchObject({ status: "Unknown", reason: "TargetNotFound" })
      expect(conditionOf(lost, "ScalingActive")).toMatchObject({ status: "False", reason: "TargetNotFound" })
      await policy.untilEvent(/^TargetNotFound: .*Deployment\/late/)

      await cluster.createDeployment(namespace, "late", 1)
      const found = await policy.untilPhase("Active")
      expect(conditionOf(found, "Ready")).toMatchObject({ status: "True", reason: "PolicyActive" })
      await cluster.deploymentReady(namespace, "late", 3)
      expect(await operator.movesOf(namespace, "late")).toEqual(["1->3"])
    })

    it("may go and come back", async () => {
      const policy = await atLoad("returning", 30)
      await cluster.delete(`/apis/apps/v1/namespaces/${namespace}/deployments/returning`)
      expect((await policy.untilCondition("Ready", "False", "TargetNotFound")).phase).toBe("Error")
      await cluster.createDeployment(namespace, "returning", 1)
      await policy.untilPhase("Active")
      await cluster.deploymentReady(namespace, "returning", 3)
    })

    it("may be a StatefulSet", async () => {
      await world.setLoad("stateful", 30)
      await cluster.create(`/apis/apps/v1/namespaces/${namespace}/statefulsets`, {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "stateful" },
        spec: {
          replicas: 1,
          serviceName: "stateful",
          podManagementPolicy: "Parallel",
          selector: { matchLabels: { app: "stateful" } },
          template: {
            metadata: { labels: { app: "stateful" } },
            spec: { containers: [{ name: "app", image: "pause" }] }
          }
        }
      })
      const target = { apiVersion: "apps/v1", kind: "StatefulSet", name: "stateful" }
      const policy = await follow(cluster, namespace, world.policyOf("stateful", { target }))
      const status = await policy.until("to have scaled", ({ currentReplicas }) => currentReplicas === 3)
      expect(status.target).toBe("StatefulSet/stateful")
      await eventually(
        async () => {
          const { status: set } = await cluster.get<{ readonly status: { readonly readyReplicas?: number } }>(
            `/apis/apps/v1/namespaces/${namespace}/statefulsets/stateful`
          )
          return set.readyReplicas === 3
        },
        { what: "three Ready pods of the StatefulSet" }
      )
    })
  })

  describe.concurrent("its spec", () => {
    it("may be edited while it works: a raised minimum snaps at once and nothing starts anew", async () => {
      const policy = await atLoad("edited", 30)
      await policy.edit({ scaling: { minReplicas: 5 } })
      await cluster.deploymentReady(namespace, "edited", 5)
      const status = await policy.until("to follow its new generation", ({ targetReplicas }) => targetReplicas === 5)
      expect(status.observedGeneration).toBe((await policy.get()).metadata.generation)
      await policy.edit({ scaling: { minReplicas: 1, maxReplicas: 2 } })
      await cluster.deploymentReady(namespace, "edited", 2)
      expect(await operator.movesOf(namespace, "edited")).toEqual(["2->3", "3->5", "5->2"])
      expect(operator.logs().filter(({ message }) => /crash/i.test(message))).toEqual([])
    })

    it("in mode Recommend computes and publishes everything and writes nothing", async () => {
      const policy = await atLoad("recommended", 30)
      await policy.edit({ mode: "Recommend" })
      await policy.untilCondition("ScalingActive", "False", "Recommend")
      await world.setLoad("recommended", 70)
      const status = await policy.until("to recommend 7", ({ recommendedReplicas }) => recommendedReplicas === 7)
      expect(conditionOf(status, "Ready").status).toBe("True")
      expect(status.currentReplicas).toBe(3)
      await operator.ticks(policy, 3)
      expect(await replicasOf(cluster, namespace, "recommended")).toBe(3)
      expect(await scaleWrites(cluster, namespace, "recommended")).toHaveLength(1)
      await policy.edit({ mode: "Active" })
      await cluster.deploymentReady(namespace, "recommended", 7)
    })

    it("pauses and resumes, and says both", async () => {
      const policy = await atLoad("paused", 30)
      await policy.edit({ mode: "Paused" })
      const status = await policy.untilPhase("Paused")
      expect(conditionOf(status, "ScalingActive")).toMatchObject({ status: "False", reason: "Paused" })
      await world.setLoad("paused", 60)
      await operator.ticks(policy, 3)
      expect(await replicasOf(cluster, namespace, "paused")).toBe(3)
      await policy.edit({ mode: "Active" })
      await policy.untilPhase("Active")
      await cluster.deploymentReady(namespace, "paused", 6)
      await policy.untilEvent(/^Paused: /)
      await policy.untilEvent(/^Resumed: /)
    })

    it("pauses in one direction alone", async () => {
      const policy = await atLoad("half-paused", 30)
      await policy.edit({ pause: { direction: "Down", reason: "Black Friday" } })
      await policy.until("to have taken the pause in", () => true)
      await world.setLoad("half-paused", 60)
      await cluster.deploymentReady(namespace, "half-paused", 6)
      await world.setLoad("half-paused", 10)
      const status = await policy.until("to be held", (now) => now.lastDecision?.limitedBy?.includes("Paused") ?? false)
      expect(status).toMatchObject({ phase: "Active", recommendedReplicas: 1, targetReplicas: 6 })
      await policy.edit({ pause: null })
      await cluster.deploymentReady(namespace, "half-paused", 1)
    })

    it("ends a pause by itself at its time", async () => {
      const policy = await atLoad("until", 30)
      const until = new Date(Date.now() + 8000).toISOString()
      await policy.edit({ pause: { direction: "Both", until } })
      await policy.untilPhase("Paused")
      await world.setLoad("until", 60)
      await cluster.deploymentReady(namespace, "until", 6)
      const [, last] = await operator.activityOf(namespace, "until")
      expect(Date.parse(last?.timestamp ?? "")).toBeGreaterThanOrEqual(Date.parse(until))
    })
  })

  describe.concurrent("its surroundings", () => {
    it("adopts what a person scales by hand, and reports that it was not its own", async () => {
      const policy = await atLoad("by-hand", 30)
      await policy.edit({ pause: { direction: "Both", reason: "a person is at work" } })
      await policy.untilPhase("Paused")
      await cluster.kubectl(["scale", "-n", namespace, "deployment/by-hand", "--replicas=5"])
      await policy.until("to have adopted 5", ({ currentReplicas }) => currentReplicas === 5)
      expect(await operator.movesOf(namespace, "by-hand")).toEqual(["2->3"])
      await policy.edit({ pause: null })
      await cluster.deploymentReady(namespace, "by-hand", 3)
      expect(await operator.movesOf(namespace, "by-hand")).toEqual(["2->3", "5->3"])
      const writers = (await scaleWrites(cluster, namespace, "by-hand")).map(({ user }) => user.username)
      expect(writers).toEqual([userOf(home), "admin", userOf(home)])
    })

    it("leaves a Deployment alone that a person scaled to 0, until it is scaled up again", async () => {
      const policy = await atLoad("switched-off", 30)
      await cluster.scaleDeployment(namespace, "switched-off", 0)
      const status = await policy.untilPhase("Paused")
      expect(conditionOf(status, "ScalingActive").reason).toBe("ScalingDisabled")
      await operator.ticks(policy, 3)
      expect(await replicasOf(cluster, namespace, "switched-off")).toBe(0)
      await cluster.scaleDeployment(namespace, "switched-off", 1)
      await policy.untilPhase("Active")
      await cluster.deploymentReady(namespace, "switched-off", 3)
    })

    it("waits when somebody else keeps changing the replicas back", async () => {
      const policy = await atLoad("contended", 30)
      for (const back of ["1st", "2nd"]) {
        await cluster.scaleDeployment(namespace, "contended", 5)
        await eventually(async () => (await replicasOf(cluster, namespace, "contended")) === 3, {
          what: `the policy to answer the ${back} foreign write`
        })
      }
      await cluster.scaleDeployment(namespace, "contended", 5)
      await policy.untilCondition("ScalingActive", "False", "Frozen")
      await policy.untilEvent(/^Frozen: /)
      await operator.ticks(policy, 3)
      expect(await replicasOf(cluster, namespace, "contended")).toBe(5)
    })

    it("takes nothing away during a rollout, and goes on when that is over", async () => {
      const policy = await atLoad("rolling", 40)
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments/rolling`
      const runOn = (nodeSelector: object | null) =>
        cluster.patch(path, { spec: { template: { spec: { nodeSelector } } } })
      // No node is like this, so the new pods stay Pending.
      await runOn({ disk: "made-of-cheese" })
      await eventually(
        async (seen) => {
          const { status } = await cluster.get<{ readonly status: { readonly updatedReplicas?: number } }>(path)
          seen(status)
          return status.updatedReplicas === 2
        },
        { what: "the rollout to be stuck halfway" }
      )
      await world.setLoad("rolling", 10)
      const held = await policy.until("to be held", (now) => now.lastDecision?.limitedBy?.includes("Rollout") ?? false)
      expect(held).toMatchObject({ recommendedReplicas: 1, targetReplicas: 4 })
      expect(conditionOf(held, "ScalingLimited")).toMatchObject({ status: "True", reason: "Rollout" })
      await operator.ticks(policy, 3)
      expect(await replicasOf(cluster, namespace, "rolling")).toBe(4)
      await runOn({ disk: null })
      await cluster.deploymentReady(namespace, "rolling", 1)
    })

    it("keeps above the floor of a disruption budget where the policy asks for that", async () => {
      const policy = await atLoad("budgeted", 40, { safety: { disruptionFloor: true } })
      const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`
      await cluster.create(path, {
        metadata: { name: "budgeted" },
        spec: { minAvailable: 3, selector: { matchLabels: { app: "budgeted" } } }
      })
      await operator.ticks(policy, 2)
      await world.setLoad("budgeted", 10)
      await cluster.deploymentReady(namespace, "budgeted", 3)
      const held = await policy.until(
        "to be held at the floor",
        (now) => now.lastDecision?.limitedBy?.includes("DisruptionFloor") ?? false
      )
      expect(held).toMatchObject({ recommendedReplicas: 1, targetReplicas: 3 })
      await cluster.delete(`${path}/budgeted`)
      await cluster.deploymentReady(namespace, "budgeted", 1)
    })

    it("gives the target to the older of two policies, and to the younger when the older goes", async () => {
      const older = await atLoad("shared", 30)
      await older.untilOlder()
      await world.setLoad("usurper", 80)
      const younger = await follow(
        cluster,
        namespace,
        world.policyOf("usurper", { target: { apiVersion: "apps/v1", kind: "Deployment", name: "shared" } })
      )
      const status = await younger.until("to see the conflict", (now) => conditionOf(now, "Conflict").status === "True")
      expect(conditionOf(status, "Conflict").message).toContain("shared")
      await operator.ticks(younger, 3)
      expect(await replicasOf(cluster, namespace, "shared")).toBe(3)
      await younger.untilEvent(/^Conflict: /)
      expect(conditionOf(await older.status(), "Conflict").status).toBe("False")

      await older.delete()
      await younger.until("to own the target", (now) => conditionOf(now, "Conflict").status === "False")
      await cluster.deploymentReady(namespace, "shared", 8)
    })

    it("only recommends beside a HorizontalPodAutoscaler, and takes over when that goes", async () => {
      const path = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`
      const policy = await atLoad("with-hpa", 30)
      await cluster.create(path, {
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "rival" },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "with-hpa" },
          minReplicas: 1,
          maxReplicas: 10,
          metrics: [
            { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } }
          ]
        }
      })
      const status = await policy.until("to see the rival", (now) => conditionOf(now, "Conflict").status === "True")
      expect(conditionOf(status, "Conflict").message).toContain("rival")
      await world.setLoad("with-hpa", 60)
      await operator.ticks(policy, 3)
      expect(await replicasOf(cluster, namespace, "with-hpa")).toBe(3)
      await cluster.delete(`${path}/rival`)
      await cluster.deploymentReady(namespace, "with-hpa", 6)
    })

    it("is not disturbed by objects that the CRD could not refuse", async () => {
      const good = await atLoad("good", 30)
      const names = [
        world.policyOf("bad-cron", {
          schedules: [{ name: "night", start: "99 99 * * *", end: "0 6 * * *", floor: 2 }]
        }),
        world.policyOf("bad-zone", {
          schedules: [{ name: "night", start: "0 22 * * *", end: "0 6 * * *", timeZone: "Mars/Base", floor: 2 }]
        })
      ]
      const bad = await Promise.all(names.map((each) => follow(cluster, namespace, each)))
      const elsewhere = await follow(cluster, namespace, {
        apiVersion: "nimbusguard.io/v1alpha1",
        kind: "IntelligentScaling",
        metadata: { name: "elsewhere" },
        spec: {
          namespace: "kube-system",
          target_labels: { app: "anything" },
          max_replicas: 3,
          metrics_config: {
            prometheus_url: world.prometheus.url,
            metrics: [{ query: "vector(1)", threshold: 10, condition: "gt" }]
          }
        }
      } as { readonly kind: string; readonly metadata: { readonly name: string } })
      for (const each of bad) {
        const status = await each.untilCondition("Ready", "False", "InvalidSpec")
        expect(status.phase).toBe("Error")
        expect(conditionOf(status, "Ready").message).toMatch(/99 99|Mars\/Base/)
      }
      const crossing = await elsewhere.untilCondition("Ready", "False", "CrossNamespace")
      expect(conditionOf(crossing, "Ready").message).toContain("kube-system")

      await world.setLoad("good", 60)
      await cluster.deploymentReady(namespace, "good", 6)
      expect(conditionOf(await good.status(), "Ready").status).toBe("True")
      // It heals by the edit that its sentence asks for.
      await world.setLoad("bad-zone", 30)
      await cluster.createDeployment(namespace, "bad-zone", 1)
      const [, zone] = bad
      await zone?.edit({ schedules: null })
      await zone?.untilPhase("Active")
      await cluster.deploymentReady(namespace, "bad-zone", 3)
    })

    it("is gone when it is deleted, and the replicas stay as they are", async () => {
      const policy = await atLoad("deleted", 30)
      await policy.delete()
      await eventually(async () => !(await operator.policies()).some(({ name }) => name === "deleted"), {
        what: "the policy to be forgotten"
      })
      await world.setLoad("deleted", 90)
      const witness = await atLoad("witness", 30)
      await operator.ticks(witness, 3)
      expect(await replicasOf(cluster, namespace, "deleted")).toBe(3)
      expect((await operator.metrics()).filter(({ labels }) => labels["policy"] === "deleted")).toEqual([])
    })

    it("starts from where the replicas are when it is created anew", async () => {
      const policy = await atLoad("recreated", 50)
      await policy.delete()
      await world.setLoad("recreated", 20)
      const again = await follow(cluster, namespace, world.policyOf("recreated"))
      await again.untilPhase("Active")
      await cluster.deploymentReady(namespace, "recreated", 2)
    })
  })
})
