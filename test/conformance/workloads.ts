/**
 * What controllers make of objects, at rest: the same for the embedded cluster in virtual time and for the real
 * controllers with kwok's nodes. How fast a pod starts is either's own.
 */
import { Effect } from "effect"
import { assert } from "vitest"
import { type Answer, at, items, type Json, MERGE, names, type Sent } from "#test/conformance/Api"

export interface Running {
  readonly namespace: string
  readonly send: (method: string, path: string, sent?: Sent) => Effect.Effect<Answer>
  /** Reads until it is so. */
  readonly until: (what: string, path: string, isSo: (body: Json) => boolean) => Effect.Effect<Answer>
}

export interface WorkloadCase {
  readonly title: string
  readonly run: (running: Running) => Effect.Effect<void>
}

const apps = ({ namespace }: Running, plural: string, name = "") =>
  `/apis/apps/v1/namespaces/${namespace}/${plural}${name === "" ? "" : `/${name}`}`
const core = ({ namespace }: Running, plural: string, name = "") =>
  `/api/v1/namespaces/${namespace}/${plural}${name === "" ? "" : `/${name}`}`
const budgets = ({ namespace }: Running, name = "") =>
  `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets${name === "" ? "" : `/${name}`}`

const container = (more: Json = {}): Json => ({ name: "main", image: "none", ...more })
/** More than any node has. */
const HUGE = { resources: { requests: { cpu: "100000" } } }

const template = (app: string, ...containers: ReadonlyArray<Json>): Json => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: containers.length === 0 ? [container()] : containers
  }
})

const workload = (kind: string, name: string, replicas: number, spec: Json = {}): Json => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name), ...spec }
})

const withImage = (image: string): Json => ({
  spec: { template: { spec: { containers: [{ name: "main", image }] } } }
})

const isRolledOut = (body: Json): boolean => {
  const [spec, status] = [body["spec"] as Json, (body["status"] ?? {}) as Json]
  const wanted = spec["replicas"]
  const counts = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"]
  return (
    status["observedGeneration"] === at(body, "metadata.generation") &&
    counts.every((count) => (status[count] ?? 0) === wanted)
  )
}

/** Without the times, and the messages with the names of this run. */
const statusOf = ({ body }: Answer): Json => {
  // Pods that end with grace are on their way out for a while on one of the two, and gone at once on the other.
  const { conditions = [], terminatingReplicas: _, ...counts } = (body["status"] ?? {}) as Json
  const words = (conditions as ReadonlyArray<Json>).map(
    ({ reason, status, type }) => `${String(type)} ${String(status)} ${String(reason)}`
  )
  return { ...counts, conditions: words.toSorted() }
}

const patched = (running: Running, path: string, body: Json) =>
  Effect.gen(function* () {
    const answer = yield* running.send("PATCH", path, { contentType: MERGE, body })
    assert.strictEqual(answer.status, 200, JSON.stringify(answer.body))
    return answer
  })

const created = (running: Running, path: string, body: Json) =>
  Effect.gen(function* () {
    const answer = yield* running.send("POST", path, { body })
    assert.strictEqual(answer.status, 201, JSON.stringify(answer.body))
    return answer
  })

const count = (body: Json): number => ((body["items"] ?? []) as ReadonlyArray<Json>).length
const annotation = (object: unknown, name: string) =>
  ((at(object, "metadata.annotations") ?? {}) as Json)[`deployment.kubernetes.io/${name}`]

const rolledOut = (running: Running, name: string) =>
  running.until(`${name} to be rolled out`, apps(running, "deployments", name), isRolledOut)

const setsByRevision = (running: Running) =>
  Effect.map(running.send("GET", apps(running, "replicasets")), (list) =>
    items(list).toSorted((one, two) => Number(annotation(one, "revision")) - Number(annotation(two, "revision")))
  )

