// The checkers themselves: what an operator must never do is done here by hand, and each alarm has to ring.
import { Effect } from "effect"
import { assert, describe } from "vitest"
import type { DecisionRecord } from "#schemas/Decision"
import { measured, missing, type Reading } from "#schemas/Reading"
import { Answers } from "#simulation/Answers"
import { keyOf } from "#simulation/questions"
import { prepare } from "#simulation/run"
import { Safety } from "#simulation/safety"
import type { Scenario } from "#simulation/Scenario"
import { HOME, makeWorld } from "#simulation/World"
import { simulated } from "#test/simulation/inSimulation"
import { policyOf } from "#test/domain/policies"
import { deployment, idle, makeRecord, state } from "#test/operator/records"

const SCENARIO: Scenario = {
  seed: 1,
  minutes: 1,
  operators: [],
  latencyMillis: 0,
  targets: [
    {
      name: "web",
      kind: "Deployment",
      labels: {},
      replicas: 4,
      startupMillis: 0,
      load: { pattern: "steady", low: 4, high: 4, periodSeconds: 60 },
      settlesAt: 4,
      hasPods: false
    }
  ],
  policies: ["old", "young"].map((name, index) => {
    const spec = {
      targetRef: { kind: "Deployment", name: "web" },
      minReplicas: 1,
      maxReplicas: 8,
      metric: { type: "custom", targetValue: 10, custom: { url: "http://queues.test/web", jsonPointer: "/waiting" } }
    }
    return {
      kind: "GeneralScaler",
      name,
      spec,
      edited: spec,
      targets: ["web"],
      questions: { metric: keyOf("http", "total", "web") },
      isMemoryless: true,
      appearsSeconds: index * 5
    }
  }),
  faults: []
}

const definitions = prepare()
const SCALE = "/apis/apps/v1/namespaces/shop/deployments/web/scale"

const makeScene = Effect.gen(function* () {
  const world = yield* makeWorld(SCENARIO, definitions)
  const broken: Array<string> = []
  const safety = new Safety(world, ({ property }) => void broken.push(property))
  const answers = new Answers()
  safety.suspect({ name: "a1", answers })
  yield* world.begin
  yield* Effect.sleep("5 minutes")
  const lease = (holderIdentity: string) => {
    const metadata = { name: "nimbusguard-operator", namespace: HOME }
    const found = world.server.find("Lease", HOME, metadata.name)
    if (found !== undefined) world.server.remove("Lease", HOME, metadata.name)
    world.server.create({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec: { holderIdentity } })
  }
  lease("a1_1")
  const write = (replicas: number, life = "a1") => {
    world.writer = life
    const query = { fieldManager: "nimbusguard" }
    const body = { spec: { replicas } }
    const contentType = "application/merge-patch+json"
    const { status } = world.server.handle({ method: "PATCH", path: SCALE, query, body, contentType, userAgent: life })
    world.writer = undefined
    assert.strictEqual(status, 200)
    return safety.writes.at(-1)
  }
  const record = (uid: string, reading: Reading = measured(40, world.now())): DecisionRecord => {
    const made = safety.writes.at(-1)
    const { from = 0, to = 0, version = "" } = made ?? {}
    const object = world.server.find("GeneralScaler", "shop", uid) ?? {}
    const metadata = object["metadata"] as { readonly uid: string; readonly generation: number }
    const outcome = { _tag: "Scaled", from, to, resourceVersion: version } as const
    const told = makeRecord({ uid: metadata.uid, id: `${uid}.${world.now()}`, at: world.now(), outcome })
    const observed = { target: deployment("web"), state: state(from), readings: [{ signal: "metric", reading }] }
    return {
      ...told,
      policy: { ...told.policy, name: uid, generation: metadata.generation },
      observation: { ...told.observation, ...observed },
      decision: idle(to)
    }
  }
  return { world, broken, safety, answers, lease, write, record }
})

