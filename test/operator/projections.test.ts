import { assert, describe, it } from "vitest"
import {
  failingSince,
  projectDeployment,
  projectHpa,
  projectPdb,
  projectPod,
  projectReplicaSet,
  projectScaledObject,
  projectStatefulSet
} from "#operator/projections"
import type { PodState } from "#schemas/kubernetes/Pod"

const meta = (rest: object = {}) => ({
  name: "a",
  namespace: "shop",
  uid: "u",
  resourceVersion: "7",
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...rest
})
const owners = [
  { apiVersion: "v1", kind: "Node", name: "n", uid: "not-this" },
  { apiVersion: "apps/v1", kind: "ReplicaSet", name: "r", uid: "owner", controller: true }
]

describe("a projected pod", () => {
  const pod = (spec: object, status: object = {}, rest: object = {}) =>
    projectPod({ metadata: meta(rest), spec, status }) ?? assert.fail("not projected")
  const running = (status: object) => ({ name: "main", ready: false, restartCount: 0, ...status })

  it("has the requests of its containers and of sidecars, not of those that only prepare", () => {
    const requests = (name: string, values: object, rest: object = {}) => ({
      name,
      resources: { requests: values },
      ...rest
    })
    const { requests: found } = pod({
      containers: [requests("main", { cpu: "1500m", memory: "1Gi" }), { name: "bare" }, requests("odd", { cpu: 2 })],
      initContainers: [
        requests("prepare", { cpu: "4" }),
        requests("sidecar", { cpu: "0.1" }, { restartPolicy: "Always" })
      ]
    })
    assert.deepStrictEqual(found, {
      sidecar: { cpu: 100 },
      main: { cpu: 1500, memory: 2 ** 30 * 1000 },
      bare: {},
      odd: { cpu: 2000 }
    })
  })

  it("has the owner that controls it, and says when it is going", () => {
    const going = pod({}, {}, { ownerReferences: owners, deletionTimestamp: "2026-01-01T00:01:00Z" })
    assert.deepStrictEqual([going.ownerUid, going.deleting], ["owner", true])
    const orphan = pod({})
    assert.isFalse("ownerUid" in orphan || "ready" in orphan || "startedAt" in orphan)
    assert.deepStrictEqual([orphan.deleting, orphan.phase], [false, "Unknown"])
  })

  const waiting = (reason: string) => ({ containerStatuses: [running({ state: { waiting: { reason } } })] })
  const failures: ReadonlyArray<readonly [string, object, boolean]> = [
    ["backs off", waiting("CrashLoopBackOff"), true],
    ["cannot be pulled", waiting("ImagePullBackOff"), true],
    ["is being made", waiting("ContainerCreating"), false],
    ["prepares and fails", { initContainerStatuses: waiting("CrashLoopBackOff").containerStatuses }, true],
    ["has crashed twice", { containerStatuses: [running({ restartCount: 2 })] }, false],
    ["has crashed three times", { containerStatuses: [running({ restartCount: 3 })] }, true],
    ["has crashed and recovered", { containerStatuses: [running({ restartCount: 9, ready: true })] }, false],
    ["is not known yet", { containerStatuses: null }, false]
  ]
  for (const [title, status, want] of failures) {
    it(`${want ? "is" : "is not"} crash-looping when a container ${title}`, () =>
      assert.strictEqual(pod({}, status).crashLooping, want))
  }

  it("is unschedulable only when the scheduler says so", () => {
    const condition = (status: string, reason?: string) =>
      pod({}, { conditions: [{ type: "PodScheduled", status, ...(reason === undefined ? {} : { reason }) }] })
        .unschedulable
    assert.isTrue(condition("False", "Unschedulable"))
    assert.isFalse(condition("False", "SchedulingGated"))
    assert.isFalse(condition("True"))
  })

  it("is none when it is not a pod", () => {
    for (const object of [undefined, null, 5, {}, { metadata: { name: "a" } }]) assert.isUndefined(projectPod(object))
  })
})