export const WORKLOADS: ReadonlyArray<WorkloadCase> = [
  {
    title: "a Deployment gets a ReplicaSet and pods, each named after its owner",
    run: (running) =>
      Effect.gen(function* () {
        yield* created(running, apps(running, "deployments"), workload("Deployment", "web", 3))
        const made = yield* rolledOut(running, "web")
        assert.deepStrictEqual(statusOf(made), {
          observedGeneration: 1,
          replicas: 3,
          updatedReplicas: 3,
          readyReplicas: 3,
          availableReplicas: 3,
          conditions: ["Available True MinimumReplicasAvailable", "Progressing True NewReplicaSetAvailable"]
        })
        assert.strictEqual(annotation(made.body, "revision"), "1")
        const [set, ...others] = yield* setsByRevision(running)
        assert.deepStrictEqual(others, [])
        const name = String(at(set, "metadata.name"))
        const hash = String(((at(set, "metadata.labels") ?? {}) as Json)["pod-template-hash"])
        assert.strictEqual(name, `web-${hash}`)
        assert.deepStrictEqual(
          ["revision", "desired-replicas", "max-replicas"].map((one) => annotation(set, one)),
          ["1", "3", "4"]
        )
        assert.deepStrictEqual(at(set, "spec.selector.matchLabels"), { app: "web", "pod-template-hash": hash })
        assert.deepStrictEqual(at(set, "status"), {
          observedGeneration: 1,
          replicas: 3,
          fullyLabeledReplicas: 3,
          readyReplicas: 3,
          availableReplicas: 3,
          terminatingReplicas: 0
        })
        const pods = yield* running.send("GET", core(running, "pods"))
        for (const pod of items(pods)) {
          assert.isTrue(String(at(pod, "metadata.name")).startsWith(`${name}-`))
          assert.deepStrictEqual(at(pod, "metadata.labels"), { app: "web", "pod-template-hash": hash })
          const [owner] = at(pod, "metadata.ownerReferences") as ReadonlyArray<Json>
          assert.deepStrictEqual(owner, {
            apiVersion: "apps/v1",
            kind: "ReplicaSet",
            name,
            uid: at(set, "metadata.uid"),
            controller: true,
            blockOwnerDeletion: true
          })
          assert.strictEqual(at(pod, "status.phase"), "Running")
          assert.isString(at(pod, "spec.nodeName"))
        }
      })
  },
  {
    title: "a new template rolls out, the one before comes back, and revisions count on",
    run: (running) =>
      Effect.gen(function* () {
        const path = apps(running, "deployments", "web")
        yield* created(running, apps(running, "deployments"), workload("Deployment", "web", 4))
        yield* rolledOut(running, "web")
        yield* patched(running, path, withImage("other"))
        const second = yield* rolledOut(running, "web")
        assert.strictEqual(annotation(second.body, "revision"), "2")
        const sizes = (yield* setsByRevision(running)).map((set) => [
          annotation(set, "revision"),
          at(set, "spec.replicas"),
          at(set, "status.replicas")
        ])
        assert.deepStrictEqual(sizes, [
          ["1", 0, 0],
          ["2", 4, 4]
        ])
        yield* patched(running, path, withImage("none"))
        const third = yield* rolledOut(running, "web")
        assert.strictEqual(annotation(third.body, "revision"), "3")
        const sets = yield* setsByRevision(running)
        assert.deepStrictEqual(
          sets.map((set) => [annotation(set, "revision"), at(set, "spec.replicas")]),
          [
            ["2", 0],
            ["3", 4]
          ]
        )
        assert.deepStrictEqual(statusOf(third)["conditions"], [
          "Available True MinimumReplicasAvailable",
          "Progressing True NewReplicaSetAvailable"
        ])
      })
  },
  {
    title: "a Deployment of strategy Recreate replaces everything, and keeps as many old sets as it is told",
    run: (running) =>
      Effect.gen(function* () {
        const spec = { strategy: { type: "Recreate" }, revisionHistoryLimit: 0 }
        yield* created(running, apps(running, "deployments"), workload("Deployment", "web", 2, spec))
        yield* rolledOut(running, "web")
        yield* patched(running, apps(running, "deployments", "web"), withImage("other"))
        yield* rolledOut(running, "web")
        const sets = yield* running.until("one set", apps(running, "replicasets"), (list) => count(list) === 1)
        assert.strictEqual(annotation(items(sets)[0], "revision"), "2")
      })
  },
  {
    title: "a rollout that does not get on says so after its deadline, and keeps what still serves",
    run: (running) =>
      Effect.gen(function* () {
        const path = apps(running, "deployments", "web")
        const spec = { progressDeadlineSeconds: 3 }
        yield* created(running, apps(running, "deployments"), workload("Deployment", "web", 4, spec))
        yield* rolledOut(running, "web")
        yield* patched(running, path, { spec: { template: template("web", container(HUGE)) } })
        const late = yield* running.until("the deadline", path, (body) =>
          (statusOf({ status: 200, body, warnings: [] })["conditions"] as ReadonlyArray<string>).includes(
            "Progressing False ProgressDeadlineExceeded"
          )
        )
        assert.deepStrictEqual(statusOf(late), {
          observedGeneration: 2,
          replicas: 5,
          updatedReplicas: 2,
          readyReplicas: 3,
          availableReplicas: 3,
          unavailableReplicas: 2,
          conditions: ["Available True MinimumReplicasAvailable", "Progressing False ProgressDeadlineExceeded"]
        })
        // A new size amid the rollout is shared between the sets.
        yield* patched(running, path, { spec: { replicas: 8 } })
        yield* running.until("ten pods", path, (body) => at(body, "status.replicas") === 10)
        const sizes = (yield* setsByRevision(running)).map((set) => at(set, "spec.replicas"))
        assert.deepStrictEqual(sizes, [6, 4])
      })
  },
  {
    title: "a paused Deployment follows its size and not its template",
    run: (running) =>
      Effect.gen(function* () {
        const path = apps(running, "deployments", "web")
        yield* created(running, apps(running, "deployments"), workload("Deployment", "web", 1))
        yield* rolledOut(running, "web")
        yield* patched(running, path, { spec: { paused: true } })
        yield* patched(running, path, withImage("other"))
        yield* patched(running, `${path}/scale`, { spec: { replicas: 2 } })
        const paused = yield* running.until("two pods", path, (body) => at(body, "status.availableReplicas") === 2)
        assert.strictEqual((yield* setsByRevision(running)).length, 1)
        assert.include(statusOf(paused)["conditions"] as ReadonlyArray<string>, "Progressing Unknown DeploymentPaused")
        yield* patched(running, path, { spec: { paused: false } })
        const resumed = yield* rolledOut(running, "web")
        assert.strictEqual(annotation(resumed.body, "revision"), "2")
      })
  },
  {
    title: "a Deployment at 0 has no pods, and is available",
    run: (running) =>
      Effect.gen(function* () {
        const path = apps(running, "deployments", "web")
        yield* created(running, apps(running, "deployments"), workload("Deployment", "web", 2))
        yield* rolledOut(running, "web")
        yield* patched(running, `${path}/scale`, { spec: { replicas: 0 } })
        const empty = yield* running.until(
          "nothing left",
          path,
          (body) => at(body, "status.replicas") === undefined && at(body, "status.observedGeneration") === 2
        )
        assert.deepStrictEqual(statusOf(empty), {
          observedGeneration: 2,
          conditions: ["Available True MinimumReplicasAvailable", "Progressing True NewReplicaSetAvailable"]
        })
        yield* running.until("no pods", core(running, "pods"), (list) => count(list) === 0)
      })
  },
  {
    title: "a ready pod is available only after minReadySeconds",
    run: (running) =>
      Effect.gen(function* () {
        const path = apps(running, "deployments", "web")
        const spec = { minReadySeconds: 4 }
        yield* created(running, apps(running, "deployments"), workload("Deployment", "web", 1, spec))
        const ready = yield* running.until("a ready pod", path, (body) => at(body, "status.readyReplicas") === 1)
        assert.isUndefined(at(ready.body, "status.availableReplicas"))
        assert.strictEqual(at(ready.body, "status.unavailableReplicas"), 1)
        yield* rolledOut(running, "web")
      })
  },
  {
    title: "a StatefulSet makes its pods one after the other, takes the last away first, and replaces them by revision",
    run: (running) =>
      Effect.gen(function* () {
        const path = apps(running, "statefulsets", "db")
        const spec = { serviceName: "db" }
        yield* created(running, apps(running, "statefulsets"), workload("StatefulSet", "db", 3, spec))
        const isDone = (wanted: number) => (body: Json) =>
          at(body, "status.readyReplicas") === wanted &&
          at(body, "status.replicas") === wanted &&
          at(body, "status.observedGeneration") === at(body, "metadata.generation") &&
          at(body, "status.currentRevision") === at(body, "status.updateRevision")
        const made = yield* running.until("three pods", path, isDone(3))
        const revision = at(made.body, "status.currentRevision")
        assert.deepStrictEqual(made.body["status"], {
          observedGeneration: 1,
          replicas: 3,
          readyReplicas: 3,
          currentReplicas: 3,
          updatedReplicas: 3,
          availableReplicas: 3,
          currentRevision: revision,
          updateRevision: revision,
          collisionCount: 0
        })
        const pods = yield* running.send("GET", core(running, "pods"))
        assert.deepStrictEqual(names(pods), ["db-0", "db-1", "db-2"])
        const created_ = items(pods).map((pod) => String(at(pod, "metadata.creationTimestamp")))
        assert.deepStrictEqual(created_.toSorted(), created_)
        assert.deepStrictEqual(at(items(pods)[1], "metadata.labels"), {
          app: "db",
          "apps.kubernetes.io/pod-index": "1",
          "controller-revision-hash": revision,
          "statefulset.kubernetes.io/pod-name": "db-1"
        })
        assert.strictEqual(at(items(pods)[1], "spec.hostname"), "db-1")
        yield* patched(running, path, { spec: { replicas: 2 } })
        yield* running.until("two pods", path, isDone(2))
        assert.deepStrictEqual(names(yield* running.send("GET", core(running, "pods"))), ["db-0", "db-1"])
        yield* patched(running, path, withImage("other"))
        const updated = yield* running.until(
          "another revision",
          path,
          (body) => isDone(2)(body) && at(body, "status.currentRevision") !== revision
        )
        assert.strictEqual(at(updated.body, "status.updatedReplicas"), 2)
      })
  },
  {
    title: "a StatefulSet waits for a pod that cannot start, unless it is told to go on in parallel",
    run: (running) =>
      Effect.gen(function* () {
        const sets = apps(running, "statefulsets")
        const stuck = { serviceName: "x", template: template("a", container(HUGE)) }
        yield* created(running, sets, workload("StatefulSet", "a", 3, stuck))
        const parallel = { ...stuck, template: template("b", container(HUGE)), podManagementPolicy: "Parallel" }
        yield* created(running, sets, workload("StatefulSet", "b", 3, parallel))
        yield* running.until("the parallel pods", `${sets}/b`, (body) => at(body, "status.replicas") === 3)
        yield* running.until("the first pod", `${sets}/a`, (body) => at(body, "status.replicas") === 1)
        const pods = yield* running.send("GET", core(running, "pods"))
        assert.deepStrictEqual(names(pods), ["a-0", "b-0", "b-1", "b-2"])
        const waiting = yield* running.until("the scheduler", core(running, "pods", "a-0"), (body) => {
          return at(body, "status.conditions.0.reason") === "Unschedulable"
        })
        assert.deepInclude((at(waiting.body, "status.conditions") as ReadonlyArray<Json>)[0], {
          type: "PodScheduled",
          status: "False",
          reason: "Unschedulable"
        })
        assert.strictEqual(at(waiting.body, "status.phase"), "Pending")
      })
  },
  {
    title: "a StatefulSet gives the newest template only to pods from its partition on",
    run: (running) =>
      Effect.gen(function* () {
        const path = apps(running, "statefulsets", "db")
        const spec = {
          serviceName: "db",
          podManagementPolicy: "Parallel",
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } }
        }
        yield* created(running, apps(running, "statefulsets"), workload("StatefulSet", "db", 3, spec))
        yield* running.until("three pods", path, (body) => at(body, "status.readyReplicas") === 3)
        yield* patched(running, path, withImage("other"))
        yield* running.until(
          "one newer pod",
          path,
          (body) => at(body, "status.updatedReplicas") === 1 && at(body, "status.readyReplicas") === 3
        )
        const pods = yield* running.send("GET", core(running, "pods"))
        const images = items(pods).map((pod) => (at(pod, "spec.containers") as ReadonlyArray<Json>)[0]?.["image"])
        assert.deepStrictEqual(images, ["none", "none", "other"])
        // A pod below it that is lost comes back as it was.
        yield* running.send("DELETE", core(running, "pods", "db-0"))
        const back = yield* running.until("db-0 again", core(running, "pods", "db-0"), (body) => {
          return at(body, "status.phase") === "Running" && at(body, "metadata.deletionTimestamp") === undefined
        })
        assert.strictEqual((at(back.body, "spec.containers") as ReadonlyArray<Json>)[0]?.["image"], "none")
      })
  },
  {
    title: "a PodDisruptionBudget counts its pods, and what may be missed of them",
    run: (running) =>
      Effect.gen(function* () {
        yield* created(running, apps(running, "deployments"), workload("Deployment", "web", 4))
        const budget = (name: string, spec: Json) => ({
          apiVersion: "policy/v1",
          kind: "PodDisruptionBudget",
          metadata: { name },
          spec: { selector: { matchLabels: { app: "web" } }, ...spec }
        })
        const wanted: ReadonlyArray<readonly [name: string, spec: Json, desired: number, allowed: number]> = [
          ["number", { minAvailable: 3 }, 3, 1],
          ["share", { minAvailable: "30%" }, 2, 2],
          ["missing", { maxUnavailable: 3 }, 1, 3],
          ["missing-share", { maxUnavailable: "20%" }, 3, 1],
          ["all", { minAvailable: 5 }, 5, 0]
        ]
        for (const [name, spec] of wanted) yield* created(running, budgets(running), budget(name, spec))
        yield* rolledOut(running, "web")
        for (const [name, , desired, allowed] of wanted) {
          const counted = yield* running.until(
            `${name} to count four pods`,
            budgets(running, name),
            (body) => at(body, "status.currentHealthy") === 4 && at(body, "status.disruptionsAllowed") === allowed
          )
          assert.deepStrictEqual(
            statusOf(counted),
            {
              observedGeneration: 1,
              disruptionsAllowed: allowed,
              currentHealthy: 4,
              desiredHealthy: desired,
              expectedPods: 4,
              conditions: [
                allowed > 0 ? "DisruptionAllowed True SufficientPods" : "DisruptionAllowed False InsufficientPods"
              ]
            },
            name
          )
        }
      })
  },
  {
    title: "what belongs to a deleted object goes too, as far as nobody else owns it",
    run: (running) =>
      Effect.gen(function* () {
        const map = (name: string, owners: ReadonlyArray<Answer>): Json => ({
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: {
            name,
            ownerReferences: owners.map(({ body }) => ({
              apiVersion: "v1",
              kind: "ConfigMap",
              name: at(body, "metadata.name"),
              uid: at(body, "metadata.uid")
            }))
          }
        })
        const make = (name: string, ...owners: ReadonlyArray<Answer>) =>
          created(running, core(running, "configmaps"), map(name, owners))
        const one = yield* make("one")
        const two = yield* make("two")
        yield* make("of-one", one)
        yield* make("of-both", one, two)
        const lost: Answer = {
          ...one,
          body: { metadata: { name: "three", uid: "6a8c0f8e-0000-4000-8000-00000000dead" } }
        }
        yield* make("of-none", lost)
        yield* running.send("DELETE", core(running, "configmaps", "one"))
        const isOurs = (name: unknown) => ["one", "two", "of-one", "of-both", "of-none"].includes(String(name))
        const left = yield* running.until("the dependents to go", core(running, "configmaps"), (body) => {
          return names({ status: 200, body, warnings: [] }).filter(isOurs).length === 2
        })
        assert.deepStrictEqual(names(left).filter(isOurs), ["of-both", "two"])
        yield* created(running, apps(running, "deployments"), workload("Deployment", "web", 2))
        yield* rolledOut(running, "web")
        yield* running.send("DELETE", apps(running, "deployments", "web"))
        yield* running.until("no sets", apps(running, "replicasets"), (list) => count(list) === 0)
        yield* running.until("no pods", core(running, "pods"), (list) => count(list) === 0)
      })
  },
  {
    title: "what is deleted with its dependents orphaned leaves them behind, and on their own",
    run: (running) =>
      Effect.gen(function* () {
        yield* created(running, apps(running, "deployments"), workload("Deployment", "web", 1))
        yield* rolledOut(running, "web")
        yield* running.send("DELETE", apps(running, "deployments", "web"), { body: { propagationPolicy: "Orphan" } })
        yield* running.until("no Deployment", apps(running, "deployments"), (list) => count(list) === 0)
        const sets = yield* running.send("GET", apps(running, "replicasets"))
        assert.strictEqual(items(sets).length, 1)
        assert.isUndefined(at(items(sets)[0], "metadata.ownerReferences"))
        assert.strictEqual(items(yield* running.send("GET", core(running, "pods"))).length, 1)
      })
  }
]
