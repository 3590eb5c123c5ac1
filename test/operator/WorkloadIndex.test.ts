import { assert, describe, it } from "vitest"
import type { WorkloadState } from "#operator/projections"
import { type WorkloadChange, WorkloadIndex } from "#operator/WorkloadIndex"

const workload = (rest: Partial<WorkloadState> = {}): WorkloadState => ({
  kind: "Deployment",
  namespace: "shop",
  name: "web",
  uid: "u1",
  resourceVersion: "1",
  labels: { app: "web" },
  specReplicas: 1,
  statusReplicas: 1,
  readyReplicas: 1,
  rolling: false,
  deadlineExceeded: false,
  ...rest
})
const target = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" }
const KEY = "shop/web"

const open = () => {
  const told: Array<WorkloadChange["what"]> = []
  const clock = { millis: 0 }
  const index = new WorkloadIndex(
    () => clock.millis,
    ({ what }) => void told.push(what)
  )
  return { clock, index, told }
}

describe("the workload index", () => {
  it("keeps a Deployment and a StatefulSet of one name apart", () => {
    const { index } = open()
    index.putWorkload({ key: KEY, before: undefined, after: workload() })
    index.putWorkload({ key: KEY, before: undefined, after: workload({ kind: "StatefulSet", uid: "u2" }) })
    assert.strictEqual(index.workload(target)?.uid, "u1")
    assert.strictEqual(index.workload({ ...target, kind: "StatefulSet" })?.uid, "u2")
    assert.deepStrictEqual(index.matching("shop", { app: "web" }), [target])
    index.putWorkload({ key: KEY, before: workload(), after: undefined })
    assert.isUndefined(index.workload(target))
    assert.strictEqual(index.workload({ ...target, kind: "StatefulSet" })?.uid, "u2")
  })

  it("tells what has changed, and a new object under an old name as one that appeared", () => {
    const { index, told } = open()
    const steps = [
      workload(),
      workload({ readyReplicas: 0 }),
      workload({ specReplicas: 2 }),
      workload({ specReplicas: 2, labels: {} }),
      workload({ uid: "u2" })
    ]
    let before: WorkloadState | undefined
    for (const after of [...steps, undefined]) {
      index.putWorkload({ key: KEY, before, after })
      before = after
    }
    assert.deepStrictEqual(told, ["Appeared", "Replicas", "Labels", "Appeared", "Deleted"])
  })

  it("counts a rollout from its own start, and a second one anew", () => {
    const { clock, index } = open()
    const idle = workload({ kind: "StatefulSet" })
    const rolling = { ...idle, rolling: true }
    index.putWorkload({ key: KEY, before: undefined, after: rolling })
    clock.millis = 599_000
    index.putWorkload({ key: KEY, before: rolling, after: { ...rolling, readyReplicas: 0 } })
    assert.isTrue(index.rollingOut(rolling))
    clock.millis = 601_000
    assert.isFalse(index.rollingOut(rolling))
    index.putWorkload({ key: KEY, before: rolling, after: idle })
    index.putWorkload({ key: KEY, before: idle, after: rolling })
    assert.isTrue(index.rollingOut(rolling))
  })

  it("moves a pod with its owner", () => {
    const { index } = open()
    const pod = {
      name: "p",
      namespace: "shop",
      uid: "p",
      ownerUid: "u1",
      labels: {},
      phase: "Running",
      deleting: false,
      createdAt: 0,
      requests: {},
      unschedulable: false,
      crashLooping: false
    }
    const set = workload({ kind: "StatefulSet" })
    index.putPod({ key: "shop/p", before: undefined, after: pod })
    assert.strictEqual(index.podsOf(set).length, 1)
    index.putPod({ key: "shop/p", before: pod, after: { ...pod, ownerUid: "u2" } })
    assert.strictEqual(index.podsOf(set).length, 0)
    assert.strictEqual(index.podsOf({ ...set, uid: "u2" }).length, 1)
    assert.strictEqual(index.podsMatching("shop", () => true).length, 1)
  })
})