describe("the checkers", () => {
  simulated(
    "are content with an operator that keeps its promises",
    Effect.gen(function* () {
      const { broken, record, safety, write } = yield* makeScene
      write(5)
      safety.recorded("a1", record("old"), undefined)
      safety.concluded()
      assert.deepStrictEqual(broken, [])
    }),
    { seeds: 2 }
  )

  simulated(
    "miss no record of a write that put back what status said when its leader was gone before it could tell",
    Effect.gen(function* () {
      const { broken, lease, safety, world, write } = yield* makeScene
      world.server.patch("GeneralScaler", "shop", "old", { status: { currentReplicas: 5 } }, "nimbusguard", "status")
      write(5)
      safety.concluded()
      assert.deepStrictEqual(broken, ["each write has one record"])
      lease("")
      safety.concluded()
      assert.lengthOf(broken, 2)
      lease("a1_1")
      lease("b1_1")
      safety.concluded()
      assert.lengthOf(broken, 2)
    }),
    { seeds: 1 }
  )

  simulated(
    "let a policy that was made anew find what the one before it wrote",
    Effect.gen(function* () {
      const { broken, record, safety, write } = yield* makeScene
      write(5)
      const told = record("old")
      safety.recorded("a1", told, undefined)
      const found = { ...told, outcome: { _tag: "Recovered", from: 5, to: 5, by: "nimbusguard" } } as const
      safety.recorded("a1", { ...found, policy: { ...found.policy, uid: "another" } }, undefined)
      assert.deepStrictEqual(broken, [])
      safety.recorded("a1", found, undefined)
      assert.deepStrictEqual(broken, ["each write has one record"])
    }),
    { seeds: 1 }
  )

  for (const [title, by, from] of [
    ["let no other policy of the same process find what one has recorded", { name: "young", uid: "another" }, 5],
    ["let nobody find a write that comes from where the target never was", { uid: "another" }, 9]
  ] as const) {
    simulated(
      title,
      Effect.gen(function* () {
        const { broken, record, safety, write } = yield* makeScene
        write(5)
        const told = record("old")
        safety.recorded("a1", told, undefined)
        const outcome = { _tag: "Recovered", from, to: 5, by: "nimbusguard" } as const
        safety.recorded("a1", { ...told, outcome, policy: { ...told.policy, ...by } }, undefined)
        assert.deepStrictEqual(broken, ["each write has one record"])
      }),
      { seeds: 1 }
    )
  }

  const alarms: ReadonlyArray<{
    readonly title: string
    readonly property: string
    readonly act: (scene: Effect.Success<typeof makeScene>) => void
  }> = [
    {
      title: "a write outside the bounds",
      property: "replicas stay inside the bounds",
      act: ({ write }) => void write(9)
    },
    {
      title: "a write of one that does not hold the Lease",
      property: "nobody writes without the Lease",
      act: ({ lease, write }) => {
        lease("b1_1")
        write(5)
      }
    },
    {
      title: "a write that no record tells of",
      property: "each write has one record",
      act: ({ safety, write }) => {
        write(5)
        safety.concluded()
      }
    },
    {
      title: "a write that is recorded twice",
      property: "each write has one record",
      act: ({ record, safety, write }) => {
        write(5)
        safety.recorded("a1", record("old"), undefined)
        safety.recorded("a1", { ...record("old"), id: "again" }, undefined)
      }
    },
    {
      title: "a record without a write",
      property: "each write has one record",
      act: ({ record, safety, write }) => {
        write(5)
        const told = record("old")
        safety.recorded(
          "a1",
          { ...told, outcome: { _tag: "Scaled", from: 4, to: 6, resourceVersion: "9999" } },
          undefined
        )
      }
    },
    {
      title: "the younger policy on a target",
      property: "one policy writes a target",
      act: ({ record, safety, write }) => {
        write(5)
        safety.recorded("a1", record("young"), undefined)
      }
    },
    {
      title: "a step down while the operator itself knows no value",
      property: "nothing goes down blindly",
      act: ({ record, safety, write }) => {
        write(3)
        safety.recorded("a1", record("old", missing("Timeout", "")), undefined)
      }
    },
    {
      title: "a step down on a number that nobody had told",
      property: "nothing goes down blindly",
      act: ({ answers, record, safety, world, write }) => {
        answers.tell(keyOf("http", "total", "web"), world.now(), undefined)
        write(3)
        safety.recorded("a1", record("old", measured(0, world.now())), undefined)
      }
    },
    {
      title: "a step down on a number that nobody had asked for in this tick",
      property: "nothing goes down blindly",
      act: ({ record, safety, world, write }) => {
        write(3)
        safety.recorded("a1", record("old", measured(0, world.now())), undefined)
      }
    },
    {
      title: "advice that added more than a quarter",
      property: "advice only adds",
      act: ({ record, safety, write }) => {
        write(8)
        const made = record("old")
        const advice = {
          askedAt: made.observation.at,
          replicas: 8,
          horizonSeconds: 60,
          confidencePercent: 90,
          reasoning: ""
        }
        const by = { ...policyOf({}), ref: made.policy, engines: [] }
        const decision = { ...made.decision, recommended: 8 }
        safety.recorded("a1", { ...made, decision, observation: { ...made.observation, advice } }, by)
      }
    },
    {
      title: "a step down within the cooldown",
      property: "cooldowns are kept",
      act: ({ record, safety, write }) => {
        const by = policyOf({ limits: { ...policyOf({}).limits, cooldown: { upSeconds: 0, downSeconds: 60 } } })
        write(5)
        const up = record("old")
        safety.recorded("a1", up, undefined)
        write(4)
        const policy = { ...by, ref: up.policy, engines: [] }
        safety.recorded("a1", { ...record("old"), id: "down" }, policy)
      }
    }
  ]

  for (const { act, property, title } of alarms) {
    simulated(
      `ring for ${title}`,
      Effect.gen(function* () {
        const scene = yield* makeScene
        act(scene)
        assert.include(scene.broken, property)
      }),
      { seeds: 1 }
    )
  }
})