describe("projected workloads", () => {
  const deployment = (spec: object, status?: object, generation = 1) =>
    projectDeployment({ metadata: meta({ generation }), spec, ...(status === undefined ? {} : { status }) }) ??
    assert.fail("not projected")
  const done = { observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3 }

  it("say whether a Deployment is rolling out", () => {
    assert.isFalse(deployment({ replicas: 3 }, done).rolling)
    assert.isTrue(deployment({ replicas: 3 }, done, 2).rolling)
    assert.isTrue(deployment({ replicas: 3 }, { ...done, updatedReplicas: 2 }).rolling)
    assert.isTrue(deployment({ replicas: 3 }, { ...done, replicas: 4 }).rolling)
    assert.isTrue(deployment({ replicas: 3 }).rolling)
    assert.isFalse(deployment({ replicas: 3, paused: true }, { ...done, updatedReplicas: 2 }).rolling)
    assert.isFalse(deployment({ replicas: 0 }, { observedGeneration: 1 }).rolling)
  })

  it("take an absent number for the API's default", () => {
    const { readyReplicas, specReplicas, statusReplicas } = deployment({}, { conditions: null })
    assert.deepStrictEqual([specReplicas, statusReplicas, readyReplicas], [1, 0, 0])
  })

  it("say whether a StatefulSet is rolling out, by its strategy", () => {
    const set = (updateStrategy: object, updatedReplicas = 1) =>
      projectStatefulSet({
        metadata: meta({ generation: 1 }),
        spec: { replicas: 3, updateStrategy },
        status: { observedGeneration: 1, replicas: 3, updatedReplicas, currentRevision: "a", updateRevision: "b" }
      })?.rolling
    assert.isTrue(set({ type: "RollingUpdate" }))
    assert.isFalse(set({ type: "RollingUpdate" }, 3))
    assert.isFalse(set({ type: "RollingUpdate", rollingUpdate: { partition: 2 } }))
    assert.isFalse(set({ type: "OnDelete" }))
  })

  it("know a ReplicaSet's Deployment", () => {
    assert.deepStrictEqual(projectReplicaSet({ metadata: meta({ ownerReferences: owners }) }), {
      uid: "u",
      ownerUid: "owner"
    })
  })
})

describe("projected neighbours", () => {
  it("are budgets, of which a percentage is no floor", () => {
    const budget = (minAvailable: unknown) => projectPdb({ metadata: meta(), spec: { minAvailable, selector: {} } })
    assert.strictEqual(budget(2)?.minAvailable, 2)
    assert.strictEqual(budget("2")?.minAvailable, 2)
    assert.isUndefined(budget("50%")?.minAvailable)
    const none = projectPdb({ metadata: meta(), spec: { maxUnavailable: 1 } })
    assert.deepStrictEqual([none?.minAvailable, none?.selects({ app: "web" })], [undefined, false])
  })

  it("are autoscalers, whose target is a Deployment unless they say otherwise", () => {
    const hpa = projectHpa({
      metadata: meta(),
      spec: { scaleTargetRef: { apiVersion: "x.io/v2", kind: "Y", name: "z" } }
    })
    assert.deepStrictEqual(hpa?.target, { group: "x.io", kind: "Y", name: "z" })
    const keda = projectScaledObject({ metadata: meta(), spec: { scaleTargetRef: { name: "web" } } })
    assert.deepStrictEqual(keda?.target, { group: "apps", kind: "Deployment", name: "web" })
  })
})

describe("failing new pods", () => {
  const pod = (createdAt: number, rest: Partial<PodState>): PodState => ({
    name: `p${createdAt}`,
    namespace: "shop",
    uid: `u${createdAt}`,
    labels: {},
    phase: "Running",
    deleting: false,
    ready: false,
    createdAt,
    requests: {},
    unschedulable: false,
    crashLooping: false,
    ...rest
  })
  const crashing = { crashLooping: true }
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<PodState>, number | undefined]> = [
    ["no pods", [], undefined],
    ["pods that are starting", [pod(1, {})], undefined],
    ["the first pod of all", [pod(1, crashing)], 1],
    ["some, since the oldest of them", [pod(1, { ready: true }), pod(3, crashing), pod(2, { unschedulable: true })], 2],
    ["an old pod beside a younger one that is ready", [pod(1, crashing), pod(2, { ready: true })], undefined],
    ["one of a batch made in the same second", [pod(2, crashing), pod(2, { ready: true })], 2],
    ["one that is being deleted", [pod(2, { ...crashing, deleting: true })], undefined],
    ["one that is ready after all", [pod(2, { ...crashing, ready: true })], undefined]
  ]
  for (const [title, pods, want] of cases)
    it(`are told of ${title}`, () => assert.strictEqual(failingSince(pods), want))
})
